//! A job's bundle, page by page: the bodies one after the other are the bundle.

use beacon_aws::{ApiError, SpecifiedJob, text};
use beacon_core::execution::{Ending, ExecutionRow};
use beacon_core::seal::ProviderReceipt;
use beacon_core::spec::Spec;
use beacon_core::{ExecutionId, JobId, ModelId, QuestionIndex, Region, Run, Sample};
use beacon_evidence::bundle::{Entry, Header};
use beacon_evidence::receipt::Receipt;
use lambda_http::http::header::LINK;
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};

use crate::Query;
use crate::executions::{ESCAPED_BYTES, LOOK_BYTES, LOOK_PAIRS, PAGE_BYTES, READ_PAIRS};
use crate::parameters::{Parameters, bad_cursor, place};

/// A row with its coordinates in a region.
type KeyedRow = ((QuestionIndex, ModelId, Sample), ExecutionRow);

/// Where a page begins: region and question, each an index into the specification, and how many of that
/// question's receipts come before. That many stay: a completed row never changes, and those of later runs
/// are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    region: usize,
    question: u32,
    receipts: usize,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let (region, question, receipts) = place(text)?;
        Some(Self { region, question, receipts })
    }

    /// Whether it is a place of this specification.
    fn is_of(self, spec: &Spec) -> bool {
        let (regions, questions) = (spec.regions.len(), spec.questions.len() as u64);
        self.region < regions && u64::from(self.question) <= questions
    }

    fn print(self) -> String {
        format!("{}.{}.{}", self.region, self.question, self.receipts)
    }
}

/// A page that is being filled.
#[derive(Debug, Default)]
struct Page {
    lines: Vec<u8>,
    /// Bytes as a text within JSON, which is how a function's answer travels.
    escaped: usize,
}

impl Page {
    /// Takes a line unless the page is full; a page always takes one.
    fn take(&mut self, line: &[u8]) -> bool {
        let twice = line.iter().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n')).count();
        let escaped = line.len() + twice;
        let bytes = self.lines.len() + line.len();
        if !self.lines.is_empty() && (bytes > PAGE_BYTES || self.escaped + escaped > ESCAPED_BYTES)
        {
            return false;
        }
        self.lines.extend_from_slice(line);
        self.escaped += escaped;
        true
    }
}

/// The receipts of a job up to a run.
struct Source<'a> {
    job: &'a JobId,
    spec: &'a Spec,
    run: Run,
}

impl Source<'_> {
    /// The line of an execution, if it has a receipt of the run or one before.
    fn entry(&self, id: &ExecutionId, row: ExecutionRow) -> Option<Entry> {
        let receipt = Receipt::of_job(id, self.spec, &row).filter(|_| row.run <= self.run)?;
        let prompt = self.spec.prompt(self.spec.question(id.question)?, &id.region)?.messages();
        let provider_receipt = row.provider_receipt.as_ref().and_then(ProviderReceipt::json);
        let provider_receipt = provider_receipt.map(str::to_owned);
        match row.ending {
            Ending::Completed(answer) => {
                Some(Entry { answer: answer.response, prompt, provider_receipt, receipt })
            }
            // They have no receipt.
            Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => None,
        }
    }
}

/// A page of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundlePage {
    /// The run whose bundle it is.
    pub run: Run,
    /// Its lines, each ended: the header on the first page alone.
    pub lines: String,
    /// The cursor of the next page; none behind the last.
    pub next: Option<String>,
}

impl Query {
    pub(crate) async fn bundle(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let page = self.bundle_page(id, parameters.run()?, parameters.cursor()).await?;
        let mut response = text(StatusCode::OK, "application/jsonl", page.lines);
        if let Some(next) = page.next {
            let link = format!("<?run={}&cursor={next}>; rel=\"next\"", page.run);
            // Of digits and dots, which a header may have.
            let link = HeaderValue::from_str(&link).map_err(|_never| bad_cursor())?;
            response.headers_mut().insert(LINK, link);
        }
        Ok(response)
    }

