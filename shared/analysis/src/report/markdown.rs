//! The report as Markdown: what is no fenced block is escaped, and no fence can be closed from within.

use super::answers::{Answer, Group};
use super::chart::Chart;
use super::difference::{Change, Piece};
use super::document::{Block, Document, Line, Section, Span, Table};
use super::heatmap::Heatmap;
use super::visible::visible;
use super::wording::{simulated, simulated_sentence};
use crate::aggregate::Category;
use crate::findings::MadeUp;

/// How differences stand in a fenced block.
const MARKS: &str = "Words that were added stand as `{+added+}`, those that were removed as \
    `[-removed-]`; what rules found is quoted below its answer.";

/// The whole report.
pub(super) fn page(document: &Document) -> String {
    let mut page = format!("# {}\n", escaped(&document.title, false));
    let made_up = document.made_up;
    if let Some(mark) = simulated(made_up) {
        paragraph(&mut page, &format!("**▲ {mark}.** {}", simulated_sentence(made_up)));
    }
    for section in &document.sections {
        write_section(&mut page, section, made_up);
    }
    page
}

fn write_section(page: &mut String, section: &Section, made_up: MadeUp) {
    paragraph(page, &format!("## {}", section.title));
    if let Some(mark) = simulated(made_up) {
        paragraph(page, &format!("**▲ {mark}**"));
    }
    if section.blocks.iter().any(|block| matches!(block, Block::Answers(_))) {
        paragraph(page, MARKS);
    }
    write_blocks(page, &section.blocks, made_up);
}

fn write_blocks(page: &mut String, blocks: &[Block], made_up: MadeUp) {
    for block in blocks {
        match block {
            Block::Paragraph(text) => paragraph(page, &begun(&line(text))),
            Block::Notice(text) => paragraph(page, &format!("**▲** {}", line(text))),
            Block::List(lines) => list(page, lines),
            Block::Heading(text) | Block::Question(_, text) => {
                paragraph(page, &format!("### {}", line(text)));
            }
            Block::Table(of) => table(page, of, made_up),
            // Its numbers stand in the table below it.
            Block::Chart(Chart { .. }) => {}
            Block::Heatmap(map) => heatmap(page, map, made_up),
            Block::Quote(quote) => fenced(page, &quote.text),
            Block::Commands(commands) => fenced(page, &commands.join("\n")),
            Block::Answers(group) => answers(page, group),
            // Nothing is folded here.
            Block::Folded(_, parts) => write_blocks(page, parts, made_up),
        }
    }
}

fn paragraph(page: &mut String, text: &str) {
    page.push('\n');
    page.push_str(text);
    page.push('\n');
}

fn list(page: &mut String, lines: &[Line]) {
    page.push('\n');
    for text in lines {
        page.push_str("- ");
        page.push_str(&begun(&line(text)));
        page.push('\n');
    }
}

fn line(line: &Line) -> String {
    line.iter()
        .map(|span| match span {
            Span::Words(text) | Span::Why(text) => escaped(text, true),
            Span::Outside(text) => escaped(text, false),
            Span::Strong(text) => format!("**{}**", escaped(text, true)),
            Span::Code(text) => code(text),
            Span::Shape(shape) => (*shape).to_owned(),
        })
        .collect()
}

/// Code in a line; what would end it, or the cell that it stands in, is escaped text instead.
fn code(text: &str) -> String {
    let text = visible(text);
    if text.is_empty() || text.contains(['`', '|', '\n', '\t']) || text.trim() != text {
        escaped(&text, false)
    } else {
        format!("`{text}`")
    }
}

/// Text in one line in which no character means anything. Of what is not our own, no link is made.
fn escaped(text: &str, ours: bool) -> String {
    let text = visible(text);
    let mut safe = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\n' | '\t' => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '|' | '~' | '#' | '$' | '!' => {
                safe.extend(['\\', c]);
            }
            '@' => safe.extend(['\\', c]),
            // Of our own a time has one.
            ':' if characters
                .peek()
                .is_some_and(|next| if ours { *next == '/' } else { !next.is_whitespace() }) =>
            {
                safe.extend(['\\', c]);
            }
            '.' if ends_with_www(&safe) => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}

