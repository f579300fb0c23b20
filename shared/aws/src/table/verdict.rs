//! What is said of answers: the classifier's judgements and people's labels, items beside the rows.
//! The rows stay as they are.

use std::collections::BTreeMap;

use beacon_core::verdict::{Judgement, Label, RulesVersion, VerdictView};
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Run, Sample};

use super::item::{Item, number, text};
use super::key::{self, OfVerdicts, PK, SK};
use super::packed::{packed, unpacked, unusable};
use super::put::Put;
use super::query::Query;
use super::{Table, TableError};

/// The attribute that holds judgements.
const JUDGED: &str = "judged";

/// The judgement of one pair's text. The run is that of its row: a completed row never changes, so a
/// judgement is of the row that stands.
pub type Judged = (ModelId, Sample, Run, Judgement);

/// Verdicts by pair.
pub type Verdicts = BTreeMap<(QuestionIndex, ModelId, Sample), VerdictView>;

/// All that is said of the answers to some questions in one region.
#[derive(Debug, Default)]
pub struct Said {
    /// By question and rules, each with the pairs in the order in which they were given.
    pub judged: BTreeMap<(QuestionIndex, RulesVersion), Vec<Judged>>,
    /// People's.
    pub labels: BTreeMap<(QuestionIndex, ModelId, Sample), Label>,
    /// Judgements that a broken write left, by question and rules.
    pub unreadable: Vec<(QuestionIndex, RulesVersion, TableError)>,
}

impl Said {
    /// Of each pair the newest rules' judgement, and the label beside it. A label alone is none: of
    /// what the classifier has not seen there is no verdict.
    pub fn verdicts(mut self) -> Verdicts {
        let mut verdicts = Verdicts::new();
        // In the order of their versions, so that the newest stands.
        for ((question, rules), judged) in self.judged {
            for (model, sample, _run, judgement) in judged {
                let view = VerdictView::new(rules.clone(), judgement, None);
                verdicts.insert((question, model, sample), view);
            }
        }
        for (pair, view) in &mut verdicts {
            if let Some(label) = self.labels.remove(pair) {
                view.verdict = label.verdict;
                view.label = Some(label);
            }
        }
        verdicts
    }
}

impl Table {
    /// Reads the verdicts of a region's pairs of some questions strongly: of each the newest rules'
    /// judgement, and a person's label if there is one. Not counted as the job's usage.
    pub async fn verdicts(
        &self,
        job: &JobId,
        region: &Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Verdicts, TableError> {
        let mut said = self.said(job, region, from, until).await?;
        match said.unreadable.pop() {
            // In their place stood the verdicts of earlier rules, or none.
            Some((_, _, error)) => Err(error),
            None => Ok(said.verdicts()),
        }
    }

    /// The verdict of one execution, as [`Table::verdicts`] reads it.
    pub async fn verdict(&self, id: &ExecutionId) -> Result<Option<VerdictView>, TableError> {
        let next = QuestionIndex(id.question.0.saturating_add(1));
        let mut verdicts = self.verdicts(&id.job, &id.region, id.question, next).await?;
        Ok(verdicts.remove(&(id.question, id.model.clone(), id.sample)))
    }

    /// As [`Table::verdicts`], by all rules, with what cannot be read apart, so that an analysis judges
    /// those texts anew.
    pub async fn said(
        &self,
        job: &JobId,
        region: &Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Said, TableError> {
        let partition = key::executions(job, region);
        let query = self.between(partition, key::verdicts(from), key::verdicts(until));
        let mut said = Said::default();
        Query::new(query, "read verdicts")
            .whole(|attributes| {
                let item = Item(attributes);
                match key::verdicts_of(&item.text(SK)?).ok_or_else(|| item.corrupt(SK))? {
                    OfVerdicts::Judgements(question, rules) => match unpacked(attributes, JUDGED) {
                        Ok(judged) => {
                            said.judged.insert((question, rules), judged);
                        }
                        Err(source) => {
                            let error = unusable(job, "judgements", source);
                            said.unreadable.push((question, rules, error));
                        }
                    },
                    OfVerdicts::Label(question, model, sample) => {
                        if let Some(label) = item.optional_json("label")? {
                            said.labels.insert((question, model, sample), label);
                        }
                    }
                }
                Ok(())
            })
            .await?;
        Ok(said)
    }

    /// Stores what these rules say of a question's pairs in one region, all of them at once, by the
    /// analysis of this run. What a later run's stored, which has seen more rows, stays.
    pub async fn put_judgements(
        &self,
        job: &JobId,
        region: &Region,
        question: QuestionIndex,
        by: (&RulesVersion, Run),
        judged: &[Judged],
    ) -> Result<(), TableError> {
        let (rules, run) = by;
        let packed = packed(judged).map_err(|source| unusable(job, "judgements", source))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::executions(job, region)))
            .item(SK, text(key::judgements(question, rules)))
            .item(JUDGED, packed)
            .item("of_run", number(run))
            .condition_expression("attribute_not_exists(of_run) OR of_run <= :run")
            .expression_attribute_values(":run", number(run));
        match self.put_if(job, put, "store judgements").await? {
            Put::Stored | Put::Refused(_) => Ok(()),
        }
    }
}
