//! A job's analysis as it is stored: aggregates by question, findings, and last what makes them count.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use beacon_analysis::aggregate::QuestionAggregate;
use beacon_analysis::answer::MadeFrom;
use beacon_analysis::findings::Findings;
use beacon_core::verdict::RulesVersion;
use beacon_core::{JobId, QuestionIndex, Run};
use jiff::Timestamp;
use tracing::warn;

use super::item::{Attributes, Item, bytes, number, text, time};
use super::key::{self, PK, SK};
use super::packed::{PART, bytes_of, pack, packed, unpack, unpacked, unusable};
use super::put::Put;
use super::query::Query;
use super::{Table, TableError, request};
use crate::error::chain;

/// Executions whose aggregates are stored in one item, or one question: a few seconds of computing, which
/// is what an invocation that ends before its time loses; and at most some 100 bytes of JSON each, all the
/// same words, so that they take a tenth of what an item holds.
const EXECUTIONS: usize = 2000;
/// Of what is stored as aggregates and findings: one more where those of before can be read no more. What
/// is stored in another is not there, and is made again when it is asked for.
const FORMAT: u32 = 1;
/// The attribute that holds aggregates.
const AGGREGATES: &str = "aggregates";
/// The attribute that holds a part of the findings.
const FINDINGS: &str = "findings";

/// A whole analysis of a run. Its aggregates and findings were stored before it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnalysis {
    /// The run that it was made after.
    pub run: Run,
    /// What it had seen: analyses asked for until then.
    pub asked: u32,
    /// Of the classifier's rules.
    pub rules: RulesVersion,
    /// Of the methods of the findings.
    pub method: u32,
    /// Entries of the question list.
    pub questions: u32,
    /// Questions whose aggregates are stored together.
    pub together: u32,
    /// Items that the findings are split into.
    pub parts: u16,
    /// When it was made.
    pub at: Timestamp,
}

impl StoredAnalysis {
    /// Questions whose aggregates are stored together, of a job with so many executions a question, in all
    /// regions: the same for whoever analyses it, so that one goes on where another left off.
    pub fn together(executions_of_question: usize) -> u32 {
        u32::try_from(EXECUTIONS / executions_of_question.max(1)).unwrap_or(u32::MAX).max(1)
    }

    /// The first question after the items, so many of them, of which the first holds this question's
    /// aggregates: who reads up to there reads no item twice.
    pub fn question_after(&self, question: u32, items: u32) -> u32 {
        let together = self.together.max(1);
        (question / together).saturating_add(items).saturating_mul(together)
    }

    /// What pages of it are known by.
    pub fn made_from(&self) -> MadeFrom {
        let Self { run, asked, rules, method, .. } = self;
        MadeFrom { run: *run, asked: *asked, rules: rules.clone(), method: *method }
    }

    /// Stands in the keys of what belongs to it, after the count of asks. Another label, other rules or
    /// another method make another, so that what is half written is never taken for a part of what is
    /// whole.
    fn version(&self) -> String {
        format!("{FORMAT}-{}-{}", self.rules.0, self.method)
    }

    fn aggregates(&self, first: u32) -> String {
        let first = first / self.together.max(1) * self.together.max(1);
        key::aggregates(self.run, self.asked, &self.version(), QuestionIndex(first))
    }

    fn findings(&self, part: u16) -> String {
        key::findings(self.run, self.asked, &self.version(), part)
    }
}

impl Table {
    /// Stores the aggregates of the questions that are stored together from one of them on. What was
    /// stored first stands, if it can be read, and is returned: all that follows is computed from that.
    pub async fn put_aggregates(
        &self,
        job: &JobId,
        of: &StoredAnalysis,
        first: QuestionIndex,
        aggregates: Vec<QuestionAggregate>,
    ) -> Result<Vec<QuestionAggregate>, TableError> {
        let act = "store aggregates";
        let failed = |source| unusable(job, AGGREGATES, source);
        let put = self
            .part(job, of.aggregates(first.0))
            .item(AGGREGATES, packed(&aggregates).map_err(failed)?);
        let if_absent = put.clone().condition_expression("attribute_not_exists(aggregates)");
        let there = match self.put_if(job, if_absent, act).await? {
            Put::Stored => return Ok(aggregates),
            Put::Refused(there) => there,
        };
        if let Ok(stored) = unpacked(&there, AGGREGATES) {
            return Ok(stored);
        }
        let instead =
            put.condition_expression("aggregates = :unreadable").set_expression_attribute_values(
                there
                    .get(AGGREGATES)
                    .map(|old| Attributes::from([(":unreadable".to_owned(), old.clone())])),
            );
        match self.put_if(job, instead, act).await? {
            Put::Stored => Ok(aggregates),
            Put::Refused(there) => unpacked(&there, AGGREGATES).map_err(failed),
        }
    }

    /// Stores an analysis whose aggregates are stored: its findings, and then itself, unless one is
    /// there that has seen more. From then on it is the run's.
    pub async fn put_analysis(
        &self,
        job: &JobId,
        mut of: StoredAnalysis,
        findings: &Findings,
    ) -> Result<(), TableError> {
        let packed = pack(findings).map_err(|source| unusable(job, FINDINGS, source))?;
        of.parts = 0;
        for part in packed.chunks(PART) {
            let put = self.part(job, of.findings(of.parts)).item(FINDINGS, bytes(part.to_vec()));
            self.put_if(job, put, "store findings").await?;
            of.parts += 1;
        }
        let put = self
            .part(job, key::analysis(of.run))
            .item("format", number(FORMAT))
            .item("asked", number(of.asked))
            .item("rules", text(&of.rules.0))
            .item("method", number(of.method))
            .item("questions", number(of.questions))
            .item("together", number(of.together))
            .item("parts", number(of.parts))
            .item("at", time(of.at))
            .condition_expression("attribute_not_exists(pk) OR asked <= :asked")
            .expression_attribute_values(":asked", number(of.asked));
        match self.put_if(job, put, "store an analysis").await? {
            Put::Stored | Put::Refused(_) => Ok(()),
        }
    }

