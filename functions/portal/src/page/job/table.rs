//! Question → model → region, as it fills in.

use std::collections::BTreeMap;
use std::ops::Range;

use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::lane::{Shown, shown};
use beacon_core::message::position_of;
use beacon_core::spec::Question;
use beacon_core::{ExecutionId, ModelId, QuestionIndex, Region, Sample};
use futures_util::future::try_join_all;
use maud::{Markup, html};

use super::super::question::of_cell;
use super::super::status::{Told, grouped, of_pair};
use super::super::words::{counted, outside, start_of};
use crate::Portal;
use crate::address::Address;
use crate::answer::PageError;
use crate::read::Seen;
use crate::window::Window;

/// Characters of a question's text.
const START: usize = 120;

/// One pair as its lane shows it.
#[derive(Debug, Clone)]
pub(in super::super) struct Pair {
    pub(in super::super) status: ExecutionStatus,
    pub(in super::super) outcome: Option<Outcome>,
    pub(super) failure: Option<beacon_core::failure::Failure>,
}

/// The pairs of a page, by region's index, question, model and sample.
pub(in super::super) type Pairs = BTreeMap<(usize, QuestionIndex, ModelId, Sample), Pair>;

impl Portal {
    /// The pairs of some questions in some regions, each an index into the specification's, from what their rows
    /// hold beside the answers.
    pub(in super::super) async fn pairs(
        &self,
        seen: &Seen,
        questions: Range<u32>,
        regions: &[usize],
    ) -> Result<Pairs, PageError> {
        let regions = regions.iter().filter_map(|at| Some((*at, seen.spec.regions.get(*at)?)));
        let read = regions.map(async |(at, prompts)| {
            let (from, until) = (QuestionIndex(questions.start), QuestionIndex(questions.end));
            let rows = if has_rows(seen, &prompts.region, questions.clone()) {
                self.query
                    .table
                    .statuses_between(&seen.job.id, &prompts.region, from, until)
                    .await?
            } else {
                Vec::new()
            };
            let mut rows: BTreeMap<_, _> = rows
                .into_iter()
                .map(|row| ((row.question, row.model.clone(), row.sample), row))
                .collect();
            let mut pairs = Vec::new();
            for question in questions.clone().map(QuestionIndex) {
                for id in seen.spec.pairs(&seen.job.id, question, &prompts.region) {
                    let row = rows.remove(&(question, id.model.clone(), id.sample));
                    let pair = pair(seen, &id, row);
                    pairs.push(((at, question, id.model, id.sample), pair));
                }
            }
            Ok::<_, PageError>(pairs)
        });
        Ok(try_join_all(read).await?.into_iter().flatten().collect())
    }
}

/// Whether a row can be there: of what the first run has not come to there is none.
fn has_rows(seen: &Seen, region: &Region, mut questions: Range<u32>) -> bool {
    if seen.job.run.0 > 1 {
        return true;
    }
    questions.any(|question| {
        let (k, position) = position_of(&seen.spec, QuestionIndex(question));
        let lane = seen.lanes.iter().find(|lane| lane.id.region == *region && lane.id.k == k);
        // A row is written before the cursor moves past its question.
        lane.is_some_and(|lane| position <= lane.cursor)
    })
}

fn pair(seen: &Seen, id: &ExecutionId, row: Option<beacon_aws::StoredStatus>) -> Pair {
    let (k, _position) = position_of(&seen.spec, id.question);
    let lane = seen.lanes.iter().find(|lane| lane.id.region == id.region && lane.id.k == k);
    let stored = row.as_ref().map(|row| (row.counted.run, row.counted.status));
    let (Some(lane), Some(question)) = (lane, seen.spec.question(id.question)) else {
        return Pair { status: ExecutionStatus::Pending, outcome: None, failure: None };
    };
    let shown = shown(lane, &seen.job.runs, id, &question.id, stored);
    let status = shown.status(stored.map(|(_, status)| status));
    let row = row.filter(|_| shown == Shown::AsStored);
    let outcome = row.as_ref().and_then(|row| row.counted.outcome);
    let failure = match &shown {
        Shown::AsStored => row.and_then(|row| row.failure),
        Shown::Ended(mark) => Some(mark.cause.failure(0, false)),
        Shown::Pending | Shown::Running => None,
    };
    Pair { status, outcome, failure }
}

