//! The version of the rules, for those who judge nothing and need not load them.

use beacon_core::verdict::RulesVersion;

/// As `rules/model.toml` has it.
const VERSION: &str = "2026-11-27";

/// The version of [`super::Classifier::built_in`].
pub fn version() -> RulesVersion {
    RulesVersion(VERSION.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_rules() {
        assert_eq!(*super::super::Classifier::built_in().rules(), version());
    }
}
