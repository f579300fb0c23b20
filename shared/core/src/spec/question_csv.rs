//! Questions of a CSV file as entries of a specification's question list.

use serde_json::{Map, Value};
use thiserror::Error;

/// Columns of a question file.
pub const CSV_COLUMNS: &str = "id, text, category, language, expect and variant.NAME";

/// A text that holds no questions.
#[derive(Debug, Error)]
pub enum CsvError {
    /// No CSV, or a row that has not as many cells as the header.
    #[error("is not CSV with a header of {CSV_COLUMNS}")]
    Malformed(#[source] csv::Error),
    /// A column that nobody knows.
    #[error("unknown column `{0}`; known are {CSV_COLUMNS}")]
    Column(String),
    /// A cell that begins with a quote on this line, and goes on behind the next one or never ends: questions
    /// that follow would be part of its text.
    #[error("a cell begins with a quote on line {0} and does not end with one")]
    Quote(u64),
    /// No row.
    #[error(
        "holds no question; a header of {CSV_COLUMNS} comes first, then a row for each question"
    )]
    Empty,
}

/// A row of a question file.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvRow {
    /// Where it begins, from 1; the header is on the first.
    pub line: u64,
    /// As an entry of the question list, not yet checked.
    pub question: Value,
}

/// Reads the rows of a CSV with a header. A cell without a text is a field that is not given.
///
/// # Errors
/// Where it is no CSV, has an unknown column or no row; what is wrong with a question is found when
/// its specification is read.
pub fn read_question_csv(text: &str) -> Result<Vec<CsvRow>, CsvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(line) = unclosed(text) {
        return Err(CsvError::Quote(line));
    }
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let header = reader.headers().map_err(CsvError::Malformed)?.clone();
    let mut rows = Vec::new();
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    for record in reader.records() {
        let record = record.map_err(CsvError::Malformed)?;
        let line = lines.line_at(record.position().map_or(0, csv::Position::byte));
        let mut question = Map::new();
        let mut variants = Map::new();
        for (column, value) in header.iter().zip(&record).filter(|(_, value)| !value.is_empty()) {
            match (column, column.strip_prefix("variant.")) {
                ("id" | "text" | "category" | "language", _) => {
                    question.insert(column.to_owned(), value.into());
                }
                ("expect", _) => {
                    let expected = value.split('|').map(|text| Value::from(text.trim()));
                    question.insert(column.to_owned(), expected.collect());
                }
                (_, Some(name)) => {
                    variants.insert(name.to_owned(), value.into());
                }
                (column, None) => return Err(CsvError::Column(column.to_owned())),
            }
        }
        if !variants.is_empty() {
            question.insert("variants".to_owned(), variants.into());
        }
        rows.push(CsvRow { line, question: question.into() });
    }
    if rows.is_empty() {
        let unknown = header.iter().find(|column| !is_known(column));
        return Err(unknown.map_or(CsvError::Empty, |column| CsvError::Column(column.to_owned())));
    }
    Ok(rows)
}

/// A column without a name is one that a spreadsheet left empty.
fn is_known(column: &str) -> bool {
    ["", "id", "text", "category", "language", "expect"].contains(&column)
        || column.starts_with("variant.")
}

/// Where in a cell a byte stands.
#[derive(Debug, Clone, Copy)]
enum Within {
    /// It is the first.
    Start,
    /// In a cell that does not begin with a quote.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote that ends the cell, or that the next doubles.
    Quote,
    /// Behind the quote that ends the cell, and behind blanks.
    Behind,
}

