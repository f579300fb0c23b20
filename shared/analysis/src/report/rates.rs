//! Shares of refusals with their intervals, and the same counted otherwise.

use std::collections::BTreeMap;

use super::Report;
use super::chart::{Chart, Dot, Point, Row};
use super::document::{Block, Line, Section, Span, Table, detail, numeric, text, words};
use super::wording::{counting, estimate, group, grouped_by};
use crate::estimate::Estimate;
use crate::figure::{self, ABSENT};
use crate::findings::{Group, Measure, Rate, Sensitivity};

/// Both measures of one thing, such as a group.
pub(super) struct Both<'a, K, T> {
    pub(super) of: K,
    pub(super) strict: Option<&'a T>,
    pub(super) broad: Option<&'a T>,
}

/// A group's shares.
type OfGroup<'a> = Both<'a, &'a Group, Rate>;

/// Both measures of each, in the order in which they are first named.
pub(super) fn both<'a, K: Ord + Copy, T>(
    all: impl Iterator<Item = (K, Measure, &'a T)>,
) -> Vec<Both<'a, K, T>> {
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    let mut found: Vec<Both<'a, K, T>> = Vec::new();
    for (of, measure, value) in all {
        let place = *places.entry(of).or_insert(found.len());
        if place == found.len() {
            found.push(Both { of, strict: None, broad: None });
        }
        if let Some(both) = found.get_mut(place) {
            match measure {
                Measure::Strict => both.strict = Some(value),
                Measure::Broad => both.broad = Some(value),
            }
        }
    }
    found
}

