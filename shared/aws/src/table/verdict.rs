//! What is said of answers: the classifier's judgements and people's labels, items beside the rows.
//! The rows stay as they are.

use std::collections::BTreeMap;

use beacon_core::verdict::{Judgement, Label, RulesVersion, VerdictView};
use beacon_core::{JobId, ModelId, QuestionIndex, Region, Run, Sample};

use super::item::{Attributes, Item, number, text};
use super::key::{self, OfVerdicts, PK, SK};
use super::packed::{bytes_of, packed, unpack};
use super::put::Put;
use super::{Table, TableError, request};

/// The judgement of one pair's text. The run is that of its row: a completed row never changes, so a
/// judgement is of the row that stands.
pub type Judged = (ModelId, Sample, Run, Judgement);

/// Verdicts by pair.
pub type Verdicts = BTreeMap<(QuestionIndex, ModelId, Sample), VerdictView>;

/// All that is said of the answers to some questions in one region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// By question and rules, each with the pairs in the order in which they were given.
    pub judged: BTreeMap<(QuestionIndex, RulesVersion), Vec<Judged>>,
    /// People's.
    pub labels: BTreeMap<(QuestionIndex, ModelId, Sample), Label>,
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
        Ok(self.said(job, region, from, until).await?.verdicts())
    }

    /// As [`Table::verdicts`], by all rules.
    pub async fn said(
        &self,
        job: &JobId,
        region: &Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Said, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :until")
            .expression_attribute_values(":pk", text(key::executions(job, region)))
            .expression_attribute_values(":from", text(key::verdicts(from)))
            .expression_attribute_values(":until", text(key::verdicts(until)))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut said = Said::default();
        while let Some(item) = items.next().await {
            let attributes = item.map_err(|error| request("read verdicts", error))?;
            let item = Item(&attributes);
            match key::verdicts_of(&item.text(SK)?).ok_or_else(|| item.corrupt(SK))? {
                OfVerdicts::Judgements(question, rules) => {
                    said.judged.insert((question, rules), judged_of(&attributes)?);
                }
                OfVerdicts::Label(question, model, sample) => {
                    if let Some(label) = item.optional_json("label")? {
                        said.labels.insert((question, model, sample), label);
                    }
                }
            }
        }
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
        let packed = packed(judged).map_err(|source| unwritable(job, source))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::executions(job, region)))
            .item(SK, text(key::judgements(question, rules)))
            .item("judged", packed)
            .item("of_run", number(run))
            .condition_expression("attribute_not_exists(pk) OR of_run <= :run")
            .expression_attribute_values(":run", number(run));
        match self.put_if(job, put, "store judgements").await? {
            Put::Stored | Put::Refused(_) => Ok(()),
        }
    }
}

fn judged_of(attributes: &Attributes) -> Result<Vec<Judged>, TableError> {
    let corrupt = || Item(attributes).corrupt("judged");
    let packed = bytes_of(attributes, "judged").ok_or_else(corrupt)?;
    unpack(packed).map_err(|_other_shape| corrupt())
}

fn unwritable(job: &JobId, source: super::packed::PackedError) -> TableError {
    TableError::Analysis { job: job.clone(), what: "judgements", source }
}
