//! The rows of a matrix: of each question what became of its cells, and how far regions differ in it.

use std::collections::BTreeMap;
use std::iter::repeat_n;

use beacon_analysis::aggregate::{Category, Cell};
use beacon_analysis::estimate::{Estimate, Reason};
use beacon_analysis::figure::percent;
use beacon_analysis::findings::{Beyond, QuestionFinding, beyond_noise};
use beacon_core::{QuestionIndex, Sample};

use super::super::question::of_cell;
use super::super::status::{Told, grouped, of_category, of_pair};
use super::filter::Filter;
use crate::Portal;
use crate::analysis::Analysed;
use crate::answer::PageError;
use crate::read::Seen;

/// One question.
pub(super) struct Row {
    pub(super) question: QuestionIndex,
    pub(super) said: Option<Said>,
    pub(super) cells: Vec<Shown>,
}

impl Row {
    /// What became of all its executions that are shown, the most frequent first.
    pub(super) fn told(&self) -> Vec<(Told, usize)> {
        let of_cells = self.cells.iter().flat_map(|cell| &cell.told);
        grouped(of_cells.flat_map(|(told, number)| repeat_n(*told, *number)))
    }
}

/// How far regions differ.
pub(in super::super) struct Said {
    pub(in super::super) class: &'static str,
    pub(in super::super) text: String,
}

impl Said {
    /// The same beside cells of some models and regions alone.
    fn of_all(self) -> Self {
        Self { text: format!("{} · all models and regions", self.text), ..self }
    }
}

/// One model in one region.
pub(super) struct Shown {
    pub(super) class: &'static str,
    pub(super) link: String,
    /// In words.
    pub(super) label: String,
    /// What became of its samples, and of how many.
    pub(super) told: Vec<(Told, usize)>,
}

/// Of a job that was analysed.
pub(super) fn of_analysis(
    cells: Vec<Vec<Cell>>,
    seen: &Seen,
    analysed: &Analysed,
    questions: &[QuestionIndex],
    filter: &Filter,
) -> Vec<Row> {
    let found: BTreeMap<QuestionIndex, &QuestionFinding> =
        analysed.findings.questions.iter().map(|one| (one.question, one)).collect();
    let regions = seen.spec.regions.len();
    let rows = questions.iter().zip(cells).map(|(question, cells)| {
        let shown = each(filter).map(|(model, region)| {
            let categories = cells.get(model * regions + region).map(Cell::categories);
            let told = categories.into_iter().flatten().map(of_category);
            shown(seen, *question, model, region, told)
        });
        let cells = shown.flatten().collect();
        Row {
            question: *question,
            said: found.get(question).map(|finding| {
                let said = said(finding, &analysed.findings.questions);
                if filter.is_of_some() { said.of_all() } else { said }
            }),
            cells,
        }
    });
    rows.collect()
}

/// Of a job that was not analysed: statuses.
pub(super) async fn of_rows(
    portal: &Portal,
    seen: &Seen,
    questions: &[QuestionIndex],
    filter: &Filter,
) -> Result<Vec<Row>, PageError> {
    let mut rows = Vec::new();
    // Questions that stand beside each other in the list are read at once.
    for group in questions.chunk_by(|one, next| one.0.checked_add(1) == Some(next.0)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let pairs = portal.pairs(seen, first.0..last.0.saturating_add(1), &filter.shown).await?;
        for question in group {
            let cells = each(filter).filter_map(|(model, region)| {
                let name = seen.spec.models.get(model)?;
                let samples = (0..seen.spec.samples).map(Sample);
                let told = samples.filter_map(|sample| {
                    let pair = pairs.get(&(region, *question, name.clone(), sample))?;
                    Some(of_pair(pair.status, pair.outcome))
                });
                shown(seen, *question, model, region, told)
            });
            rows.push(Row { question: *question, said: None, cells: cells.collect() });
        }
    }
    Ok(rows)
}

fn each(filter: &Filter) -> impl Iterator<Item = (usize, usize)> {
    filter.models.iter().flat_map(|model| filter.shown.iter().map(|region| (*model, *region)))
}

fn shown(
    seen: &Seen,
    question: QuestionIndex,
    model: usize,
    region: usize,
    samples: impl Iterator<Item = Told>,
) -> Option<Shown> {
    let (model, region) = (seen.spec.models.get(model)?, &seen.spec.regions.get(region)?.region);
    let told = grouped(samples);
    let class = match told.as_slice() {
        [(only, _)] => only.class,
        [] => of_category(Category::Open).class,
        [_, _, ..] => "c-mixed",
    };
    let words: Vec<String> =
        told.iter()
            .map(|(one, number)| {
                if told.len() > 1 { format!("{number} {}", one.word) } else { one.word.to_owned() }
            })
            .collect();
    let label = format!("{model}, {region}: {}", words.join(", "));
    let link = of_cell(seen, question, model, region, told.len());
    Some(Shown { class, link, label, told })
}

/// Whether regions differ by more than noise, in what, and how often.
pub(in super::super) fn said(finding: &QuestionFinding, all: &[QuestionFinding]) -> Said {
    let share = match finding.disagreement {
        Estimate::Known(share) => format!("verdicts differ in {}", percent(share)),
        Estimate::Absent(reason) => format!("difference not known: {reason}"),
    };
    match finding.beyond {
        Beyond::Noise => {
            let what = match beyond_noise(finding, all) {
                (true, true) => "verdicts and texts differ",
                (false, true) => "texts differ",
                (true | false, false) => "verdicts differ",
            };
            Said { class: "is-beyond", text: format!("▲ {what} beyond noise · {share}") }
        }
        Beyond::NotNoise => Said { class: "is-within", text: format!("{share} · within noise") },
        Beyond::Unknown(Reason::OneSample) => {
            Said { class: "is-unknown", text: format!("{share} · noise unknown") }
        }
        Beyond::Unknown(reason) => {
            Said { class: "is-unknown", text: format!("{share} · noise unknown: {reason}") }
        }
    }
}