/// The line of the first quote that begins a cell and does not end it. The reader takes what follows for more of
/// the cell.
fn unclosed(text: &str) -> Option<u64> {
    let (mut within, mut line, mut opened) = (Within::Start, 1, 1);
    for byte in text.bytes() {
        within = match (within, byte) {
            (Within::Start, b'"') => {
                opened = line;
                Within::Quoted
            }
            (Within::Quoted, b'"') => Within::Quote,
            (Within::Quote, b'"') | (Within::Quoted, _) => Within::Quoted,
            (
                Within::Start | Within::Plain | Within::Quote | Within::Behind,
                b',' | b'\r' | b'\n',
            ) => Within::Start,
            (Within::Quote | Within::Behind, b' ' | b'\t') => Within::Behind,
            (Within::Quote | Within::Behind, _) => return Some(opened),
            (Within::Start | Within::Plain, _) => Within::Plain,
        };
        line += u64::from(byte == b'\n');
    }
    match within {
        Within::Quoted => Some(opened),
        Within::Start | Within::Plain | Within::Quote | Within::Behind => None,
    }
}

/// Counts lines from the beginning of a text on.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record that is said to begin at this byte: the end of the line before it, and blank
    /// lines, are told as its own.
    fn line_at(&mut self, byte: u64) -> u64 {
        let said = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(next) = self.text.get(self.at) {
            if self.at >= said && !matches!(next, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*next == b'\n');
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_an_entry_of_the_question_list() {
        let text = "\u{feff}id, text ,expect,variant.short\r\na,\"What, or\nwho?\",4 | four,\r\nb,Why?,,Y?\r\n";
        let rows = read_question_csv(text).unwrap();
        let [a, b] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((a.line, b.line), (2, 4));
        assert_eq!(
            a.question,
            json!({"id": "a", "text": "What, or\nwho?", "expect": ["4", "four"]})
        );
        assert_eq!(b.question, json!({"id": "b", "text": "Why?", "variants": {"short": "Y?"}}));
    }

    #[test]
    fn a_row_is_told_by_its_line_however_lines_end() {
        for text in ["id,text\na,\"b\nc\"\n\nd,e\n", "id,text\r\na,\"b\r\nc\"\r\n\r\nd,e"] {
            let rows = read_question_csv(text).unwrap();
            assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5], "{text:?}");
        }
    }

    #[test]
    fn what_is_no_question_file_is_told() {
        let told = |text: &str| read_question_csv(text).unwrap_err().to_string();
        assert!(
            told("id,answer\na,b\n").starts_with("unknown column `answer`; known are id, text")
        );
        assert!(told("id,text\na\n").starts_with("is not CSV with a header of"));
        for empty in ["", " ", "\u{feff}", "\n\n", "id,text", "id,text,\r\n\r\n"] {
            assert!(
                told(empty).starts_with("holds no question; a header of id, text"),
                "{empty:?}"
            );
        }
        assert!(told("What is it?\n").starts_with("unknown column `What is it?`"));
    }

    #[test]
    fn a_quote_that_is_not_closed_makes_one_question_of_no_others() {
        for (text, line) in [
            ("id,text\na,\"What is\nb,Who?\n", 2),
            ("id,text\na,A?\n\"b,B?\nc,C?\n", 3),
            // It ends at the quote that begins another cell.
            ("id,text\r\na,\"What is\r\nb,\"Who?\"\r\n", 2),
            ("id,text\na,\"A \"word\" of it\"\n", 2),
            ("id,text\na,\"A\"\"\n", 2),
            ("id,text\na,\"", 2),
        ] {
            let told = read_question_csv(text).unwrap_err().to_string();
            let expected =
                format!("a cell begins with a quote on line {line} and does not end with one");
            assert_eq!(told, expected, "{text:?}");
        }
        for (text, question) in [
            ("id,text\na,\"A \"\"word\"\"\"\n", "A \"word\""),
            ("id,text\na,A \"word\" of it\n", "A \"word\" of it"),
            ("id,text\na,\"A,\nB\" \n", "A,\nB "),
            ("id,text\n\"a\",\"A\"", "A"),
        ] {
            let rows = read_question_csv(text).unwrap();
            assert_eq!(rows.len(), 1, "{text:?}");
            assert_eq!(rows[0].question, json!({"id": "a", "text": question}), "{text:?}");
        }
    }
}
