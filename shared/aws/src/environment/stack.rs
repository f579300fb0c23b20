//! The stack that the process belongs to.

use beacon_core::cloudwatch::StackName;

use super::{ConfigError, optional};
use crate::metric_lines::MetricLines;

pub(super) const STACK: &str = "BEACON_STACK";

/// Where metrics go: as those of `BEACON_STACK` to standard output, or nowhere where that is not set.
pub fn metric_lines() -> Result<MetricLines, ConfigError> {
    let Some(value) = optional(STACK) else { return Ok(MetricLines::Off) };
    Ok(MetricLines::to_standard_output(stack_name(&value)?))
}

pub(super) fn stack_name(value: &str) -> Result<StackName, ConfigError> {
    StackName::new(value.trim()).map_err(|error| ConfigError::Invalid {
        variable: STACK,
        value: value.to_owned(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_a_name_that_cloudformation_allows() {
        assert_eq!(stack_name(" beacon-2 ").unwrap().as_str(), "beacon-2");
        for bad in ["2nd", "be acon", "beacon_2", "ß", &"a".repeat(129)] {
            let error = stack_name(bad).unwrap_err().to_string();
            assert!(error.contains("`BEACON_STACK`"), "{error}");
        }
    }
}
