//! Differences between groups, what noise explains of them, and what could have been found.

use super::Report;
use super::chart::{Chart, Dot, Point, Row};
use super::document::{
    Block, Column, Line, Section, Span, Table, detail, numeric, outside, text, words,
};
use super::rates::{both, plain};
use super::wording::{absent, confound, dimension, estimate, group, measure, method, sides};
use crate::estimate::Estimate;
use crate::figure::{self, ABSENT};
use crate::findings::{Comparison, Confound, Group, Test};

/// Two sides at a time, then three and more.
pub(super) fn section(report: &Report<'_>) -> Section {
    let findings = report.findings;
    let mut blocks = vec![Block::Paragraph(words(
        "A difference is the share of the second side minus that of the first, in percentage points, \
         over pairs that completed on both sides. p is two-sided and as it is; beside it stand p by \
         Holm and by Benjamini and Hochberg (BH) among all tests of the same kind: along the same \
         dimension, with the same measure, within the same kind of group. A small p says that chance \
         alone seldom makes such a difference, and not why there is one.",
    ))];
    if findings.comparisons.is_empty() {
        blocks.push(Block::Paragraph(words("There are no two sides to compare in this job.")));
    } else {
        let (overall, within): (Vec<_>, Vec<_>) =
            findings.comparisons.iter().partition(|one| one.within == Group::default());
        if !overall.is_empty() {
            let title = "Differences in percentage points";
            blocks.push(Block::Chart(chart(title, &overall)));
            let table = Block::Table(comparisons(title, &overall));
            blocks.extend(detail(&format!("{title}, in numbers"), overall.len(), vec![table]));
        }
        if !within.is_empty() {
            let title = "Differences within a model, region or variant, in percentage points";
            let drawn = Block::Chart(chart(title, &within));
            let table = Block::Table(comparisons(title, &within));
            blocks.extend(detail(title, within.len(), vec![drawn, table]));
        }
    }
    if !findings.omnibus.is_empty() {
        blocks.push(Block::Heading(words("Three and more at once")));
        let title = "Whether three and more differ at all";
        let (rows, table) = (findings.omnibus.len(), Block::Table(omnibus(report, title)));
        blocks.extend(detail(title, rows, vec![table]));
    }
    Section { id: "comparisons", title: "Comparisons", blocks }
}

/// A row a pair of sides, with both measures.
fn chart(title: &str, comparisons: &[&Comparison]) -> Chart {
    let sides = both(
        comparisons
            .iter()
            .map(|one| ((one.dimension, &one.a, &one.b, &one.within), one.measure, *one)),
    );
    let description = "Each row is the difference of two shares in percentage points, strict and broad, \
        with intervals of 95 % where there are any. The table below has the numbers.";
    Chart::of_points(
        title.to_owned(),
        description.to_owned(),
        sides.into_iter().map(|both| row(both.strict, both.broad)).collect(),
    )
}

fn row(strict: Option<&Comparison>, broad: Option<&Comparison>) -> Row {
    let label = strict.or(broad).map_or_else(String::new, |one| {
        let within = if one.within == Group::default() {
            String::new()
        } else {
            format!(", {}", plain(&group(&one.within)))
        };
        format!("{}{within}", sides(one))
    });
    let points =
        [(Dot::Disc, strict), (Dot::Diamond, broad)].into_iter().filter_map(|(dot, one)| {
            let value = *one?.difference.known()?;
            let whisker = one?.interval.known().map(|interval| (interval.low, interval.high));
            Some(Point { dot, value, whisker })
        });
    let told = |one: Option<&Comparison>| {
        let points = one.and_then(|one| one.difference.known());
        points.map_or(ABSENT.to_owned(), |points| figure::points(*points))
    };
    let value = format!("{} · {}", told(strict), told(broad));
    Row { label, value, points: points.collect() }
}

fn tested() -> [Column; 4] {
    [numeric("p"), numeric("p, Holm"), numeric("p, BH"), text("Test")]
}

fn test(test: &Estimate<Test>) -> [Line; 4] {
    let p = |of: fn(&Test) -> f64| estimate(test, |test| figure::probability(of(test)));
    // The reason of an absent test stands once.
    let short = |of: fn(&Test) -> f64| {
        words(test.known().map_or(ABSENT.to_owned(), |test| figure::probability(of(test))))
    };
    let how = words(test.known().map_or(ABSENT.to_owned(), how));
    [p(|test| test.p), short(|test| test.p_holm), short(|test| test.p_bh), how]
}

/// A test in words, with its statistic and its permutations where it has any.
fn how(test: &Test) -> String {
    let mut how = method(test.method).to_owned();
    if let Some(statistic) = test.statistic {
        how.push_str(", statistic ");
        how.push_str(&figure::statistic(statistic));
    }
    if let Some(draws) = test.draws {
        how.push_str(", ");
        how.push_str(&figure::count(draws));
        how.push_str(" permutations");
    }
    how
}

