//! The columns of the CSV, each with where its cell comes from. They are documented in docs/export.md;
//! a release may add some at the end.

use std::borrow::Cow;
use std::fmt::Display;

use beacon_core::failure::Failure;
use beacon_core::verdict::{Label, VerdictView};
use beacon_core::view::{ExecutionView, RowView};
use serde::Serialize;

use super::steers;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing is known, or nothing is there.
    Absent,
    /// A number, a time, a name of our own: no spreadsheet takes it for a formula.
    Plain(String),
    /// From outside.
    Text(Cow<'a, str>),
}

/// Who reads the CSV as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// A program or a file.
    None,
    /// A person's terminal: nothing of the answers steers it.
    Terminal,
}

/// What makes a spreadsheet take a cell for a formula when it begins with it, the wide forms of Chinese
/// and Japanese keyboards among them.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

impl<'a> Cell<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn plain(value: impl Display) -> Self {
        Self::Plain(format!("{value}"))
    }

    /// The name that an enum has in JSON.
    fn name(value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::String(name)) => Self::Plain(name),
            Ok(_) | Err(_) => Self::Absent,
        }
    }

    /// The cell as it is written, before it is quoted.
    pub fn written(self, screen: Screen) -> String {
        let text = match self {
            Self::Absent => return String::new(),
            Self::Plain(text) => return text,
            // A program that ends texts at NUL would lose the rest of the file with it.
            Self::Text(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").into(),
            Self::Text(text) => text,
        };
        let text = match screen {
            Screen::None => text,
            Screen::Terminal => {
                let moves = |c: char| steers(c) && !matches!(c, '\t' | '\n');
                text.chars().map(|c| if moves(c) { ' ' } else { c }).collect()
            }
        };
        if text.starts_with(FORMULA) { format!("'{text}") } else { text.into_owned() }
    }
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// As the header has it.
    pub name: &'static str,
    /// Its cell in a pair's row.
    pub cell: fn(&ExecutionView) -> Cell<'_>,
}

const fn column(name: &'static str, cell: fn(&ExecutionView) -> Cell<'_>) -> Column {
    Column { name, cell }
}

/// All columns, in their order.
pub const COLUMNS: [Column; 46] = [
    column("execution_id", |view| Cell::Text(view.id.to_string().into())),
    column("job_id", |view| Cell::text(view.job_id.as_str())),
    column("run", |view| row(view, |row| Cell::plain(row.run))),
    column("question_id", |view| Cell::text(view.question_id.as_str())),
    column("variant", |view| Cell::text(view.variant.as_str())),
    column("question", |view| Cell::plain(view.question.0)),
    column("category", |view| optional(view.category.as_deref())),
    column("language", |view| optional(view.language.as_deref())),
    column("model_id", |view| Cell::text(view.model_id.as_str())),
    column("region", |view| Cell::text(view.region.as_str())),
    column("region_asked", |view| Cell::text(&view.region_asked)),
    column("sample", |view| Cell::plain(view.sample.0)),
    column("status", |view| Cell::name(view.status)),
    column("outcome", |view| row(view, |row| row.outcome.map_or(Cell::Absent, Cell::name))),
    column("verdict", |view| judged(view, |judged| Cell::name(judged.verdict))),
    column("verdict_by", |view| {
        judged(view, |judged| {
            Cell::plain(if judged.label.is_some() { "person" } else { "classifier" })
        })
    }),
    column("classifier_verdict", |view| {
        judged(view, |judged| Cell::name(judged.classifier.verdict))
    }),
    column("confidence", |view| judged(view, |judged| Cell::plain(judged.classifier.confidence))),
    column("review", |view| judged(view, |judged| Cell::plain(judged.classifier.review))),
    column("rules", |view| judged(view, |judged| Cell::text(&judged.rules.0))),
    column("evidence", |view| judged(view, evidence)),
    column("label_by", |view| label(view, |label| optional(label.by.as_deref()))),
    column("label_at", |view| label(view, |label| Cell::plain(label.at))),
    column("label_note", |view| label(view, |label| optional(label.note.as_deref()))),
    column("failure_stage", |view| failure(view, |failure| Cell::name(&failure.stage))),
    column("failure_code", |view| failure(view, |failure| Cell::plain(&failure.code))),
    column("failure_message", |view| failure(view, |failure| Cell::text(&failure.message))),
    column("provider_id", |view| {
        row(view, |row| optional(row.provider_id.as_ref().map(beacon_core::ProviderId::as_str)))
    }),
    column("served_model", |view| row(view, |row| optional(row.served_model.as_deref()))),
    column("served_region", |view| row(view, |row| optional(row.served_region.as_deref()))),
    column("finish_reason", |view| row(view, |row| optional(row.finish_reason.as_deref()))),
    column("input_tokens", |view| row(view, |row| number(row.input_tokens))),
    column("output_tokens", |view| row(view, |row| number(row.output_tokens))),
    column("cost", |view| row(view, |row| number(row.cost))),
    column("simulated", |view| row(view, |row| Cell::plain(row.simulated))),
    column("prompt_sha256", |view| row(view, |row| Cell::text(&row.prompt_sha256.0))),
    column("temperature", |view| row(view, |row| Cell::plain(row.sampling.temperature))),
    column("max_tokens", |view| row(view, |row| Cell::plain(row.sampling.max_tokens))),
    column("seed", |view| row(view, |row| number(row.sampling.seed))),
    column("top_p", |view| row(view, |row| number(row.sampling.top_p))),
    column("attempts", |view| row(view, |row| Cell::plain(row.attempts))),
    column("maybe_billed", |view| row(view, |row| Cell::plain(row.maybe_billed))),
    column("started_at", |view| row(view, |row| Cell::plain(row.started_at))),
    column("completed_at", |view| row(view, |row| Cell::plain(row.completed_at))),
    column("duration_ms", |view| row(view, |row| Cell::plain(row.duration_ms))),
    column("response", |view| row(view, |row| optional(row.response.as_deref()))),
];

