//! Canonical regions. Aliases exist only at the edge: one table, one function, applied on input.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{IdError, text_id};

text_id! {
    /// A canonical region, such as `us-east`.
    Region, "region", 64, "1 to 64 characters of [a-z0-9-]",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// The regions that are known without any provider declaring them, with the place that the
/// regional system prompt names.
pub(crate) const PLACES: [(&str, &str); 8] = [
    ("us-east", "the US"),
    ("us-central", "the US"),
    ("us-west", "the US"),
    ("eu-west", "Europe"),
    ("eu-central", "Europe"),
    ("eu-north", "Europe"),
    ("asia-pacific", "Asia"),
    ("asia-southeast", "Asia"),
];

/// Lower-case aliases and what they stand for.
pub(crate) const ALIASES: [(&str, &str); 8] = [
    ("us", "us-east"),
    ("usa", "us-east"),
    ("united states", "us-east"),
    ("na", "us-east"),
    ("eu", "eu-west"),
    ("europe", "eu-west"),
    ("apac", "asia-pacific"),
    ("asia", "asia-pacific"),
];

/// A region that neither Beacon nor any provider knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown region `{given}`; known are {}", known.join(", "))]
pub struct UnknownRegion {
    /// The text as given, cut to 80 characters.
    pub given: String,
    /// The regions that would have been accepted.
    pub known: Vec<String>,
}

impl Region {
    /// Turns what a person wrote (any case, surrounding white space, an alias) into the canonical
    /// region, if it is built in or among those that providers declare.
    pub fn resolve(given: &str, declared: &[Self]) -> Result<Self, UnknownRegion> {
        let text = given.trim().to_lowercase();
        let name =
            ALIASES.iter().find(|(alias, _)| *alias == text).map_or(&*text, |(_, name)| name);
        let built_in = PLACES.iter().any(|(known, _)| *known == name);
        match Self::new(name) {
            Ok(region) if built_in || declared.contains(&region) => Ok(region),
            Ok(_) | Err(_) => Err(UnknownRegion {
                given: given.chars().take(80).collect(),
                known: known(declared),
            }),
        }
    }

    /// The place that the regional system prompt names; none for a region that only a provider
    /// declared.
    pub fn place(&self) -> Option<&'static str> {
        PLACES.iter().find(|(name, _)| *name == self.as_str()).map(|(_, place)| *place)
    }
}

fn known(declared: &[Region]) -> Vec<String> {
    let built_in = PLACES.iter().map(|(name, _)| (*name).to_owned());
    let mut all: Vec<String> = built_in.chain(declared.iter().map(ToString::to_string)).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_resolve_in_any_case_and_with_white_space() {
        let table = [
            ("US", "us-east"),
            ("usa", "us-east"),
            ("United States", "us-east"),
            ("NA", "us-east"),
            ("us-east", "us-east"),
            ("EU", "eu-west"),
            ("Europe", "eu-west"),
            ("  eu-west  ", "eu-west"),
            ("ASIA", "asia-pacific"),
            ("APAC", "asia-pacific"),
            ("asia-pacific", "asia-pacific"),
        ];
        for (given, canonical) in table {
            assert_eq!(Region::resolve(given, &[]).unwrap().as_str(), canonical, "{given}");
        }
    }

    #[test]
    fn what_is_no_region_is_never_taken_for_one() {
        for given in ["", " ", "CANADA", "UNKNOWN-REGION", "us_east", "us-*", "null"] {
            assert!(Region::resolve(given, &[]).is_err(), "{given}");
        }
    }

    #[test]
    fn an_unknown_region_lists_the_known_ones() {
        let error = Region::resolve("mars", &[Region::new("lab-1").unwrap()]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`mars`") && text.contains("us-east") && text.contains("lab-1"));
        assert_eq!(
            Region::resolve("LAB-1", &[Region::new("lab-1").unwrap()]).unwrap().as_str(),
            "lab-1"
        );
    }
}
