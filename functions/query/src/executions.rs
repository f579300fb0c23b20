//! Executions: one, and all of a job in pages, those without a row too.

use std::collections::BTreeMap;

use beacon_aws::{ApiError, json};
use beacon_core::execution::{ExecutionRow, ExecutionStatus};
use beacon_core::job::Job;
use beacon_core::lane::Lane;
use beacon_core::message::position_of;
use beacon_core::spec::Spec;
use beacon_core::view::{ExecutionView, ExecutionsPage};
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Sample};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::{Page, Query, bad_cursor};

/// Bytes of JSON after which a page ends; Lambda's answers hold 6 MB.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of an execution's JSON beside its texts, at most.
const ROW_BYTES: usize = 2048;
/// Pairs whose rows are read at a time.
const READ_PAIRS: usize = 100;

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
struct Source<'a> {
    job: &'a Job,
    lanes: &'a [Lane],
    spec: &'a Spec,
}

impl Query {
    pub(crate) async fn execution(&self, id: &ExecutionId) -> Result<Response<Body>, ApiError> {
        let missing = || ApiError::NoSuchExecution(id.to_string());
        let found = self.table.job_and_lanes(&id.job).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.job.clone()))?;
        let spec = self.table.spec(&job).await?;
        let exists = spec.region(&id.region).is_some()
            && spec.models.contains(&id.model)
            && id.sample.0 < spec.samples;
        if !exists || spec.question(id.question).is_none() {
            return Err(missing());
        }
        let row = self.table.row(id).await?;
        let source = Source { job: &job, lanes: &lanes, spec: &spec };
        json(StatusCode::OK, &source.view(id.clone(), row).ok_or_else(missing)?)
    }

    pub(crate) async fn executions(
        &self,
        id: &JobId,
        page: &Page<'_>,
    ) -> Result<Response<Body>, ApiError> {
        let limit = page.limit(200, 1000)?;
        let start = match page.cursor {
            None => Cursor::START,
            Some(text) => Cursor::read(text).ok_or_else(bad_cursor)?,
        };
        let found = self.table.job_and_lanes(id).await?;
        let (job, lanes) = found.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let spec = self.table.spec(&job).await?;
        let source = Source { job: &job, lanes: &lanes, spec: &spec };
        json(StatusCode::OK, &self.page(&source, start, limit).await?)
    }

    async fn page(
        &self,
        source: &Source<'_>,
        start: Cursor,
        limit: usize,
    ) -> Result<ExecutionsPage, ApiError> {
        let spec = source.spec;
        let questions = u32::try_from(spec.questions.len()).unwrap_or(u32::MAX);
        let step = u32::try_from(READ_PAIRS / spec.pairs_of_question().max(1)).unwrap_or(1).max(1);
        let mut page = Filling { executions: Vec::new(), bytes: 0, limit };
        let mut at = start;
        while let Some(region) = spec.regions.get(at.region).map(|region| &region.region) {
            while at.question < questions {
                let until = questions.min(at.question.saturating_add(step));
                let mut rows = self.rows(source.job, region, at.question, until).await?;
                if let Some(next) = source.fill(&mut page, region, at, until, &mut rows) {
                    let cursor = Some(next.print());
                    return Ok(ExecutionsPage { executions: page.executions, cursor });
                }
                at = Cursor { question: until, pair: 0, ..at };
            }
            at = Cursor { region: at.region + 1, question: 0, pair: 0 };
        }
        Ok(ExecutionsPage { executions: page.executions, cursor: None })
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

/// A page that is being filled.
struct Filling {
    executions: Vec<ExecutionView>,
    bytes: usize,
    limit: usize,
}

impl Filling {
    /// Takes an execution unless the page is full; a page always takes one.
    fn take(&mut self, view: ExecutionView) -> bool {
        let text = |row: &beacon_core::view::RowView| row.response.as_ref().map_or(0, String::len);
        let bytes = ROW_BYTES + view.row.as_ref().map_or(0, text);
        let full = self.executions.len() == self.limit || self.bytes + bytes > PAGE_BYTES;
        if full && !self.executions.is_empty() {
            return false;
        }
        self.bytes += bytes;
        self.executions.push(view);
        true
    }
}

impl Source<'_> {
    /// Fills the page with the pairs of some questions; the pair at which it was full.
    fn fill(
        &self,
        page: &mut Filling,
        region: &Region,
        at: Cursor,
        until: u32,
        rows: &mut Rows,
    ) -> Option<Cursor> {
        let samples = usize::from(self.spec.samples);
        for question in at.question..until {
            let first = if question == at.question { at.pair } else { 0 };
            for pair in first..self.spec.pairs_of_question() {
                let model = self.spec.models.get(pair / samples)?;
                let sample = Sample(u16::try_from(pair % samples).unwrap_or(u16::MAX));
                let question_index = QuestionIndex(question);
                let row = rows.remove(&(question_index, model.clone(), sample));
                let id = ExecutionId {
                    job: self.job.id.clone(),
                    question: question_index,
                    model: model.clone(),
                    region: region.clone(),
                    sample,
                };
                let view = self.view(id, row)?;
                if !page.take(view) {
                    return Some(Cursor { question, pair, ..at });
                }
            }
        }
        None
    }

    /// None for a question that the job does not have.
    fn view(&self, id: ExecutionId, row: Option<ExecutionRow>) -> Option<ExecutionView> {
        let question = self.spec.question(id.question)?;
        let (k, position) = position_of(self.spec, id.question);
        let lane = self.lanes.iter().find(|lane| lane.id.region == id.region && lane.id.k == k);
        let without_row =
            lane.map_or(ExecutionStatus::Pending, |lane| lane.status_without_row(position));
        Some(ExecutionView::new(id, self.spec, question, row, without_row))
    }
}
