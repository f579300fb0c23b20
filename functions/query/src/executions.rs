//! Executions: one, and all of a job in pages, those without a row too.

use std::collections::BTreeMap;

use beacon_aws::{ApiError, SpecifiedJob, Verdicts, json};
use beacon_core::execution::ExecutionRow;
use beacon_core::job::Job;
use beacon_core::view::{ExecutionView, ExecutionsPage, Source};
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Run, Sample};
use beacon_evidence::answer::OneExecution;
use beacon_evidence::receipt::Receipt;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde_json::value::{RawValue, to_raw_value};

use crate::Query;
use crate::filter::Filter;
use crate::parameters::{Parameters, bad_cursor, invalid, place};

/// Bytes of JSON after which a page ends.
pub(crate) const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// The same once it is escaped: a function's answer holds 6 MB.
pub(crate) const ESCAPED_BYTES: usize = 11 * 512 * 1024;
/// Pairs whose rows are read at a time.
pub(crate) const READ_PAIRS: usize = 100;
/// Pairs that are looked at for one page; where few pass the filter the next page goes on.
pub(crate) const LOOK_PAIRS: usize = 20_000;
/// Bytes of answers that are read for one page.
pub(crate) const LOOK_BYTES: usize = 16 * 1024 * 1024;

/// Where a page begins: region, question and pair, each an index into the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    region: usize,
    question: u32,
    pair: usize,
}

impl Cursor {
    const START: Self = Self { region: 0, question: 0, pair: 0 };

    /// The pair that this many come before.
    fn after(source: &Source<'_>, offset: u64) -> Self {
        let pairs = source.spec.pairs_of_question().max(1) as u64;
        let questions = (source.spec.questions.len() as u64).max(1);
        let (question, pair) = (offset / pairs, offset % pairs);
        Self {
            region: usize::try_from(question / questions).unwrap_or(usize::MAX),
            question: u32::try_from(question % questions).unwrap_or(u32::MAX),
            pair: usize::try_from(pair).unwrap_or(usize::MAX),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (region, question, pair) = place(text)?;
        Some(Self { region, question, pair })
    }

    fn print(self) -> String {
        format!("{}.{}.{}", self.region, self.question, self.pair)
    }
}

type Rows = BTreeMap<(QuestionIndex, ModelId, Sample), ExecutionRow>;

/// What is read of some questions in a region.
struct Window {
    rows: Rows,
    verdicts: Verdicts,
}

impl Window {
    /// A pair of these questions as it is shown, once.
    fn take(&mut self, source: &Source<'_>, id: ExecutionId) -> Option<ExecutionView> {
        let key = (id.question, id.model.clone(), id.sample);
        let (row, verdict) = (self.rows.remove(&key), self.verdicts.remove(&key));
        let view: ExecutionView = source.view(id, row)?;
        Some(view.judged(verdict))
    }
}

impl Query {
    pub(crate) async fn execution(&self, id: &ExecutionId) -> Result<Response<Body>, ApiError> {
        json(StatusCode::OK, &self.one_execution(id).await?)
    }

    /// An execution as it is now, be it without a row, with its verdict and receipts.
    ///
    /// # Errors
    /// Without such a job, for a pair that it does not have, and where the table does not answer.
    pub async fn one_execution(&self, id: &ExecutionId) -> Result<OneExecution, ApiError> {
        let of = self.specified_job(&id.job).await?;
        self.one_execution_of(&of.source(), id).await
    }

    /// The same of a job that was read already.
    ///
    /// # Errors
    /// For a pair that it does not have, and where the table does not answer.
    pub async fn one_execution_of(
        &self,
        source: &Source<'_>,
        id: &ExecutionId,
    ) -> Result<OneExecution, ApiError> {
        let missing = || ApiError::NoSuchExecution(id.to_string());
        if source.spec.question_of(id).is_none() {
            return Err(missing());
        }
        let row = self.table.row(id).await?;
        let receipt = row.as_ref().and_then(|row| Receipt::of_job(id, source.spec, row));
        let provider_receipt = row.as_ref().and_then(|row| row.provider_receipt.as_ref()?.json());
        let provider_receipt = provider_receipt.map(serde_json::from_str).transpose()?;
        let view: ExecutionView<Receipt> = source.view(id.clone(), row).ok_or_else(missing)?;
        let verdict = if may_be_judged(source.job) && view.has_text() {
            self.table.verdict(id).await?
        } else {
            None
        };
        let receipt = receipt.filter(|_| view.has_receipt);
        let execution = ExecutionView { receipt, ..view.judged(verdict) };
        Ok(OneExecution { execution, provider_receipt })
    }

