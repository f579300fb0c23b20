//! Dots with whiskers as SVG: shapes and dashes tell what colours tell.

use maud::{Markup, html};
use unicode_width::UnicodeWidthChar as _;

use super::super::chart::{Chart, Dot, Point, Row};
use super::super::visible::visible;
use super::{SIMULATED, caption};

/// Width of the drawing, in units that are pixels on a narrow screen.
const WIDTH: f64 = 360.0;
/// Left and right of the axis.
const MARGIN: f64 = 20.0;
/// Of one row: a line of words over a line of dots.
const ROW: f64 = 46.0;
/// Columns of a row's name, so that it does not run into its value; the table has all of it.
const NAME: usize = 26;
/// Of the line that says that answers were made up.
const TOLD: f64 = 20.0;

/// The drawing, with its legend and what it does not show.
pub(super) fn chart(chart: &Chart, id: &str, simulated: bool) -> Markup {
    let rows: Vec<(f64, &Row)> =
        (0u32..).map(|row| f64::from(row) * ROW).zip(&chart.rows).collect();
    let end = rows.last().map_or(0.0, |(top, _)| top + ROW) + 4.0;
    let height = end + 20.0 + if simulated { TOLD } else { 0.0 };
    let (title, description) = (format!("{id}-title"), format!("{id}-desc"));
    html! {
        figure {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img"
                aria-labelledby={ (title) " " (description) } {
                title id=(title) { (caption(&chart.title, simulated)) }
                desc id=(description) { (chart.description) }
                @for (tick, label) in &chart.ticks {
                    @if let Some(x) = place(chart, *tick) {
                        line class="grid" x1=(x) x2=(x) y1="0" y2=(end) {}
                        text class="tick" x=(x) y=(end + 14.0) text-anchor="middle" { (label) }
                    }
                }
                @for (top, part) in &rows { (row(chart, part, *top)) }
                @if simulated {
                    text class="told" x=(MARGIN) y=(end + 34.0) { "▲ " (SIMULATED) }
                }
            }
            figcaption {
                @if simulated { span class="tag" { "▲ " (SIMULATED) } " " }
                @for (dot, name) in &chart.legend { span { (key(*dot)) " " (name) } " " }
                @if let Some(all) = chart.cut_from {
                    "The first " (chart.rows.len()) " of " (all) " rows are drawn."
                }
            }
        }
    }
}

fn row(chart: &Chart, row: &Row, top: f64) -> Markup {
    let label = visible(&row.label);
    let (name, more) = narrow(&label);
    let dots = top + 32.0;
    html! {
        text x=(MARGIN) y=(top + 15.0) { (name) @if more { "…" } }
        text class="value" x=(WIDTH - MARGIN) y=(top + 15.0) text-anchor="end" { (row.value) }
        @for part in &row.points { (point(chart, part, dots)) }
    }
}

/// As much of a name as [`NAME`] columns hold, where Chinese characters take two, and whether there is more.
fn narrow(label: &str) -> (&str, bool) {
    let mut columns = 0;
    for (at, c) in label.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > NAME {
            return (label.get(..at).unwrap_or_default(), true);
        }
    }
    (label, false)
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
