//! Findings as they stand on a page. Those of an analysis never change, so that the last few are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use beacon_aws::StoredAnalysis;
use beacon_core::{JobId, QuestionIndex};

/// Analyses whose sections are kept: each has some hundred kilobytes.
const KEPT: usize = 4;

/// The sections of a report.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) job: JobId,
    pub(super) of: StoredAnalysis,
    pub(super) simulated: bool,
    /// The most divergent first.
    pub(super) most_divergent: Vec<QuestionIndex>,
    /// Id, heading and HTML of each.
    pub(super) sections: Vec<(&'static str, &'static str, String)>,
}

/// Those looked at last.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<VecDeque<Arc<Rendered>>>);

impl Kept {
    /// Those of this analysis, if they are kept.
    pub(super) fn kept(&self, job: &JobId, of: &StoredAnalysis) -> Option<Arc<Rendered>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|one| one.job == *job && one.of == *of)?;
        let found = all.remove(at)?;
        all.push_front(Arc::clone(&found));
        Some(found)
    }

    /// Keeps them for whoever asks next.
    pub(super) fn keep(&self, rendered: Rendered) -> Arc<Rendered> {
        let rendered = Arc::new(rendered);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.job != rendered.job);
        all.push_front(Arc::clone(&rendered));
        all.truncate(KEPT);
        rendered
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::Run;
    use beacon_core::verdict::RulesVersion;
    use jiff::Timestamp;

    use super::*;

    fn analysis(asked: u32) -> StoredAnalysis {
        StoredAnalysis {
            run: Run::FIRST,
            asked,
            rules: RulesVersion("2026-11-26".to_owned()),
            method: 1,
            questions: 1,
            together: 1,
            parts: 1,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn rendered(job: &str, asked: u32) -> Rendered {
        let (job, of) = (JobId::new(job).unwrap(), analysis(asked));
        Rendered { job, of, simulated: false, most_divergent: Vec::new(), sections: Vec::new() }
    }

    #[test]
    fn only_the_analysis_that_is_asked_for_is_found_and_only_the_last_are_kept() {
        let kept = Kept::default();
        let id = |job: &str| JobId::new(job).unwrap();
        kept.keep(rendered("a", 0));
        assert!(kept.kept(&id("a"), &analysis(0)).is_some());
        assert!(kept.kept(&id("a"), &analysis(1)).is_none());
        assert!(kept.kept(&id("b"), &analysis(0)).is_none());
        for job in ["b", "c", "d"] {
            kept.keep(rendered(job, 0));
        }
        assert!(kept.kept(&id("a"), &analysis(0)).is_some(), "it was asked for last");
        kept.keep(rendered("e", 0));
        assert!(kept.kept(&id("b"), &analysis(0)).is_none());
        assert!(kept.kept(&id("a"), &analysis(0)).is_some());
    }
}