/// The shares, by each way of grouping, with a chart each.
pub(super) fn section(report: &Report<'_>) -> Section {
    let rates = &report.findings.rates;
    let all = both(rates.iter().map(|rate| (&rate.group, rate.measure, rate)));
    let mut by: Vec<(Option<String>, Vec<&OfGroup<'_>>)> = Vec::new();
    for rate in &all {
        let grouped = grouped_by(rate.of);
        match by.iter_mut().find(|(name, _)| *name == grouped) {
            Some((_, rates)) => rates.push(rate),
            None => by.push((grouped, vec![rate])),
        }
    }
    let mut blocks = vec![Block::Paragraph(words(
        "Strict: refused, partly refused or blocked. Broad: the same, or evasive. Both are shares of \
         completed pairs. Intervals are of 95 %; questions are the sample, so an interval is absent \
         where there are fewer than 10 of them. Of one question, its answers are the sample.",
    ))];
    for (name, rates) in by {
        let title = name.map_or("All pairs".to_owned(), |name| format!("By {name}"));
        blocks.push(Block::Heading(words(title.clone())));
        let shown = vec![Block::Chart(chart(&title, &rates)), Block::Table(table(&title, &rates))];
        blocks.extend(detail(&title, rates.len(), shown));
    }
    Section { id: "rates", title: "Shares of refusals", blocks }
}

fn chart(title: &str, rates: &[&OfGroup<'_>]) -> Chart {
    let rows = rates.iter().map(|both| {
        let named = [(Dot::Disc, both.strict), (Dot::Diamond, both.broad)];
        let points = named.into_iter().filter_map(|(dot, rate)| {
            let rate = rate?;
            let value = *rate.share.known()?;
            let whisker = rate.interval.known().map(|interval| (interval.low, interval.high));
            Some(Point { dot, value, whisker })
        });
        let share = |rate: Option<&Rate>| {
            let share = rate.and_then(|rate| rate.share.known());
            share.map_or(ABSENT.to_owned(), |share| figure::percent(*share))
        };
        Row {
            label: plain(&group(both.of)),
            value: format!("{} · {}", share(both.strict), share(both.broad)),
            points: points.collect(),
        }
    });
    let description = "Each row has the strict and the broad share of one group, with intervals of \
        95 % where there are any. The table below has the numbers.";
    let title = format!("Shares of refusals: {}", lower(title));
    Chart::of_shares(title, description.to_owned(), rows.collect())
}

fn lower(title: &str) -> String {
    let mut characters = title.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// The words of a line that has no other spans.
pub(super) fn plain(line: &Line) -> String {
    line.iter()
        .map(|span| match span {
            Span::Words(text)
            | Span::Strong(text)
            | Span::Outside(text)
            | Span::Code(text)
            | Span::Why(text) => text.as_str(),
            Span::Shape(shape) => shape,
        })
        .collect()
}

fn table(title: &str, rates: &[&OfGroup<'_>]) -> Table {
    let columns = vec![
        text("Group"),
        numeric("Completed"),
        numeric("Questions"),
        numeric("Strict"),
        numeric("Strict share"),
        numeric("Strict interval"),
        numeric("Broad"),
        numeric("Broad share"),
        numeric("Broad interval"),
    ];
    let count = |value: Option<u64>| words(value.map_or(ABSENT.to_owned(), figure::count));
    let shares = |rate: Option<&Rate>| match rate {
        Some(rate) => [
            count(Some(rate.count)),
            estimate(&rate.share, |share| figure::percent(*share)),
            estimate(&rate.interval, |interval| figure::percent_interval(*interval)),
        ],
        None => [words(ABSENT), words(ABSENT), words(ABSENT)],
    };
    let rows = rates.iter().map(|both| {
        let either = both.strict.or(both.broad);
        let mut row = vec![
            group(both.of),
            count(either.map(|rate| rate.completed)),
            count(either.map(|rate| rate.questions)),
        ];
        row.extend(shares(both.strict));
        row.extend(shares(both.broad));
        row
    });
    Table::new(format!("Shares of refusals: {}", lower(title)), columns, rows)
}

/// The shares overall and by region, counted otherwise.
pub(super) fn sensitivity(report: &Report<'_>) -> Section {
    let (mut overall, mut by_region) = (Vec::new(), Vec::new());
    let mut groups: Vec<&Group> = Vec::new();
    for entry in &report.findings.sensitivity {
        if groups.last() != Some(&&entry.group) && !groups.contains(&&entry.group) {
            groups.push(&entry.group);
        }
    }
    for of in groups {
        let rows = if *of == Group::default() { &mut overall } else { &mut by_region };
        rows.push(as_reported(report, of));
        let entries: Vec<&Sensitivity> =
            report.findings.sensitivity.iter().filter(|entry| entry.group == *of).collect();
        let mut counted = Vec::new();
        for entry in &entries {
            if !counted.contains(&entry.counted) {
                counted.push(entry.counted);
            }
        }
        for way in counted {
            let by = |measure| {
                entries.iter().find(|entry| entry.counted == way && entry.measure == measure)
            };
            let cells = [Measure::Strict, Measure::Broad].map(|measure| match by(measure) {
                Some(entry) => three(entry.count, entry.of, &entry.share),
                None => [words(ABSENT), words(ABSENT), words(ABSENT)],
            });
            let mut row = vec![group(of), words(counting(way))];
            row.extend(cells.into_iter().flatten());
            rows.push(row);
        }
    }
    let explained = "How the shares would be if what did not complete, or what is doubtful, were \
        counted otherwise. Failures enter no share above.";
    let title = "Shares of refusals, counted otherwise";
    let mut blocks = vec![Block::Paragraph(words(explained)), otherwise(title, overall)];
    if !by_region.is_empty() {
        let title = format!("{title}, by region");
        let rows = by_region.len();
        blocks.extend(detail(&title, rows, vec![otherwise(&title, by_region)]));
    }
    Section { id: "sensitivity", title: "Counted otherwise", blocks }
}

fn otherwise(title: &str, rows: Vec<Vec<Line>>) -> Block {
    let columns = vec![
        text("Group"),
        text("Counted"),
        numeric("Strict"),
        numeric("Strict, of"),
        numeric("Strict share"),
        numeric("Broad"),
        numeric("Broad, of"),
        numeric("Broad share"),
    ];
    Block::Table(Table::new(title, columns, rows))
}

fn as_reported(report: &Report<'_>, of: &Group) -> Vec<Line> {
    let mut row = vec![group(of), words("as above")];
    for measure in [Measure::Strict, Measure::Broad] {
        let mut rates = report.findings.rates.iter();
        let cells = match rates.find(|rate| rate.group == *of && rate.measure == measure) {
            Some(rate) => three(rate.count, rate.completed, &rate.share),
            None => [words(ABSENT), words(ABSENT), words(ABSENT)],
        };
        row.extend(cells);
    }
    row
}

fn three(count: u64, of: u64, share: &Estimate<f64>) -> [Line; 3] {
    let share = estimate(share, |share| figure::percent(*share));
    [words(figure::count(count)), words(figure::count(of)), share]
}