    /// What analysis of a run is stored whole, strongly.
    pub async fn analysis(
        &self,
        job: &JobId,
        run: Run,
    ) -> Result<Option<StoredAnalysis>, TableError> {
        let found = self.part_of(job, key::analysis(run), "read an analysis").await?;
        let Some(attributes) = found else { return Ok(None) };
        let item = Item(&attributes);
        if item.optional_number("format")? != Some(FORMAT) {
            return Ok(None);
        }
        Ok(Some(StoredAnalysis {
            run,
            asked: item.number("asked")?,
            rules: RulesVersion(item.text("rules")?),
            method: item.number("method")?,
            questions: item.number("questions")?,
            together: item.number("together")?,
            parts: item.number("parts")?,
            at: item.time("at")?,
        }))
    }

    /// The findings of a run; none until it was analysed.
    pub async fn findings(&self, job: &JobId, run: Run) -> Result<Option<Findings>, TableError> {
        match self.analysis(job, run).await? {
            Some(of) => Ok(Some(self.findings_of(job, &of).await?)),
            None => Ok(None),
        }
    }

    /// The findings of an analysis that is stored.
    pub async fn findings_of(
        &self,
        job: &JobId,
        of: &StoredAnalysis,
    ) -> Result<Findings, TableError> {
        let failed = |source| unusable(job, FINDINGS, source);
        let mut packed = Vec::new();
        for part in 0..of.parts {
            let item = self.part_of(job, of.findings(part), "read findings").await?;
            let item = item.unwrap_or_default();
            packed.extend_from_slice(bytes_of(&item, FINDINGS).map_err(failed)?);
        }
        unpack(&packed).map_err(failed)
    }

    /// The aggregates of some questions of a run, in their order; none until it was analysed.
    pub async fn aggregates(
        &self,
        job: &JobId,
        run: Run,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<QuestionAggregate>, TableError> {
        match self.analysis(job, run).await? {
            Some(of) => self.aggregates_of(job, &of, from, until).await,
            None => Ok(Vec::new()),
        }
    }

    /// The aggregates of some questions of an analysis that is stored, in their order.
    pub async fn aggregates_of(
        &self,
        job: &JobId,
        of: &StoredAnalysis,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<QuestionAggregate>, TableError> {
        let mut aggregates = self.aggregates_so_far(job, of, from, until).await?;
        let expected = until.0.min(of.questions).saturating_sub(from.0);
        aggregates.retain(|of| of.question >= from && of.question < until);
        if aggregates.len() != usize::try_from(expected).unwrap_or(usize::MAX) {
            let missing = format!("{} of {expected} are there", aggregates.len());
            return Err(unusable(job, AGGREGATES, missing.into()));
        }
        Ok(aggregates)
    }

    /// The aggregates that are stored of an analysis, be it whole or not: of the questions stored
    /// together with these. Of what cannot be read there are none.
    pub async fn aggregates_so_far(
        &self,
        job: &JobId,
        of: &StoredAnalysis,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<QuestionAggregate>, TableError> {
        if until <= from {
            return Ok(Vec::new());
        }
        let (first, last) = (of.aggregates(from.0), of.aggregates(until.0 - 1));
        let query = self.between(key::job(job), first, last);
        let mut aggregates = Vec::new();
        Query::new(query, "read aggregates")
            .whole(|item| {
                match unpacked::<Vec<QuestionAggregate>>(item, AGGREGATES) {
                    Ok(part) => aggregates.extend(part),
                    Err(source) => {
                        let error = unusable(job, AGGREGATES, source);
                        warn!(job_id = %job, error = chain(&error), "aggregates cannot be read");
                    }
                }
                Ok(())
            })
            .await?;
        Ok(aggregates)
    }

    fn part(&self, job: &JobId, sk: String) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::job(job)))
            .item(SK, text(sk))
    }

    async fn part_of(
        &self,
        job: &JobId,
        sk: String,
        act: &'static str,
    ) -> Result<Option<Attributes>, TableError> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get.key(PK, text(key::job(job))).key(SK, text(sk)).consistent_read(true);
        Ok(get.send().await.map_err(|error| request(act, error))?.item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_some_items_begins_the_next_one_after_them() {
        let of = |together| StoredAnalysis {
            run: Run::FIRST,
            asked: 0,
            rules: RulesVersion("2026-11-26".to_owned()),
            method: 1,
            questions: 100,
            together,
            parts: 1,
            at: Timestamp::UNIX_EPOCH,
        };
        let after = |together, question, items| of(together).question_after(question, items);
        assert_eq!([0, 9, 10, 95].map(|question| after(10, question, 1)), [10, 10, 20, 100]);
        assert_eq!([0, 9, 10].map(|question| after(10, question, 3)), [30, 30, 40]);
        assert_eq!((after(1, 7, 20), after(u32::MAX, 7, 20)), (27, u32::MAX));
    }
}
