//! One check and how it ended.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Ok,
    Failed,
    /// There is nothing to check here.
    NotApplicable,
    /// It rests on a check that failed.
    Skipped,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) status: Status,
    /// What was found; of a failure what, where and why.
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
    /// None where nothing was waited for.
    pub(crate) duration_ms: Option<u64>,
}

impl Check {
    pub(crate) fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail.into(), None)
    }

    pub(crate) fn failed(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(name, Status::Failed, detail.into(), Some(fix.into()))
    }

    pub(crate) fn not_applicable(name: &str, why: impl Into<String>) -> Self {
        Self::new(name, Status::NotApplicable, why.into(), None)
    }

    pub(crate) fn skipped(name: &str, why: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, why.into(), None)
    }

    fn new(name: &str, status: Status, detail: String, fix: Option<String>) -> Self {
        Self { name: name.to_owned(), status, detail, fix, duration_ms: None }
    }

    /// With the time since it began.
    pub(crate) fn since(self, begun: Instant) -> Self {
        self.after(begun.elapsed())
    }

    /// With the time that it took.
    pub(crate) fn after(mut self, duration: Duration) -> Self {
        self.duration_ms = u64::try_from(duration.as_millis()).ok();
        self
    }
}

/// A check, and what those after it work with.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) check: Check,
    /// None unless the check is ok or not applicable.
    pub(crate) value: Option<T>,
}

impl<T> Found<T> {
    pub(crate) fn with(check: Check, value: T) -> Self {
        Self { check, value: Some(value) }
    }

    pub(crate) fn nothing(check: Check) -> Self {
        Self { check, value: None }
    }
}