/// The same at the beginning of a line, where some characters make lists, headings and rules.
fn begun(line: &str) -> String {
    let line = line.trim_start();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = line.split_at(digits);
    let numbered = digits > 0 && rest.starts_with(['.', ')']);
    let marked = digits == 0 && rest.starts_with(['-', '+', '=', ':']);
    if numbered || marked { format!("{number}\\{rest}") } else { line.to_owned() }
}

/// Some readers make a link of what begins so.
fn ends_with_www(text: &str) -> bool {
    let last = text.len().checked_sub(3).and_then(|at| text.get(at..));
    last.is_some_and(|last| last.eq_ignore_ascii_case("www"))
}

/// A block whose fence is longer than any run of backticks within.
fn fenced(page: &mut String, text: &str) {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    paragraph(page, &format!("{fence}text\n{text}\n{fence}"));
}

fn caption(page: &mut String, text: &str, made_up: MadeUp) {
    let text = super::wording::caption(&escaped(text, false), made_up);
    paragraph(page, &format!("**{text}**"));
}

fn table(page: &mut String, table: &Table, made_up: MadeUp) {
    caption(page, &table.caption, made_up);
    let titles = table.columns.iter().map(|column| escaped(column.title, true));
    let rules = table.columns.iter().map(|column| if column.numeric { "---:" } else { "---" });
    page.push('\n');
    row(page, titles);
    row(page, rules.map(str::to_owned));
    for cells in &table.rows {
        row(page, cells.iter().map(line));
    }
    if let Some(note) = table.cut_note() {
        paragraph(page, &note);
    }
}

fn row(page: &mut String, cells: impl Iterator<Item = String>) {
    page.push('|');
    for cell in cells {
        page.push(' ');
        page.push_str(&cell);
        page.push_str(" |");
    }
    page.push('\n');
}

fn heatmap(page: &mut String, map: &Heatmap, made_up: MadeUp) {
    let legend = Category::ALL.map(|category| {
        let mark = category.mark();
        format!("{} {} {}", mark.shape, category.letter(), mark.word)
    });
    paragraph(page, &format!("{}.", legend.join(", ")));
    caption(page, "What became of each question, by model and region", made_up);
    page.push('\n');
    let columns = map
        .models
        .iter()
        .flat_map(|model| map.regions.iter().map(move |region| format!("{model} {region}")));
    let titles =
        ["Question".to_owned()].into_iter().chain(columns.map(|title| escaped(&title, false)));
    row(page, titles);
    let rules = 1 + map.models.len() * map.regions.len();
    row(page, std::iter::repeat_n("---".to_owned(), rules));
    for of in &map.rows {
        let name = format!("{} · {}", code(&of.question_id), code(&of.variant));
        let cells = of.cells.iter().map(|cell| {
            let shape = cell.all.map_or("", |category| category.mark().shape);
            format!("{shape} {}", cell.letters(map.samples))
        });
        row(page, [name].into_iter().chain(cells));
    }
}

fn answers(page: &mut String, group: &Group) {
    let tag = simulated(group.made_up).map_or_else(String::new, |mark| format!(" ▲ {mark}"));
    paragraph(page, &format!("#### {}{tag}", code(&group.name)));
    for answer in &group.answers {
        write_answer(page, answer);
    }
}

fn write_answer(page: &mut String, answer: &Answer) {
    paragraph(
        page,
        &format!("**{}**: {}", escaped(answer.region.as_str(), false), line(&answer.badge)),
    );
    match &answer.text {
        Some(pieces) => fenced(page, &marked(pieces)),
        None => paragraph(page, "No text."),
    }
    if let Some(note) = &answer.note {
        paragraph(page, note);
    }
    list(page, &answer.facts);
}

/// Differences as `[-removed-]` and `{+added+}`, the way of word differences in plain text.
fn marked(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece.change {
            Change::Same => piece.text.clone(),
            Change::Added => format!("{{+{}+}}", piece.text),
            Change::Removed => format!("[-{}-]", piece.text),
        })
        .collect()
}
