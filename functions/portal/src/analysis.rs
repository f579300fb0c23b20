//! What was found in a job, as pages need it. An analysis never changes, so that those looked at last are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use beacon_analysis::aggregate::Cell;
use beacon_analysis::findings::Findings;
use beacon_aws::StoredAnalysis;
use beacon_core::failure::FailureCode;
use beacon_core::{JobId, QuestionIndex};

use futures_util::future::try_join_all;

use crate::Portal;
use crate::answer::PageError;
use crate::read::Seen;
use crate::recent::Recent;

/// Analyses that are kept.
const KEPT: usize = 3;
/// Executions of a job whose cells are kept whole; of a larger one each page reads its own.
const MOST_KEPT: u64 = 200_000;

/// Those looked at last.
pub(crate) fn analyses() -> Recent<Analysed> {
    Recent::new(KEPT)
}

/// An analysis of a job.
#[derive(Debug)]
pub(crate) struct Analysed {
    pub(crate) job: JobId,
    pub(crate) of: StoredAnalysis,
    pub(crate) findings: Findings,
    /// Of every question; none of a job that is too large for it.
    cells: Option<Vec<Vec<Cell>>>,
    /// A question in which each code occurs, as far as questions were looked at.
    examples: BTreeMap<FailureCode, QuestionIndex>,
}

impl Analysed {
    /// What became of a question's pairs, models × regions, where all are kept.
    pub(crate) fn cells(&self, question: QuestionIndex) -> Option<&[Cell]> {
        let all = self.cells.as_ref()?;
        all.get(usize::try_from(question.0).ok()?).map(Vec::as_slice)
    }

    /// A question some pair of which failed with this code.
    pub(crate) fn example(&self, code: &FailureCode) -> Option<QuestionIndex> {
        self.examples.get(code).copied()
    }

    /// Whether those of every question are kept.
    pub(crate) fn has_all(&self) -> bool {
        self.cells.is_some()
    }
}

impl Portal {
    /// The analysis of the job's run; none until it is stored.
    pub(crate) async fn analysis(&self, seen: &Seen) -> Result<Option<Arc<Analysed>>, PageError> {
        let (table, id) = (&self.query.table, &seen.job.id);
        let Some(of) = table.analysis(id, seen.job.run).await? else { return Ok(None) };
        if let Some(kept) = self.analyses.find(|one| one.job == *id && one.of == of) {
            return Ok(Some(kept));
        }
        let findings = table.findings_of(id, &of).await?;
        let is_kept = seen.job.expected <= MOST_KEPT;
        let until = QuestionIndex(if is_kept {
            of.questions
        } else {
            of.question_after(0, 1).min(of.questions)
        });
        let read = table.aggregates_of(id, &of, QuestionIndex(0), until).await?;
        let mut examples = BTreeMap::new();
        for aggregate in &read {
            for code in aggregate.failures.keys() {
                examples.entry(code.clone()).or_insert(aggregate.question);
            }
        }
        let cells = is_kept.then(|| read.into_iter().map(|aggregate| aggregate.cells).collect());
        let analysed = Analysed { job: id.clone(), of, findings, cells, examples };
        Ok(Some(self.analyses.keep(analysed, |other| other.job == *id)))
    }

    /// What became of the pairs of some questions, in the order in which they are given.
    pub(crate) async fn cells_of(
        &self,
        analysed: &Analysed,
        questions: &[QuestionIndex],
    ) -> Result<Vec<Vec<Cell>>, PageError> {
        let read = questions.iter().map(async |question| {
            if let Some(kept) = analysed.cells(*question) {
                return Ok(kept.to_vec());
            }
            let (table, next) = (&self.query.table, QuestionIndex(question.0.saturating_add(1)));
            let read = table.aggregates_of(&analysed.job, &analysed.of, *question, next).await?;
            Ok::<_, PageError>(read.into_iter().next().map(|one| one.cells).unwrap_or_default())
        });
        try_join_all(read).await
    }
}
