//! What is printed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this file is for")]

/// How a value stands to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within it.
    Ok,
    /// Not within it.
    Missed,
    /// There is no limit.
    Told,
    /// There is a limit, and no value in this run.
    NotMeasured,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    /// What was measured.
    pub(crate) what: String,
    /// The most it may be.
    pub(crate) limit: String,
    /// What it is.
    pub(crate) value: String,
    /// How the two stand.
    pub(crate) verdict: Verdict,
}

impl Line {
    fn cells(&self) -> [&str; 4] {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Missed => "MISSED",
            Verdict::Told => "",
            Verdict::NotMeasured => "not measured",
        };
        [&self.what, &self.limit, &self.value, verdict]
    }
}

/// Prints the table as Markdown.
pub(crate) fn print(lines: &[Line]) {
    let head = ["", "limit", "measured", ""];
    let rows: Vec<[&str; 4]> = std::iter::once(head).chain(lines.iter().map(Line::cells)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    for (index, row) in rows.iter().enumerate() {
        print_row(row.map(str::to_owned), widths, ' ');
        if index == 0 {
            print_row(Default::default(), widths, '-');
        }
    }
}

fn print_row(cells: [String; 4], widths: [usize; 4], fill: char) {
    for (cell, width) in cells.into_iter().zip(widths) {
        let missing = width.saturating_sub(cell.chars().count());
        print!("| {cell}{} ", String::from(fill).repeat(missing));
    }
    println!("|");
}

/// A line for the program that started this one.
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Says what happens now.
pub(crate) fn progress(what: &str) {
    eprintln!("{what} …");
}