    /// All pairs of some entries of the question list in one region, from the first to before the second, in
    /// the order of questions, models and samples: those without a row too, each with its verdict. All of
    /// them are read at once, so whoever asks bounds the entries.
    ///
    /// # Errors
    /// Where the table does not answer.
    pub async fn pairs_of(
        &self,
        source: &Source<'_>,
        region: &Region,
        from: QuestionIndex,
        until: QuestionIndex,
    ) -> Result<Vec<ExecutionView>, ApiError> {
        let questions = u32::try_from(source.spec.questions.len()).unwrap_or(u32::MAX);
        let until = until.0.min(questions);
        if from.0 >= until {
            return Ok(Vec::new());
        }
        let mut read = self.window(source.job, region, from.0, until).await?;
        let pairs = (from.0..until)
            .flat_map(|index| source.spec.pairs(&source.job.id, QuestionIndex(index), region));
        Ok(pairs.filter_map(|id| read.take(source, id)).collect())
    }

    /// A page of all executions of a job, from its first or from where the page before ended: at most so
    /// many, which is 1 or more, and fewer where they are long.
    ///
    /// # Errors
    /// For a text that is no cursor, and where the table does not answer.
    pub async fn executions_page(
        &self,
        of: &SpecifiedJob,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<ExecutionsPage<Box<RawValue>>, ApiError> {
        let start =
            cursor.map_or(Ok(Cursor::START), |text| Cursor::read(text).ok_or_else(bad_cursor))?;
        let (source, filter) = (of.source(), Filter::default());
        self.fill_page(&source, start, Filling::new(0, limit, to_raw_value), &filter).await
    }

    pub(crate) async fn executions(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let of = self.specified_job(id).await?;
        json(StatusCode::OK, &self.page(&of.source(), parameters, 0).await?)
    }

    /// A page as the parameters ask for it, beside so many bytes of other JSON.
    pub(crate) async fn page(
        &self,
        source: &Source<'_>,
        parameters: &Parameters,
        beside: usize,
    ) -> Result<JsonPage, ApiError> {
        let filter = Filter::read(parameters, source.spec)?;
        self.page_of(source, parameters, &filter, beside, to_raw_value).await
    }

    /// The same, of what passes a filter and in a shape of its own.
    pub(crate) async fn page_of(
        &self,
        source: &Source<'_>,
        parameters: &Parameters,
        filter: &Filter,
        beside: usize,
        shape: Shape,
    ) -> Result<JsonPage, ApiError> {
        let limit = parameters.limit(200, 1000)?;
        let start = match (parameters.cursor(), parameters.offset()?) {
            (Some(_), Some(_)) => {
                return Err(invalid("offset", "stands beside `cursor`; give one".to_owned()));
            }
            (Some(text), None) => Cursor::read(text).ok_or_else(bad_cursor)?,
            (None, Some(_)) if !filter.is_open() => {
                let problem = "counts without a filter only; page by `cursor`".to_owned();
                return Err(invalid("offset", problem));
            }
            (None, Some(offset)) => Cursor::after(source, offset),
            (None, None) => Cursor::START,
        };
        self.fill_page(source, start, Filling::new(beside, limit, shape), filter).await
    }

    async fn fill_page(
        &self,
        source: &Source<'_>,
        start: Cursor,
        mut page: Filling,
        filter: &Filter,
    ) -> Result<JsonPage, ApiError> {
        let spec = source.spec;
        let questions = u32::try_from(spec.questions.len()).unwrap_or(u32::MAX);
        let step = u32::try_from(READ_PAIRS / spec.pairs_of_question().max(1)).unwrap_or(1).max(1);
        let pairs = spec.pairs_of_question();
        let (mut looked_at, mut bytes) = (0, 0);
        let mut at = start;
        while let Some(region) = spec.regions.get(at.region).map(|region| &region.region) {
            while at.question < questions && filter.takes_region(region) {
                if looked_at >= LOOK_PAIRS || bytes >= LOOK_BYTES {
                    return Ok(page.end(Some(at), source));
                }
                let until = questions.min(at.question.saturating_add(step));
                let asked = at.question..until;
                let wanted = |question| filter.takes_question(question);
                if asked.filter_map(|index| spec.question(QuestionIndex(index))).any(wanted) {
                    looked_at += pairs * usize::try_from(until - at.question).unwrap_or(1);
                    let mut read = self.window(source.job, region, at.question, until).await?;
                    bytes += read.rows.values().map(ExecutionRow::text_bytes).sum::<usize>();
                    let full = page.fill(source, filter, region, at, until, &mut read)?;
                    if full.is_some() {
                        return Ok(page.end(full, source));
                    }
                }
                at = Cursor { question: until, pair: 0, ..at };
            }
            at = Cursor { region: at.region + 1, question: 0, pair: 0 };
        }
        Ok(page.end(None, source))
    }

    async fn window(
        &self,
        job: &Job,
        region: &Region,
        from: u32,
        until: u32,
    ) -> Result<Window, ApiError> {
        let (first, next) = (QuestionIndex(from), QuestionIndex(until));
        let rows = self.table.rows_from(&job.id, region, first, next).await?;
        let rows: Rows = rows.into_iter().collect();
        let has_text = rows.values().any(|row| row.ending.response_bytes() > Some(0));
        let verdicts = if may_be_judged(job) && has_text {
            self.table.verdicts(&job.id, region, first, next).await?
        } else {
            Verdicts::new()
        };
        Ok(Window { rows, verdicts })
    }
}

/// Nothing is judged before a job ends for the first time.
fn may_be_judged(job: &Job) -> bool {
    job.run != Run::FIRST || job.status.is_final()
}

/// A page whose executions are JSON already, so that its bytes are known.
pub(crate) type JsonPage = ExecutionsPage<Box<RawValue>>;

/// How an execution stands on a page.
pub(crate) type Shape = fn(&ExecutionView) -> Result<Box<RawValue>, serde_json::Error>;

/// A page that is being filled.
struct Filling {
    executions: Vec<Box<RawValue>>,
    bytes: usize,
    /// Bytes as a text within JSON, which is how a function's answer travels.
    escaped: usize,
    limit: usize,
    shape: Shape,
}

impl Filling {
    /// An empty one beside so many bytes of other JSON.
    fn new(beside: usize, limit: usize, shape: Shape) -> Self {
        Self { executions: Vec::new(), bytes: beside, escaped: 2 * beside, limit, shape }
    }

