//! A job's pairs as they are kept: JSON lines and CSV, the same bytes whoever writes them.

pub mod columns;

use std::fmt::Write as _;
use std::io::{self, Write};

use beacon_core::view::ExecutionView;

pub use self::columns::Screen;
use self::columns::{COLUMNS, Column};

/// A CSV that is being written (RFC 4180).
#[derive(Debug)]
pub struct Csv<W: Write> {
    writer: Box<csv::Writer<W>>,
    screen: Screen,
}

impl<W: Write> Csv<W> {
    /// One that begins with its header.
    ///
    /// # Errors
    /// As writing does.
    pub fn new(out: W, screen: Screen) -> io::Result<Self> {
        let mut csv = Self::continued(out, screen);
        csv.writer.write_record(COLUMNS.iter().map(|column| column.name)).map_err(of_csv)?;
        Ok(csv)
    }

    /// One whose header is written already.
    pub fn continued(out: W, screen: Screen) -> Self {
        let mut csv = csv::WriterBuilder::new();
        let writer = csv.terminator(csv::Terminator::CRLF).from_writer(out);
        Self { writer: Box::new(writer), screen }
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// As writing does.
    pub fn write(&mut self, view: &ExecutionView) -> io::Result<()> {
        for Column { cell, .. } in &COLUMNS {
            self.writer.write_field(cell(view).written(self.screen)).map_err(of_csv)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(of_csv)
    }

    /// Hands on what was written so far.
    ///
    /// # Errors
    /// As writing does.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The system's error where there is one: a pipe that nobody reads any more is no failure.
fn of_csv(error: csv::Error) -> io::Error {
    if let csv::ErrorKind::Io(error) = error.into_kind() {
        error
    } else {
        io::Error::other("a row has not as many cells as the header")
    }
}

/// Control characters, those that turn the direction of writing or hide what follows, and the two that many
/// programs take for the end of a line.
pub fn steers(c: char) -> bool {
    let bidi = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || bidi || matches!(c, '\u{2028}' | '\u{2029}')
}

/// JSON that says the same to programs and steers no terminal: answers come from outside.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        // The line ends of pretty JSON are its own; those within texts are escaped already.
        if steers(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _infallible = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answered, open, spec};
    use beacon_core::verdict::Verdict;

    #[test]
    fn what_is_written_steers_no_terminal_and_says_the_same() {
        let text = "\u{1b}[2J \u{9b}31m \u{202e}abc\u{2066} \u{61c}d\u{2028}e\u{2029}";
        assert_eq!(text.chars().filter(|c| steers(*c)).count(), 7);
        let json = serde_json::to_string_pretty(&serde_json::json!({ "response": text })).unwrap();
        let printed = escaped(&json);
        assert!(printed.chars().all(|c| !steers(c) || c == '\n'), "{printed:?}");
        let read: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(read["response"], text);
    }

    #[test]
    fn parts_one_after_the_other_are_the_whole() {
        let spec = spec(1, &["m"], &["eu"], 1);
        let views = [
            answered(open(&spec, 0, 0, 0, 0), "Yes,\r\n\"no\".", Verdict::Answered),
            open(&spec, 0, 0, 0, 0),
        ];
        let written = |views: &[ExecutionView], is_first: bool| {
            let mut out = Vec::new();
            let mut csv = if is_first {
                Csv::new(&mut out, Screen::None).unwrap()
            } else {
                Csv::continued(&mut out, Screen::None)
            };
            for view in views {
                csv.write(view).unwrap();
            }
            csv.flush().unwrap();
            drop(csv);
            String::from_utf8(out).unwrap()
        };
        let whole = written(&views, true);
        assert!(whole.starts_with("execution_id,job_id,run,"), "{whole}");
        assert!(whole.contains("\"Yes,\r\n\"\"no\"\".\"\r\n"), "{whole}");
        let parts = written(&views[..1], true) + &written(&views[1..], false);
        assert_eq!(parts, whole);
    }
}
