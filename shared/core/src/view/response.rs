//! What came of a pair, in the predecessor's four words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::execution::{ExecutionStatus, Outcome};
use crate::verdict::Verdict;

/// The predecessor's classification, told from an execution's outcome and verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseClassification {
    /// A text that answers.
    Substantive,
    /// A text that refuses, wholly or in part, or an answer that was withheld.
    ContentRefusal,
    /// Failed, out of time, or completed with nothing.
    TechnicalFailure,
    /// Not ended, cancelled, not judged yet, or evasive, for which the predecessor had no word.
    Unknown,
}

impl ResponseClassification {
    /// Of a pair with this status; outcome and verdict are those of a completed one.
    pub fn of(status: ExecutionStatus, outcome: Option<Outcome>, verdict: Option<Verdict>) -> Self {
        match (status, outcome, verdict) {
            (ExecutionStatus::Failed | ExecutionStatus::TimedOut, _, _)
            | (ExecutionStatus::Completed, Some(Outcome::Empty), _) => Self::TechnicalFailure,
            (ExecutionStatus::Completed, Some(Outcome::Blocked), _)
            | (
                ExecutionStatus::Completed,
                Some(Outcome::Text | Outcome::Truncated),
                Some(Verdict::Refused | Verdict::PartlyRefused),
            ) => Self::ContentRefusal,
            (
                ExecutionStatus::Completed,
                Some(Outcome::Text | Outcome::Truncated),
                Some(Verdict::Answered),
            ) => Self::Substantive,
            (
                ExecutionStatus::Completed,
                Some(Outcome::Text | Outcome::Truncated),
                Some(Verdict::Evasive) | None,
            )
            | (ExecutionStatus::Completed, None, _)
            | (
                ExecutionStatus::Pending | ExecutionStatus::Running | ExecutionStatus::Cancelled,
                _,
                _,
            ) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_its_verdict_says_and_no_answer_is_no_refusal() {
        let of = ResponseClassification::of;
        let text = |verdict| of(ExecutionStatus::Completed, Some(Outcome::Text), verdict);
        assert_eq!(text(Some(Verdict::Answered)), ResponseClassification::Substantive);
        assert_eq!(text(Some(Verdict::Refused)), ResponseClassification::ContentRefusal);
        assert_eq!(text(Some(Verdict::PartlyRefused)), ResponseClassification::ContentRefusal);
        assert_eq!(text(Some(Verdict::Evasive)), ResponseClassification::Unknown);
        assert_eq!(text(None), ResponseClassification::Unknown);
        let completed = |outcome| of(ExecutionStatus::Completed, Some(outcome), None);
        assert_eq!(completed(Outcome::Blocked), ResponseClassification::ContentRefusal);
        assert_eq!(completed(Outcome::Empty), ResponseClassification::TechnicalFailure);
        for status in [ExecutionStatus::Failed, ExecutionStatus::TimedOut] {
            assert_eq!(of(status, None, None), ResponseClassification::TechnicalFailure);
        }
        for status in
            [ExecutionStatus::Cancelled, ExecutionStatus::Pending, ExecutionStatus::Running]
        {
            assert_eq!(of(status, None, None), ResponseClassification::Unknown);
        }
    }
}
