//! Findings as they stand on a page. Those of an analysis never change, so that the last few are kept.

use beacon_aws::StoredAnalysis;
use beacon_core::{JobId, QuestionIndex};

use crate::recent::Recent;

/// Analyses whose sections are kept: each has some hundred kilobytes.
const KEPT: usize = 4;

/// The sections of a report.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(super) job: JobId,
    pub(super) of: StoredAnalysis,
    pub(super) simulated: bool,
    /// The most divergent first.
    pub(super) most_divergent: Vec<QuestionIndex>,
    /// Id, heading and HTML of each.
    pub(super) sections: Vec<(&'static str, &'static str, String)>,
}

/// Those looked at last.
pub(crate) fn rendered() -> Recent<Rendered> {
    Recent::new(KEPT)
}
