//! Rows of some questions in all regions at a time: as many as their bytes allow.

use std::collections::BTreeMap;

use beacon_analysis::aggregate::QuestionAggregate;
use beacon_aws::{Said, Table, TableError, chain};
use beacon_core::execution::ExecutionRow;
use beacon_core::view::Source;
use beacon_core::{ModelId, QuestionIndex, Region, Sample};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tracing::warn;

use crate::judge::{Judgements, of_question};
use beacon_aws::at_length;

/// Bytes of rows that are read at a time, about.
const BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a row beside its answer, in memory.
const ROW_BYTES: usize = 1024;
/// Bytes that a pair is thought to have before any was read.
const PAIR_BYTES: usize = 8 * 1024;
/// Pairs that are read at a time at most where that is more than one question: were the answers and the
/// providers' receipts of all of a window suddenly as long as any may be, they would be 740 MB.
const PAIRS: usize = 2_000;
/// Requests at a time.
const AT_A_TIME: usize = 16;

/// What is stored of a region's pairs of a window.
pub(crate) struct OfRegion {
    pub(crate) region: Region,
    pub(crate) rows: BTreeMap<(QuestionIndex, ModelId, Sample), ExecutionRow>,
    pub(crate) said: Said,
}

/// Goes through a job's questions, window by window.
pub(crate) struct Windows<'a> {
    table: &'a Table,
    source: Source<'a>,
    /// Questions of the next window.
    questions: usize,
    /// Questions of any window at most.
    most: usize,
}

impl<'a> Windows<'a> {
    pub(crate) fn new(table: &'a Table, source: Source<'a>) -> Self {
        let pairs = source.spec.pairs_of_question() * source.spec.regions.len();
        let fitting = |all: usize| (all / pairs.max(1)).max(1);
        Self { table, source, questions: fitting(BYTES / PAIR_BYTES), most: fitting(PAIRS) }
    }

    /// Judges and aggregates some questions. Their judgements are stored when it returns.
    pub(crate) async fn aggregates(
        &mut self,
        mut from: u32,
        until: u32,
    ) -> Result<Vec<QuestionAggregate>, TableError> {
        let mut aggregates = Vec::new();
        while from < until {
            let window = u32::try_from(self.questions).unwrap_or(u32::MAX);
            let end = until.min(from.saturating_add(window));
            let mut regions = self.read(QuestionIndex(from), QuestionIndex(end)).await?;
            self.adapt(&regions, end - from);
            let mut unstored = Vec::new();
            at_length(|| {
                for question in (from..end).map(QuestionIndex) {
                    let (aggregate, judged) = of_question(self.source, question, &mut regions);
                    aggregates.push(aggregate);
                    unstored.extend(judged);
                }
            });
            self.store(unstored).await?;
            from = end;
        }
        Ok(aggregates)
    }

    async fn read(
        &self,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<OfRegion>, TableError> {
        let regions: Vec<Region> =
            self.source.spec.regions.iter().map(|prompts| prompts.region.clone()).collect();
        let reads = regions.into_iter().map(|region| self.read_region(region, from, until));
        stream::iter(reads).buffered(AT_A_TIME).try_collect().await
    }

    async fn read_region(
        &self,
        region: Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<OfRegion, TableError> {
        let job_id = &self.source.job.id;
        let rows = self.table.rows_from(job_id, &region, from, until).await?;
        let said = self.table.said(job_id, &region, from, until).await?;
        for (question, rules, error) in &said.unreadable {
            warn!(
                %job_id, run = %self.source.job.run, %region, question = question.0, rules = rules.0,
                error = chain(error), "judgements cannot be read"
            );
        }
        Ok(OfRegion { region, rows: rows.into_iter().collect(), said })
    }

    /// The next window is to have as many bytes as are read at a time, and at most twice the questions
    /// of this one: its answers may be longer.
    fn adapt(&mut self, regions: &[OfRegion], questions: u32) {
        let rows = regions.iter().flat_map(|region| region.rows.values());
        let bytes: usize = rows.map(|row| ROW_BYTES + row.text_bytes()).sum();
        let questions = usize::try_from(questions).unwrap_or(usize::MAX);
        let fitting = questions.saturating_mul(BYTES) / bytes.max(1);
        self.questions = fitting.clamp(1, questions.saturating_mul(2)).min(self.most);
    }

    async fn store(&self, unstored: Vec<Judgements>) -> Result<(), TableError> {
        let writes = unstored.into_iter().map(|judgements| self.put(judgements));
        stream::iter(writes).buffer_unordered(AT_A_TIME).try_collect().await
    }

    async fn put(&self, of: Judgements) -> Result<(), TableError> {
        let job_id = &self.source.job.id;
        let by = (of.rules, self.source.job.run);
        self.table.put_judgements(job_id, &of.region, of.question, by, &of.judged).await
    }
}