fn comparisons(title: &str, comparisons: &[&Comparison]) -> Table {
    let mut columns = vec![
        text("Sides"),
        text("Along"),
        text("Within"),
        text("Measure"),
        numeric("Questions"),
        numeric("Pairs"),
        numeric("Refusals, first"),
        numeric("Refusals, second"),
        numeric("Difference"),
        numeric("Interval"),
    ];
    columns.extend(tested());
    let rows = comparisons.iter().map(|comparison| {
        let mut row = vec![
            outside(sides(comparison)),
            words(dimension(comparison.dimension)),
            group(&comparison.within),
            words(measure(comparison.measure)),
            words(figure::count(comparison.questions)),
            words(figure::count(comparison.pairs)),
            words(figure::count(comparison.count_a)),
            words(figure::count(comparison.count_b)),
            estimate(&comparison.difference, |points| figure::points(*points)),
            estimate(&comparison.interval, |interval| figure::points_interval(*interval)),
        ];
        row.extend(test(&comparison.test));
        row
    });
    Table::new(format!("{title}, with intervals of 95 %"), columns, rows)
}

fn omnibus(report: &Report<'_>, title: &str) -> Table {
    let mut columns = vec![
        text("Along"),
        text("Within"),
        text("Measure"),
        numeric("Levels"),
        numeric("Questions"),
    ];
    columns.extend(tested());
    let rows = report.findings.omnibus.iter().map(|omnibus| {
        let mut row = vec![
            words(dimension(omnibus.dimension)),
            group(&omnibus.within),
            words(measure(omnibus.measure)),
            words(figure::count(omnibus.levels)),
            words(figure::count(omnibus.questions)),
        ];
        row.extend(test(&omnibus.test));
        row
    });
    Table::new(title, columns, rows)
}

/// Disagreement by chance beside disagreement between regions.
pub(super) fn noise(report: &Report<'_>) -> Section {
    let noise = &report.findings.noise;
    let interval = match &noise.excess {
        Estimate::Known(excess) => {
            estimate(&excess.interval, |interval| figure::points_interval(*interval))
        }
        Estimate::Absent(reason) => absent(*reason),
    };
    let percent = |share: &Estimate<f64>| estimate(share, |share| figure::percent(*share));
    let [p, _, _, how] = test(&noise.test);
    let rows = vec![
        vec![words("Between samples of one cell: the noise floor"), percent(&noise.within)],
        vec![words("Between regions"), percent(&noise.between)],
        vec![
            words("Beyond the noise floor, percentage points"),
            estimate(&noise.excess, |excess| figure::points(excess.points)),
        ],
        vec![words("Interval of that"), interval],
        vec![words("p"), p],
        vec![words("Test"), how],
    ];
    let table = Table::new(
        "Pairs of answers whose categories differ",
        vec![text("What"), text("Value")],
        rows,
    );
    let explained = if noise.within.known().is_some() {
        "Two answers to the same question by the same model, asked twice in one region, differ as often \
         as the first row says. Only what regions differ by beyond that is more than noise."
    } else {
        "How often answers differ by themselves is not known here. A difference between regions cannot \
         be told from noise."
    };
    let blocks = vec![Block::Paragraph(words(explained)), Block::Table(table)];
    Section { id: "noise", title: "Noise floor", blocks }
}

/// Whether regions can be told from their prompts.
pub(super) fn prompts(report: &Report<'_>) -> Section {
    let confounded = &report.findings.confound;
    let sentence = words(confound(confounded));
    let block = match confounded {
        Confound::NotSeparable => Block::Notice(sentence),
        Confound::OneRegion | Confound::None | Confound::Separable { .. } => {
            Block::Paragraph(sentence)
        }
    };
    Section { id: "prompts", title: "Region or prompt", blocks: vec![block] }
}

/// The smallest differences that could have been found.
pub(super) fn power(report: &Report<'_>) -> Section {
    let rows = report.findings.power.iter().map(|power| {
        vec![
            words(dimension(power.dimension)),
            words(measure(power.measure)),
            words(figure::count(power.questions)),
            estimate(&power.smallest_difference, |points| figure::size(*points)),
        ]
    });
    let columns =
        vec![text("Between"), text("Measure"), numeric("Questions"), numeric("Percentage points")];
    let table = Table::new(
        "Smallest difference that would have been found with a probability of 80 %, at 5 % ÷ comparisons",
        columns,
        rows,
    );
    let explained = "A smaller difference than this may exist and not be seen. That nothing was found \
        does not mean that nothing is there.";
    let blocks = vec![Block::Paragraph(words(explained)), Block::Table(table)];
    Section { id: "power", title: "What could have been found", blocks }
}

/// How providers did on the control questions.
pub(super) fn controls(report: &Report<'_>) -> Section {
    let block = match &report.findings.controls {
        Estimate::Absent(reason) => Block::Paragraph(words(format!(
            "No provider was checked: {reason}. A question with expect in the specification is one."
        ))),
        Estimate::Known(results) => {
            let rows = results.iter().map(|result| {
                let (shape, word) = if result.missed > 0 {
                    ("▲", " missed some")
                } else {
                    ("✓", " all as expected")
                };
                vec![
                    match &result.provider_id {
                        Some(id) => vec![Span::Code(id.to_string())],
                        None => words(format!("{ABSENT} (not told)")),
                    },
                    vec![Span::Code(result.model_id.to_string())],
                    words(result.region.to_string()),
                    words(figure::count(result.passed)),
                    words(figure::count(result.missed)),
                    vec![Span::Shape(shape), Span::Words(word.to_owned())],
                ]
            });
            let columns = vec![
                text("Provider"),
                text("Model"),
                text("Region"),
                numeric("As expected"),
                numeric("Missed"),
                text("Result"),
            ];
            Block::Table(Table::new("Answers to control questions", columns, rows))
        }
    };
    Section { id: "controls", title: "Control questions", blocks: vec![block] }
}
