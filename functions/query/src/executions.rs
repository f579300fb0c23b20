//! Executions: one, and all of a job in pages, those without a row too.

use std::collections::BTreeMap;

use beacon_aws::{ApiError, json};
use beacon_core::execution::{Ending, ExecutionRow};
use beacon_core::job::Job;
use beacon_core::lane::Lane;
use beacon_core::message::position_of;
use beacon_core::spec::Spec;
use beacon_core::view::{ExecutionView, ExecutionsPage};
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Sample};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde_json::value::RawValue;

use crate::Query;
use crate::filter::Filter;
use crate::parameters::{Parameters, bad_cursor, invalid};

/// Bytes of JSON after which a page ends.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// The same once it is escaped: a function's answer holds 6 MB.
const ESCAPED_BYTES: usize = 11 * 512 * 1024;
/// Pairs whose rows are read at a time.
const READ_PAIRS: usize = 100;
/// Pairs that are looked at for one page; where few pass the filter the next page goes on.
const LOOK_PAIRS: usize = 20_000;
/// Bytes of answers that are read for one page.
const LOOK_BYTES: usize = 16 * 1024 * 1024;

/// Where a page begins: region, question and pair, each an index into the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    region: usize,
    question: u32,
    pair: usize,
}

impl Cursor {
    const START: Self = Self { region: 0, question: 0, pair: 0 };

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let cursor = Self {
            region: parts.next()?.parse().ok()?,
            question: parts.next()?.parse().ok()?,
            pair: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(cursor)
    }

    fn print(self) -> String {
        format!("{}.{}.{}", self.region, self.question, self.pair)
    }
}

type Rows = BTreeMap<(QuestionIndex, ModelId, Sample), ExecutionRow>;

/// What the pairs of a job are read from. Lanes are read before rows, so that a pair behind its
/// lane's cursor always has its row.
pub(crate) struct Source<'a> {
    pub(crate) job: &'a Job,
    pub(crate) lanes: &'a [Lane],
    pub(crate) spec: &'a Spec,
}

impl Query {
    pub(crate) async fn execution(&self, id: &ExecutionId) -> Result<Response<Body>, ApiError> {
        let missing = || ApiError::NoSuchExecution(id.to_string());
        let found = self.table.job_and_lanes(&id.job).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.job.clone()))?;
        let spec = self.table.spec(&job).await?;
        if spec.question_of(id).is_none() {
            return Err(missing());
        }
        let row = self.table.row(id).await?;
        let source = Source { job: &job, lanes: &lanes, spec: &spec };
        json(StatusCode::OK, &source.view(id.clone(), row).ok_or_else(missing)?)
    }

    pub(crate) async fn executions(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let found = self.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let spec = self.table.spec(&job).await?;
        let source = Source { job: &job, lanes: &lanes, spec: &spec };
        json(StatusCode::OK, &self.page(&source, parameters, 0).await?)
    }

    /// A page as the parameters ask for it, beside so many bytes of other JSON.
    pub(crate) async fn page(
        &self,
        source: &Source<'_>,
        parameters: &Parameters,
        beside: usize,
    ) -> Result<JsonPage, ApiError> {
        let limit = parameters.limit(200, 1000)?;
        let filter = Filter::read(parameters, source.spec)?;
        let start = match (parameters.cursor(), parameters.offset()?) {
            (Some(_), Some(_)) => {
                return Err(invalid("offset", "stands beside `cursor`; give one".to_owned()));
            }
            (Some(text), None) => Cursor::read(text).ok_or_else(bad_cursor)?,
            (None, Some(_)) if !filter.is_open() => {
                let problem = "counts without a filter only; page by `cursor`".to_owned();
                return Err(invalid("offset", problem));
            }
            (None, Some(offset)) => source.at(offset),
            (None, None) => Cursor::START,
        };
        let page = Filling { executions: Vec::new(), bytes: beside, escaped: 2 * beside, limit };
        self.fill_page(source, start, page, &filter).await
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
                    let mut rows = self.rows(source.job, region, at.question, until).await?;
                    bytes += rows.values().map(answer_bytes).sum::<usize>();
                    let full = source.fill(&mut page, filter, region, at, until, &mut rows)?;
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

    async fn rows(
        &self,
        job: &Job,
        region: &Region,
        from: u32,
        until: u32,
    ) -> Result<Rows, ApiError> {
        let (from, until) = (QuestionIndex(from), QuestionIndex(until));
        let rows = self.table.rows_from(&job.id, region, from, until).await?;
        Ok(rows.into_iter().collect())
    }
}