fn row<'a>(view: &'a ExecutionView, cell: fn(&'a RowView) -> Cell<'a>) -> Cell<'a> {
    view.row.as_ref().map_or(Cell::Absent, cell)
}

fn judged<'a>(view: &'a ExecutionView, cell: fn(&'a VerdictView) -> Cell<'a>) -> Cell<'a> {
    view.verdict.as_ref().map_or(Cell::Absent, cell)
}

fn label<'a>(view: &'a ExecutionView, cell: fn(&'a Label) -> Cell<'a>) -> Cell<'a> {
    let label = view.verdict.as_ref().and_then(|verdict| verdict.label.as_ref());
    label.map_or(Cell::Absent, cell)
}

fn failure<'a>(view: &'a ExecutionView, cell: fn(&'a Failure) -> Cell<'a>) -> Cell<'a> {
    view.failure.as_ref().map_or(Cell::Absent, cell)
}

fn optional(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Absent, Cell::text)
}

fn number<'a>(number: Option<impl Display>) -> Cell<'a> {
    number.map_or(Cell::Absent, Cell::plain)
}

/// The rules' ids, which hold no blank.
fn evidence(judged: &VerdictView) -> Cell<'_> {
    let evidence = &judged.classifier.evidence;
    let rules: Vec<&str> = evidence.iter().map(|evidence| &*evidence.rule).collect();
    Cell::Text(rules.join(" ").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_it_shows() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("\0=1", "\u{fffd}=1"),
            ("a\0b", "a\u{fffd}b"),
            ("1=1", "1=1"),
            ("'=1", "'=1"),
            (" =1", " =1"),
            ("", ""),
        ] {
            assert_eq!(Cell::text(text).written(Screen::None), cell, "{text:?}");
        }
        assert_eq!(Cell::plain(-1).written(Screen::None), "-1");
    }

    #[test]
    fn a_cell_steers_no_terminal() {
        let text = "a\u{1b}[2J\u{202e}b\nc";
        assert_eq!(Cell::text(text).written(Screen::Terminal), "a [2J b\nc");
        assert_eq!(Cell::text(text).written(Screen::None), text);
    }
}
