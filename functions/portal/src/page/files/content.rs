//! The bytes of a file, a part at a time: each part fits into one answer of a function.

use beacon_analysis::export::{Csv, Screen, escaped};
use beacon_analysis::report::{self, QuestionAnswers, Report, SHOWN};
use beacon_aws::{ApiError, SpecifiedJob, at_length};
use beacon_core::view::ExecutionView;
use beacon_core::{JobId, Run};
use serde_json::value::RawValue;

use crate::Portal;
use crate::address::File;
use crate::answer::PageError;
use crate::input::Input;
use crate::page::findings::Found;
use crate::visit::Visit;

/// Executions of a part: so many that its bytes end it, unless answers are short.
const EXECUTIONS: usize = 20_000;
/// Bytes of a part as it is sent, as a text within JSON: an answer of a function holds 6 MB.
const SENT_BYTES: usize = 5_500_000;
/// Pairs whose answers a report shows.
const SHOWN_PAIRS: usize = 1000;
/// Bytes of a report: an answer of a function holds 6 MB.
const REPORT_BYTES: usize = 4 * 1024 * 1024;

/// Where a part begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// None for the first.
    pub(super) cursor: Option<String>,
    /// Whose bundle it is; none for the last run that was signed for.
    run: Option<Run>,
}

impl Part {
    /// As an address says it.
    pub(super) fn read(parameters: &Input) -> Result<Self, PageError> {
        let cursor = parameters.text("part").map(str::to_owned);
        let Some(run) = parameters.text("run") else { return Ok(Self { cursor, run: None }) };
        let run = run.parse().ok().filter(|run| *run >= Run::FIRST.0).map(Run);
        let problem = || PageError::Parameter {
            name: "run",
            problem: "must be a whole number, 1 or more".to_owned(),
        };
        Ok(Self { cursor, run: Some(run.ok_or_else(problem)?) })
    }

    /// As it stands in an address.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let cursor = self.cursor.clone().map(|cursor| ("part".to_owned(), cursor));
        let run = self.run.map(|run| ("run".to_owned(), run.to_string()));
        cursor.into_iter().chain(run).collect()
    }
}

/// A part.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) text: String,
    /// The part behind it.
    pub(super) next: Option<Part>,
}

impl Portal {
    pub(super) async fn content(
        &self,
        visit: &Visit,
        id: &JobId,
        file: File,
        part: &Part,
    ) -> Result<Content, PageError> {
        match file {
            File::Jsonl => self.executions(id, part, |rows| Ok(jsonl(rows))).await,
            File::Csv => {
                self.executions(id, part, |rows| at_length(|| csv(rows, part.cursor.is_none())))
                    .await
            }
            File::Report => self.report(visit, id).await,
            File::Bundle => {
                let page = self.query.bundle_page(id, part.run, part.cursor.as_deref()).await?;
                let next = page.next.map(|next| Part { cursor: Some(next), run: Some(page.run) });
                Ok(Content { text: page.lines, next })
            }
        }
    }

    /// So many executions as fit into an answer, as this writes them.
    async fn executions(
        &self,
        id: &JobId,
        part: &Part,
        write: impl Fn(&[Box<RawValue>]) -> Result<String, ApiError>,
    ) -> Result<Content, PageError> {
        let of = self.query.specified_job(id).await?;
        let mut most = EXECUTIONS;
        loop {
            let page = self.query.executions_page(&of, part.cursor.as_deref(), most).await?;
            let (text, count) = (write(&page.executions)?, page.executions.len());
            // Written out, what steers a terminal is three times as long.
            if count > 1 && sent(&text) > SENT_BYTES {
                most = count / 2;
                continue;
            }
            let next = page.cursor.map(|cursor| Part { cursor: Some(cursor), run: None });
            return Ok(Content { text, next });
        }
    }

    async fn report(&self, visit: &Visit, id: &JobId) -> Result<Content, PageError> {
        let of = self.query.specified_job(id).await?;
        let found = self.found(&of, visit.now).await?;
        let shown = self.most_divergent(&of, &found).await?;
        let whole = Report { shown: &shown, ..found.report() };
        let mut text = at_length(|| report::html(&whole));
        if text.len() > REPORT_BYTES {
            text = at_length(|| report::html(&found.report()));
        }
        Ok(Content { text, next: None })
    }

    /// The answers to the questions that a report shows, where they are not too many.
    async fn most_divergent(
        &self,
        of: &SpecifiedJob,
        found: &Found,
    ) -> Result<Vec<QuestionAnswers>, PageError> {
        let questions =
            found.findings.questions.iter().take(SHOWN).map(|question| question.question);
        let questions: Vec<_> = questions.collect();
        if questions.len() * of.spec.regions.len() * of.spec.pairs_of_question() > SHOWN_PAIRS {
            return Ok(Vec::new());
        }
        let mut shown = Vec::with_capacity(questions.len());
        for question in questions {
            let mut rows = Vec::new();
            for prompts in &of.spec.regions {
                let (source, region) = (of.source(), &prompts.region);
                rows.extend(self.query.pairs_of(&source, region, question, question.next()).await?);
            }
            shown.push(QuestionAnswers { question, rows });
        }
        Ok(shown)
    }
}

/// Bytes of a text as a function's answer holds it.
fn sent(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        ..b' ' => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

/// A line an execution, as `beacon export` writes it.
fn jsonl(executions: &[Box<RawValue>]) -> String {
    let bytes = executions.iter().map(|one| one.get().len() + 1).sum();
    let mut lines = String::with_capacity(bytes);
    for execution in executions {
        lines.push_str(&escaped(execution.get()));
        lines.push('\n');
    }
    lines
}

/// The same rows as `beacon export` writes them; the header stands in the first part alone.
fn csv(executions: &[Box<RawValue>], is_first: bool) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    let failed = |error| ApiError::Answer(serde_json::Error::io(error));
    let mut csv = if is_first {
        Csv::new(&mut bytes, Screen::None).map_err(failed)?
    } else {
        Csv::continued(&mut bytes, Screen::None)
    };
    for execution in executions {
        let view: ExecutionView = serde_json::from_str(execution.get())?;
        csv.write(&view).map_err(failed)?;
    }
    csv.flush().map_err(failed)?;
    drop(csv);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_written_as_it_is_read() {
        for query in ["", "part=1.2.3", "part=1.2.3&run=2"] {
            let part = Part::read(&Input::read(query)).unwrap();
            assert_eq!(Input::of(part.fields()).query().trim_start_matches('?'), query);
        }
        for wrong in ["run=0", "run=x", "run=-1"] {
            assert!(Part::read(&Input::read(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_steer_no_terminal() {
        let raw = RawValue::from_string("{\"a\":\"\u{202e}\"}".to_owned()).unwrap();
        assert_eq!(jsonl(&[raw]), "{\"a\":\"\\u202e\"}\n");
    }
    #[test]
    fn what_is_sent_is_counted_as_json_has_it() {
        let text = "a\"\\\r\n\t\u{1}é\u{202e}";
        assert_eq!(sent(text) + 2, serde_json::to_string(text).unwrap().len());
    }
}
