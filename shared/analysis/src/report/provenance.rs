//! What a report was made from, and how to make it again.

use std::collections::BTreeSet;

use beacon_core::spec::{RegionPrompts, Spec};
use beacon_core::{ModelId, ProviderId};

use super::document::{
    Block, Line, Quote, Section, Span, Table, code, numeric, outside, text, words,
};
use super::visible::cut;
use super::{Report, Served};
use crate::figure::{self, ABSENT};

/// Characters of a system prompt that are shown.
const PROMPT_CHARACTERS: usize = 2_000;
/// Prompts that are shown.
const PROMPTS: usize = 50;
/// Of this software, which makes the report.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the report was made from.
pub(super) fn section(report: &Report<'_>) -> Section {
    let manifest = report.manifest;
    let sampling = &manifest.spec.sampling;
    let finished = manifest.job.finished_at.map_or(ABSENT.to_owned(), |at| at.to_string());
    let models: Vec<&str> = manifest.spec.models.iter().map(ModelId::as_str).collect();
    let regions = manifest.spec.regions.iter();
    let regions: Vec<String> =
        regions.map(|prompts| format!("{} ({})", prompts.region, prompts.asked)).collect();
    let given = |value: Option<String>| value.unwrap_or_else(|| "not sent".to_owned());
    let export =
        report.export_sha256.map(|sha256| vec![words("Export (JSONL), SHA-256"), code(sha256)]);
    let mut rows = vec![vec![words("Specification, SHA-256"), code(&manifest.spec_sha256.0)]];
    rows.extend(export);
    rows.extend([
        vec![words("Job’s file made by"), outside(format!("Beacon {}", manifest.software))],
        vec![words("Report made by"), words(format!("Beacon {VERSION}"))],
        vec![words("Form of the job’s file"), code(&manifest.format)],
        vec![words("Classifier’s rules"), code(&report.findings.rules.0)],
        vec![words("Method"), words(report.findings.method.to_string())],
        vec![words("Run"), words(manifest.job.run.to_string())],
        vec![words("Submitted"), words(manifest.job.created_at.to_string())],
        vec![words("Finished"), words(finished)],
        vec![words("Models"), outside(models.join(", "))],
        vec![words("Regions, as they were asked for"), outside(regions.join(", "))],
        vec![words("Temperature"), words(sampling.temperature.to_string())],
        vec![words("Most tokens"), words(figure::count(u64::from(sampling.max_tokens)))],
        vec![words("Seed"), words(given(sampling.seed.map(|seed| seed.to_string())))],
        vec![words("top_p"), words(given(sampling.top_p.map(|top_p| top_p.to_string())))],
        vec![words("Samples of a cell"), words(manifest.spec.samples.to_string())],
    ]);
    let columns = vec![text("What"), text("Value")];
    let mut blocks = vec![Block::Table(Table::new("Where the numbers come from", columns, rows))];
    if let Some(all) = report.served {
        blocks.push(Block::Heading(words("Who answered")));
        blocks.push(Block::Paragraph(words(
            "As all completed answers of the export say, shown or not.",
        )));
        blocks.push(Block::Table(served(all)));
        blocks.extend(others(all));
    }
    blocks.extend(left_out(report).map(Block::Paragraph));
    blocks.push(Block::Heading(words("System prompts, as they were sent")));
    // Only beside a report that is made of an export lies the job's file.
    let whole = report.export_sha256.map_or("the job’s specification", |_| "job.json");
    blocks.extend(prompts(&manifest.spec, whole));
    Section { id: "provenance", title: "Provenance", blocks }
}

/// What only one who reads all answers can tell, and where it is told.
fn left_out(report: &Report<'_>) -> Option<Line> {
    let what = match (report.served, report.export_sha256) {
        (Some(_), Some(_)) => return None,
        (None, Some(_)) => "Who answered is told",
        (Some(_), None) => "The SHA-256 of the export is told",
        (None, None) => "Who answered, and the SHA-256 of the export, are told",
    };
    Some(vec![
        Span::Words(format!("{what} by the report that ")),
        Span::Code("beacon report".to_owned()),
        Span::Words(" makes from all answers.".to_owned()),
    ])
}

