//! Dots with whiskers as SVG: shapes and dashes tell what colours tell.

use maud::{Markup, html};
use unicode_width::UnicodeWidthChar as _;

use super::super::chart::{Chart, Dot, Point, Row};
use super::super::visible::visible;
use super::super::wording::{caption, simulated};
use crate::findings::MadeUp;

/// Width of the drawing, in units that are pixels on a narrow screen.
const WIDTH: f64 = 360.0;
/// Left and right of the axis.
const MARGIN: f64 = 20.0;
/// Of one row: a line of words over a line of dots.
const ROW: f64 = 46.0;
/// Of each further line of a row's name.
const LINE: f64 = 16.0;
/// Columns of a line of a row's name, so that it does not run into its value.
const NAME: usize = 26;
/// Lines of a name: as many as the longest names of two regions and a model take.
const LINES: usize = 14;
/// Rows of a drawing that is so high that its axis is named above them too.
const HIGH: usize = 8;
/// Of the labels of the axis above the rows.
const HEAD: f64 = 18.0;
/// Of the line that says that answers were made up.
const TOLD: f64 = 20.0;

/// A row with its place.
struct Placed<'a> {
    row: &'a Row,
    name: Vec<String>,
    top: f64,
    /// Where the dots stand.
    middle: f64,
}

/// The drawing, with its legend and what it does not show.
pub(super) fn chart(chart: &Chart, id: &str, made_up: MadeUp) -> Markup {
    let head = if chart.rows.len() > HIGH { HEAD } else { 0.0 };
    let (rows, end) = placed(&chart.rows, head);
    let mark = simulated(made_up);
    let height = end + 20.0 + if mark.is_some() { TOLD } else { 0.0 };
    let (title, description) = (format!("{id}-title"), format!("{id}-desc"));
    html! {
        figure {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img"
                aria-labelledby={ (title) " " (description) } {
                title id=(title) { (caption(&visible(&chart.title), made_up)) }
                desc id=(description) { (chart.description) }
                @for (tick, label) in &chart.ticks {
                    @if let Some(x) = place(chart, *tick) {
                        line class="grid" x1=(x) x2=(x) y1=(head) y2=(end) {}
                        text class="tick" x=(x) y=(end + 14.0) text-anchor="middle" { (label) }
                        @if head > 0.0 {
                            text class="tick" x=(x) y=(head - 6.0) text-anchor="middle" { (label) }
                        }
                    }
                }
                @for part in &rows { (row(chart, part)) }
                @if let Some(mark) = mark {
                    text class="told" x=(MARGIN) y=(end + 34.0) { "▲ " (mark) }
                }
            }
            figcaption {
                @for (dot, name) in &chart.legend { span { (key(*dot)) " " (name) } " " }
                @if let Some(all) = chart.cut_from {
                    "The first " (chart.rows.len()) " of " (all) " rows are drawn."
                }
            }
        }
    }
}

/// The rows one below the other, and where the last of them ends.
fn placed(rows: &[Row], head: f64) -> (Vec<Placed<'_>>, f64) {
    let mut top = head;
    let rows = rows.iter().map(|row| {
        let name = lines(&visible(&row.label));
        let more: f64 = name.iter().skip(1).map(|_| LINE).sum();
        let placed = Placed { row, name, top, middle: top + more + 32.0 };
        top += ROW + more;
        placed
    });
    (rows.collect(), top + 4.0)
}

fn row(chart: &Chart, Placed { row, name, top, middle }: &Placed<'_>) -> Markup {
    let lines = (0u32..).map(|line| top + 15.0 + LINE * f64::from(line)).zip(name);
    html! {
        @for (y, line) in lines { text x=(MARGIN) y=(y) { (line) } }
        text class="value" x=(WIDTH - MARGIN) y=(top + 15.0) text-anchor="end" { (row.value) }
        @for part in &row.points { (point(chart, part, *middle)) }
    }
}

/// A name in lines of [`NAME`] columns, where Chinese characters take two. As little as can be is left out:
/// two rows may differ in their ends alone.
fn lines(label: &str) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), label.trim());
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(end(rest));
        rest = behind.trim_start();
        if lines.len() + 1 == LINES && !rest.is_empty() {
            lines.push(format!("{line}…"));
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Where the first line of a text ends: behind its last blank, or within a word that is longer than a line.
fn end(text: &str) -> usize {
    let (mut columns, mut blank) = (0, None);
    for (at, c) in text.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > NAME && !c.is_whitespace() {
            return blank.unwrap_or(at);
        }
        if c.is_whitespace() {
            blank = Some(at + c.len_utf8());
        }
    }
    text.len()
}

fn point(chart: &Chart, point: &Point, middle: f64) -> Markup {
    let (class, y) = match point.dot {
        Dot::Disc => ("strict", middle - 4.0),
        Dot::Diamond => ("broad", middle + 4.0),
    };
    let whisker =
        point.whisker.and_then(|(low, high)| Some((place(chart, low)?, place(chart, high)?)));
    html! {
        @if let Some((low, high)) = whisker {
            path class={ "whisker " (class) }
                d={ "M" (low) " " (y) "H" (high) "M" (low) " " (y - 3.0) "V" (y + 3.0)
                    "M" (high) " " (y - 3.0) "V" (y + 3.0) } {}
        }
        @if let Some(x) = place(chart, point.value) { (dot(point.dot, x, y)) }
    }
}

fn dot(dot: Dot, x: f64, y: f64) -> Markup {
    match dot {
        Dot::Disc => html! { circle class="strict" cx=(x) cy=(y) r="4" {} },
        Dot::Diamond => html! {
            path class="broad"
                d={ "M" (x) " " (y - 5.0) "l5 5l-5 5l-5 -5z" } {}
        },
    }
}

fn key(of: Dot) -> Markup {
    html! {
        svg class="key" viewBox="0 0 12 12" aria-hidden="true" { (dot(of, 6.0, 6.0)) }
    }
}

/// Where a value stands, to a tenth of a unit so that the same bytes are written everywhere.
fn place(chart: &Chart, value: f64) -> Option<f64> {
    let along = chart.place(value)?;
    Some(((MARGIN + along * (WIDTH - 2.0 * MARGIN)) * 10.0).round() / 10.0)
}