    /// A page of the bundle of a run, or of the last run that was signed for: from its header, or from where
    /// the page before ended. Whoever goes on names the first page's run.
    ///
    /// # Errors
    /// Without such a job or a root of that run, for a text that is no cursor, and where the table does not
    /// answer.
    pub async fn bundle_page(
        &self,
        id: &JobId,
        run: Option<Run>,
        cursor: Option<&str>,
    ) -> Result<BundlePage, ApiError> {
        let start = cursor.map(|text| Cursor::read(text).ok_or_else(bad_cursor)).transpose()?;
        let stored = self.root_of(id, run).await?;
        let SpecifiedJob { spec, .. } = self.specified_job(id).await?;
        if start.is_some_and(|at| !at.is_of(&spec)) {
            return Err(bad_cursor());
        }
        let run = stored.root.body.run;
        let mut page = Page::default();
        let start = start.unwrap_or_else(|| {
            page.take(&Header::new(stored.root).line());
            Cursor { region: 0, question: 0, receipts: 0 }
        });
        let next = self.fill(&Source { job: id, spec: &spec, run }, start, &mut page).await?;
        let lines = String::from_utf8_lossy(&page.lines).into_owned();
        Ok(BundlePage { run, lines, next: next.map(Cursor::print) })
    }

    /// Takes receipts from a place on; the place at which the page was full.
    async fn fill(
        &self,
        source: &Source<'_>,
        start: Cursor,
        page: &mut Page,
    ) -> Result<Option<Cursor>, ApiError> {
        let spec = source.spec;
        let questions = u32::try_from(spec.questions.len()).unwrap_or(u32::MAX);
        let step = u32::try_from(READ_PAIRS / spec.pairs_of_question().max(1)).unwrap_or(1).max(1);
        let (mut at, mut looked_at, mut bytes) = (start, 0, 0);
        while let Some(region) = spec.regions.get(at.region).map(|prompts| &prompts.region) {
            while at.question < questions {
                if looked_at >= LOOK_PAIRS || bytes >= LOOK_BYTES {
                    return Ok(Some(at));
                }
                let until = questions.min(at.question.saturating_add(step));
                let read = usize::try_from(until - at.question).unwrap_or(1);
                looked_at += spec.pairs_of_question() * read;
                let (first, next) = (QuestionIndex(at.question), QuestionIndex(until));
                let rows = self.table.rows_from(source.job, region, first, next).await?;
                bytes += rows.iter().map(|(_, row)| row.text_bytes()).sum::<usize>();
                let full = fill_from(source, region, at, rows, page);
                if full.is_some() {
                    return Ok(full);
                }
                at = Cursor { question: until, receipts: 0, ..at };
            }
            at = Cursor { region: at.region + 1, question: 0, receipts: 0 };
        }
        Ok(None)
    }
}

/// The same of some rows of a region.
fn fill_from(
    source: &Source<'_>,
    region: &Region,
    at: Cursor,
    rows: Vec<KeyedRow>,
    page: &mut Page,
) -> Option<Cursor> {
    let mut here = Cursor { receipts: 0, ..at };
    for ((question, model, sample), row) in rows {
        if question.0 != here.question {
            here = Cursor { question: question.0, receipts: 0, ..here };
        }
        let (job, region) = (source.job.clone(), region.clone());
        let id = ExecutionId { job, question, model, region, sample };
        let Some(entry) = source.entry(&id, row) else { continue };
        let is_of_page_before = question.0 == at.question && here.receipts < at.receipts;
        if !is_of_page_before && !page.take(&entry.line()) {
            return Some(here);
        }
        here.receipts += 1;
    }
    None
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
            region in any::<usize>(), question in any::<u32>(), receipts in any::<usize>(),
        ) {
            let cursor = Cursor { region, question, receipts };
            prop_assert_eq!(Cursor::read(&cursor.print()), Some(cursor));
        }
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_and_takes_a_line_of_any_length() {
        let mut page = Page::default();
        assert!(page.take(&vec![b'x'; PAGE_BYTES + 1]));
        assert!(!page.take(b"{}\n"));
        let mut page = Page::default();
        let line = vec![b'"'; PAGE_BYTES / 4];
        let taken = (0..8).take_while(|_| page.take(&line)).count();
        assert_eq!(
            (taken, page.lines.len()),
            (2, PAGE_BYTES / 2),
            "each quote travels as two bytes"
        );
    }
}
