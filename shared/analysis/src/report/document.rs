//! A report before it is written: sections of blocks, the same for every form.

use beacon_core::QuestionIndex;

use super::answers::Group;
use super::chart::Chart;
use super::heatmap::Heatmap;
use crate::figure;
use crate::findings::MadeUp;

/// A whole report.
pub(super) struct Document {
    pub(super) title: String,
    /// Said of the whole, and again in every section.
    pub(super) made_up: MadeUp,
    pub(super) sections: Vec<Section>,
}

/// A part with a heading of its own.
pub(super) struct Section {
    /// Unique; ASCII letters and dashes.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) blocks: Vec<Block>,
}

/// What a section is made of.
pub(super) enum Block {
    Paragraph(Line),
    /// What must not be missed.
    Notice(Line),
    List(Vec<Line>),
    /// A smaller heading.
    Heading(Line),
    /// The same for a question, which other parts lead to.
    Question(QuestionIndex, Line),
    Table(Table),
    Chart(Chart),
    Heatmap(Heatmap),
    /// A text from outside, as it is.
    Quote(Quote),
    /// What to type.
    Commands(Vec<String>),
    Answers(Group),
    /// What is opened by who wants to see it: its name, and what is in it.
    Folded(String, Vec<Block>),
}

/// Rows of detail that are shown without being asked for.
const UNFOLDED: usize = 12;

/// Blocks of so many rows of detail: folded under a name where they are many.
pub(super) fn detail(name: &str, rows: usize, blocks: Vec<Block>) -> Vec<Block> {
    if rows > UNFOLDED {
        let rows = figure::count(rows as u64);
        vec![Block::Folded(format!("{name} ({rows} rows)"), blocks)]
    } else {
        blocks
    }
}

/// A text from outside, as it is.
pub(super) struct Quote {
    pub(super) text: String,
    /// A language tag, where it is known.
    pub(super) language: Option<String>,
}

/// Words in one line.
pub(super) type Line = Vec<Span>;

/// Some words of one kind. None is trusted: each form escapes all of them.
pub(super) enum Span {
    /// Our own.
    Words(String),
    Strong(String),
    /// Somebody else's.
    Outside(String),
    /// An identifier or a number that is copied.
    Code(String),
    /// Why there is no number, beside the dash that stands for it.
    Why(String),
    /// A shape that stands beside the word that says the same.
    Shape(&'static str),
}

/// A table whose first column names its rows.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Line>>,
    /// Rows that there are, where not all are shown.
    pub(super) cut_from: Option<usize>,
}

/// A column of a table.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// Its cells are numbers.
    pub(super) numeric: bool,
}

/// Rows of a table at most.
pub(super) const MAX_ROWS: usize = 200;

pub(super) fn words(text: impl Into<String>) -> Line {
    vec![Span::Words(text.into())]
}

pub(super) fn outside(text: impl Into<String>) -> Line {
    vec![Span::Outside(text.into())]
}

pub(super) fn code(text: &(impl ToString + ?Sized)) -> Line {
    vec![Span::Code(text.to_string())]
}

pub(super) fn text(title: &'static str) -> Column {
    Column { title, numeric: false }
}

pub(super) fn numeric(title: &'static str) -> Column {
    Column { title, numeric: true }
}

impl Table {
    /// A table of the first [`MAX_ROWS`] rows.
    pub(super) fn new(
        caption: impl Into<String>,
        columns: Vec<Column>,
        rows: impl IntoIterator<Item = Vec<Line>>,
    ) -> Self {
        let mut rows = rows.into_iter();
        let shown: Vec<_> = rows.by_ref().take(MAX_ROWS).collect();
        let more = rows.count();
        let cut_from = (more > 0).then(|| shown.len() + more);
        Self { caption: caption.into(), columns, rows: shown, cut_from }
    }

    /// What is said of the rows that are not shown.
    pub(super) fn cut_note(&self) -> Option<String> {
        let all = self.cut_from?;
        let [shown, all] = [self.rows.len(), all].map(|rows| figure::count(rows as u64));
        Some(format!(
            "The first {shown} of {all} rows are shown; the others follow from the export."
        ))
    }
}