/// The table of a page.
pub(super) fn table(seen: &Seen, window: &Window, pairs: &Pairs) -> Markup {
    let regions: Vec<(usize, &Region)> = seen
        .spec
        .regions
        .iter()
        .enumerate()
        .filter(|(at, _)| window.regions.contains(at))
        .map(|(at, prompts)| (at, &prompts.region))
        .collect();
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Executions by question, model and region" {
            table class="grid" {
                caption class="unseen" { "Where each execution of these questions is" }
                thead {
                    tr {
                        th scope="col" { "Question and model" }
                        @for (_, region) in &regions { th scope="col" { (region) } }
                    }
                }
                @for question in window.indices() {
                    @if let Some(entry) = seen.spec.question(question) {
                        (of_question(seen, question, entry, &regions, pairs))
                    }
                }
            }
        }
    }
}

fn of_question(
    seen: &Seen,
    index: QuestionIndex,
    entry: &Question,
    regions: &[(usize, &Region)],
    pairs: &Pairs,
) -> Markup {
    let of = pairs.iter().filter(|((_, question, ..), _)| *question == index);
    let (all, ended) = of.fold((0_u64, 0_u64), |(all, ended), (_, pair)| {
        (all + 1, ended + u64::from(has_ended(pair.status)))
    });
    let address = Address::Question(seen.job.id.clone(), index);
    let of_regions = match regions.len() {
        all if all == seen.spec.regions.len() => String::new(),
        some => format!(" in these {}", counted(some as u64, "region")),
    };
    html! {
        tbody id={ "q-" (index.0) } {
            tr class="question" {
                th scope="rowgroup" colspan=(regions.len() + 1) {
                    a href=(address) { (outside(entry.id.as_str())) }
                    @if entry.variant.as_str() != "base" { " · " (outside(entry.variant.as_str())) }
                    " " span class="text" { (start_of(&entry.text, START)) }
                    " " span class="hint" { (ended) " of " (all) " ended" (of_regions) }
                }
            }
            @for model in &seen.spec.models {
                tr {
                    th scope="row" { (outside(model.as_str())) }
                    @for (at, region) in regions { (cell(seen, index, model, (*at, region), pairs)) }
                }
            }
        }
    }
}

fn cell(
    seen: &Seen,
    question: QuestionIndex,
    model: &ModelId,
    (at, region): (usize, &Region),
    pairs: &Pairs,
) -> Markup {
    let samples: Vec<(Sample, &Pair)> = (0..seen.spec.samples)
        .map(Sample)
        .filter_map(|sample| Some((sample, pairs.get(&(at, question, model.clone(), sample))?)))
        .collect();
    html! {
        td {
            @if let [(_, pair)] = samples.as_slice() {
                (linked(&of_cell(seen, question, model, region, 1), pair))
            } @else {
                @let told = grouped(samples.iter().map(|(_, pair)| told(pair)));
                a class="several" href=(of_cell(seen, question, model, region, told.len())) {
                    @for (told, number) in told {
                        span class={ "badge " (told.class) } {
                            span class="shape" aria-hidden="true" { (told.shape) } " " (number) " " (told.word)
                        }
                        " "
                    }
                }
            }
        }
    }
}

fn linked(address: &str, pair: &Pair) -> Markup {
    let told = told(pair);
    html! {
        a href=(address) { (told.badge()) }
        @if let Some(failure) = &pair.failure { span class="code" { (failure.code) } }
    }
}

fn told(pair: &Pair) -> Told {
    of_pair(pair.status, pair.outcome)
}

fn has_ended(status: ExecutionStatus) -> bool {
    match status {
        ExecutionStatus::Completed
        | ExecutionStatus::Failed
        | ExecutionStatus::TimedOut
        | ExecutionStatus::Cancelled => true,
        ExecutionStatus::Pending | ExecutionStatus::Running => false,
    }
}