/// Providers, models and regions that answered, beside those asked.
fn served(served: &Served) -> Table {
    let columns = vec![
        text("Model asked"),
        text("Region asked"),
        text("Provider"),
        text("Model served"),
        text("Region served"),
        numeric("Answers"),
    ];
    let rows = served.counts().map(|(server, count)| {
        let told = |text: Option<&str>| outside(text.unwrap_or(ABSENT));
        vec![
            outside(server.model_id.as_str()),
            outside(server.region.as_str()),
            told(server.provider_id.as_ref().map(ProviderId::as_str)),
            told(server.served_model.as_deref()),
            told(server.served_region.as_deref()),
            words(figure::count(count)),
        ]
    });
    Table::new("Who answered", columns, rows)
}

/// Answers of those of whom there are too many to keep.
fn others(served: &Served) -> Option<Block> {
    let others = served.others();
    (others > 0).then(|| {
        Block::Paragraph(words(format!(
            "{} answers came from others, of whom there are too many to count one by one; the export \
             names them.",
            figure::count(others)
        )))
    })
}

/// Each region's prompts, one under the other; what is left out stands in `whole`.
fn prompts(spec: &Spec, whole: &str) -> Vec<Block> {
    let all = spec.regions.iter().flat_map(|region| {
        region.system.iter().enumerate().map(move |(number, prompt)| (region, number, prompt))
    });
    let mut blocks = Vec::new();
    for (region, number, prompt) in all.clone().take(PROMPTS) {
        blocks.push(Block::Paragraph(name(spec, region, number)));
        match prompt {
            None => blocks.push(Block::Paragraph(words("No system message was sent."))),
            Some(prompt) => {
                let (shown, rest) = cut(prompt, PROMPT_CHARACTERS);
                blocks.push(Block::Quote(Quote { text: shown.to_owned(), language: None }));
                if rest > 0 {
                    let rest = figure::count(rest as u64);
                    let note = format!("{rest} more characters are in {whole}.");
                    blocks.push(Block::Paragraph(words(note)));
                }
            }
        }
    }
    let more = all.count().saturating_sub(PROMPTS);
    if more > 0 {
        let note = format!("{} more prompts are in {whole}.", figure::count(more as u64));
        blocks.push(Block::Paragraph(words(note)));
    }
    blocks
}

/// The region, and the variants that the prompt belongs to where there are several.
fn name(spec: &Spec, region: &RegionPrompts, number: usize) -> Line {
    let mut name = vec![Span::Strong(region.region.to_string())];
    if region.system.len() > 1 {
        let of = |question: &&beacon_core::spec::Question| usize::from(question.prompt) == number;
        let variants: BTreeSet<&str> =
            spec.questions.iter().filter(of).map(|question| question.variant.as_str()).collect();
        let (shown, more) = (variants.iter().take(10).copied(), variants.len().saturating_sub(10));
        let named: Vec<&str> = shown.collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        name.extend(words(format!(", variants {}{more}", named.join(", "))));
    }
    name
}

/// How to make the report again.
pub(super) fn again(report: &Report<'_>) -> Section {
    let (id, title) = ("again", "How to recompute");
    let job = &report.manifest.job.job_id;
    let make = Block::Commands(vec![format!("beacon report {job} --out DIR")]);
    let from = Block::Commands(vec!["beacon report --from DIR --out OTHER".to_owned()]);
    let Some(sha256) = report.export_sha256 else {
        let blocks = vec![
            Block::Paragraph(words(
                "The following writes the whole report into a directory, and with it two files, job.json and \
                 export.jsonl:",
            )),
            make,
            Block::Paragraph(words(
                "From these two alone the same version of Beacon makes the same bytes again:",
            )),
            from,
        ];
        return Section { id, title, blocks };
    };
    let blocks = vec![
        Block::Paragraph(words(
            "Beside this report lie job.json and export.jsonl. From the two alone the same version of \
             Beacon makes the same bytes again:",
        )),
        from,
        Block::Paragraph(words(
            "From where the job ran it is made by the following, and is the same as long as nobody has \
             labelled, retried or judged the job anew since:",
        )),
        make,
        Block::Paragraph(vec![
            Span::Words("The SHA-256 of export.jsonl is ".to_owned()),
            Span::Code(sha256.to_owned()),
            Span::Words(".".to_owned()),
        ]),
    ];
    Section { id, title, blocks }
}