    /// Takes an execution unless the page is full; a page always takes one.
    fn take(&mut self, view: &ExecutionView) -> Result<bool, ApiError> {
        if self.executions.len() == self.limit {
            return Ok(false);
        }
        let json = (self.shape)(view)?;
        let bytes = json.get().len() + 1;
        let escaped = bytes + json.get().matches(['"', '\\']).count();
        let full = self.bytes + bytes > PAGE_BYTES || self.escaped + escaped > ESCAPED_BYTES;
        if full && !self.executions.is_empty() {
            return Ok(false);
        }
        self.bytes += bytes;
        self.escaped += escaped;
        self.executions.push(json);
        Ok(true)
    }

    /// Takes the pairs of some questions; the pair at which the page was full.
    fn fill(
        &mut self,
        source: &Source<'_>,
        filter: &Filter,
        region: &Region,
        at: Cursor,
        until: u32,
        read: &mut Window,
    ) -> Result<Option<Cursor>, ApiError> {
        for question in at.question..until {
            let index = QuestionIndex(question);
            if !source.spec.question(index).is_some_and(|entry| filter.takes_question(entry)) {
                continue;
            }
            let first = if question == at.question { at.pair } else { 0 };
            for (pair, id) in
                source.spec.pairs(&source.job.id, index, region).enumerate().skip(first)
            {
                if !filter.takes_model(&id.model) {
                    continue;
                }
                let Some(view) = read.take(source, id) else { break };
                if filter.takes(&view) && !self.take(&view)? {
                    return Ok(Some(Cursor { question, pair, ..at }));
                }
            }
        }
        Ok(None)
    }

    fn end(self, next: Option<Cursor>, source: &Source<'_>) -> JsonPage {
        ExecutionsPage {
            executions: self.executions,
            cursor: next.map(Cursor::print),
            limit: self.limit,
            total: source.job.expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_none(text in "\\PC{0,40}|[0-9.+-]{0,60}") {
            let _read = Cursor::read(&text);
        }

        #[test]
        fn a_printed_cursor_reads_back(
            region in any::<usize>(), question in any::<u32>(), pair in any::<usize>(),
        ) {
            let cursor = Cursor { region, question, pair };
            prop_assert_eq!(Cursor::read(&cursor.print()), Some(cursor));
        }
    }
}