fn answer_bytes(row: &ExecutionRow) -> usize {
    match &row.ending {
        Ending::Completed(answer) => answer.response.len(),
        Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => 0,
    }
}

/// A page whose executions are JSON already, so that its bytes are known.
type JsonPage = ExecutionsPage<Box<RawValue>>;

/// A page that is being filled.
struct Filling {
    executions: Vec<Box<RawValue>>,
    bytes: usize,
    /// Bytes as a text within JSON, which is how a function's answer travels.
    escaped: usize,
    limit: usize,
}

impl Filling {
    /// Takes an execution unless the page is full; a page always takes one.
    fn take(&mut self, view: &ExecutionView) -> Result<bool, ApiError> {
        if self.executions.len() == self.limit {
            return Ok(false);
        }
        let json = serde_json::value::to_raw_value(view)?;
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

    fn end(self, next: Option<Cursor>, source: &Source<'_>) -> JsonPage {
        ExecutionsPage {
            executions: self.executions,
            cursor: next.map(Cursor::print),
            limit: self.limit,
            total: source.job.expected,
        }
    }
}

impl Source<'_> {
    /// The pair that this many come before.
    fn at(&self, offset: u64) -> Cursor {
        let pairs = self.spec.pairs_of_question().max(1) as u64;
        let questions = (self.spec.questions.len() as u64).max(1);
        let (question, pair) = (offset / pairs, offset % pairs);
        Cursor {
            region: usize::try_from(question / questions).unwrap_or(usize::MAX),
            question: u32::try_from(question % questions).unwrap_or(u32::MAX),
            pair: usize::try_from(pair).unwrap_or(usize::MAX),
        }
    }

    /// Fills the page with the pairs of some questions; the pair at which it was full.
    fn fill(
        &self,
        page: &mut Filling,
        filter: &Filter,
        region: &Region,
        at: Cursor,
        until: u32,
        rows: &mut Rows,
    ) -> Result<Option<Cursor>, ApiError> {
        let samples = usize::from(self.spec.samples);
        for question in at.question..until {
            let index = QuestionIndex(question);
            if !self.spec.question(index).is_some_and(|entry| filter.takes_question(entry)) {
                continue;
            }
            let first = if question == at.question { at.pair } else { 0 };
            for pair in first..self.spec.pairs_of_question() {
                let Some(model) = self.spec.models.get(pair / samples) else { break };
                if !filter.takes_model(model) {
                    continue;
                }
                let sample = Sample(u16::try_from(pair % samples).unwrap_or(u16::MAX));
                let id = ExecutionId {
                    job: self.job.id.clone(),
                    question: index,
                    model: model.clone(),
                    region: region.clone(),
                    sample,
                };
                let row = rows.remove(&(index, model.clone(), sample));
                let Some(view) = self.view(id, row) else { break };
                if filter.takes_status(view.status) && !page.take(&view)? {
                    return Ok(Some(Cursor { question, pair, ..at }));
                }
            }
        }
        Ok(None)
    }

    /// None for a question that the job does not have.
    fn view(&self, id: ExecutionId, row: Option<ExecutionRow>) -> Option<ExecutionView> {
        let question = self.spec.question(id.question)?;
        let (k, _position) = position_of(self.spec, id.question);
        let lane = self.lanes.iter().find(|lane| lane.id.region == id.region && lane.id.k == k);
        Some(ExecutionView::new(id, self.spec, question, self.job, lane, row))
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
