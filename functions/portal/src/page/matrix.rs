//! Model × question × region: what became of every cell, those questions first in which regions differ.

mod filter;
mod rows;

use beacon_analysis::aggregate::Category;
use beacon_aws::at_length;
use beacon_core::JobId;
use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::view::JobView;
use maud::{Markup, html};

use self::filter::{Filter, Order};
use self::rows::Row;
pub(super) use self::rows::said;
use super::heading::{self, Tab};
use super::pager;
use super::status::{Told, of_category, of_execution, of_outcome};
use super::words::{count, counted, outside, start_of};
use crate::Portal;
use crate::address::Address;
use crate::analysis::Analysed;
use crate::answer::{Answer, Page, PageError};
use crate::read::Seen;
use crate::visit::Visit;

/// Cells on a page, unless one question has more.
const CELLS: usize = 1200;
/// Executions whose rows are read for a page, where there is no analysis.
const PAIRS: usize = 300;
/// Questions on a page, at most.
const QUESTIONS: usize = 40;
/// Columns above which a cell shows its shape alone, so that more of them are in sight.
const WIDE: usize = 12;
/// Characters of a question's text.
const START: usize = 90;

impl Portal {
    pub(crate) async fn matrix(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let seen = self.seen(id).await?;
        let job = seen.view(visit.now);
        let analysed = if job.status.is_final() { self.analysis(&seen).await? } else { None };
        let mut filter = Filter::read(&visit.parameters, &seen, analysed.as_deref());
        let chosen = at_length(|| filter.questions(&seen, analysed.as_deref()));
        let columns = (filter.models.len() * filter.shown.len()).max(1);
        let per_page = if analysed.is_some() {
            (CELLS / columns).clamp(1, QUESTIONS)
        } else {
            // Rows are read, and of all models and samples.
            let pairs = seen.spec.pairs_of_question().max(1);
            filter.show(PAIRS / pairs);
            (PAIRS / (pairs * filter.shown.len()).max(1)).clamp(1, QUESTIONS)
        };
        let pages = u32::try_from(chosen.len().div_ceil(per_page)).unwrap_or(u32::MAX).max(1);
        let page = pager::asked(&visit.parameters).min(pages);
        let first = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(per_page);
        let shown = chosen.iter().skip(first).take(per_page).copied().collect::<Vec<_>>();
        let rows = match &analysed {
            Some(analysed) => rows::of_analysis(
                self.cells_of(analysed, &shown).await?,
                &seen,
                analysed,
                &shown,
                &filter,
            ),
            None => rows::of_rows(self, &seen, &shown, &filter).await?,
        };
        let address = Address::Matrix(id.clone());
        let body = html! {
            (heading::of(visit, &job, Tab::Matrix))
            (state(visit, &job, &seen, analysed.as_deref()))
            (filter.form(&address, &seen, analysed.as_deref()))
            (told(&filter, (chosen.len(), seen.spec.questions.len()), rows.len(), analysed.as_deref()))
            @if rows.is_empty() {
                section class="empty" {
                    h2 { "No question is like that" }
                    p { a class="button" href={ (address) "?order=divergent" } { "Show all questions" } }
                }
            } @else {
                (map(&seen, &filter, &rows))
                (pager::of(&address, &visit.parameters, page, pages, "Pages of questions"))
                (legend(analysed.is_some()))
            }
        };
        let title = format!("Matrix of {}", job.name);
        Ok(Answer::Page(Page::new(title, body).simulated(job.simulated)))
    }
}

/// What the map is made of, where that is not the analysis.
fn state(visit: &Visit, job: &JobView, seen: &Seen, analysed: Option<&Analysed>) -> Markup {
    html! {
        @if analysed.is_none() {
            p class="notice" {
                @if !job.status.is_final() {
                    "The job has not ended: cells show statuses. Verdicts, and where regions differ, come when it has."
                } @else if seen.job.analysis.due.is_some() {
                    "The answers are being analysed: cells show statuses until that is done. Load the page anew in a moment."
                } @else {
                    "The answers of this run were not analysed: cells show statuses. "
                    @if visit.may_change() {
                        a href=(Address::Findings(job.job_id.clone())) { "Have them analysed" }
                    }
                }
            }
        } @else if seen.job.analysis.due.is_some() {
            p class="notice" { "A label or other rules came since, and newer verdicts follow. Load the page anew in a moment." }
        }
    }
}

/// How many questions these are, and in which order.
fn told(
    filter: &Filter,
    (chosen, all): (usize, usize),
    shown: usize,
    analysed: Option<&Analysed>,
) -> Markup {
    let order = match filter.order {
        Order::Asked => "in the order in which they were asked",
        Order::Divergent => "the most divergent first",
        Order::Beyond => "only those where regions differ beyond noise, the most divergent first",
    };
    let of_all = if filter.is_of_some() && analysed.is_some() {
        " How far they differ, and so their order, is of all models and regions of the job."
    } else {
        ""
    };
    html! {
        p class="hint" role="status" {
            (counted(chosen as u64, "question")) " of " (count(all as u64)) ", " (order) "; " (count(shown as u64)) " on this page."
            (of_all)
            @if filter.left_out() > 0 {
                " Of " (counted(filter.left_out() as u64, "more region")) " nothing is shown here: choose those that you want to see."
            }
            @if analysed.is_some_and(|all| !all.has_all()) {
                " The job is too large to be filtered by verdict here; its export can be."
            }
        }
    }
}

fn map(seen: &Seen, filter: &Filter, rows: &[Row]) -> Markup {
    let regions: Vec<_> = filter
        .shown
        .iter()
        .filter_map(|at| seen.spec.regions.get(*at))
        .map(|prompts| &prompts.region)
        .collect();
    let models: Vec<_> = filter.models.iter().filter_map(|at| seen.spec.models.get(*at)).collect();
    let is_wide = models.len() * regions.len() > WIDE;
    html! {
        div class="scroll matrix" role="region" tabindex="0" aria-label="Model, question and region" {
            table class=(if is_wide { "map wide" } else { "map" }) {
                caption class="unseen" { "What became of each cell" }
                thead {
                    tr {
                        th scope="col" rowspan="2" { "Question" }
                        @for model in &models {
                            th scope="colgroup" colspan=(regions.len()) { (outside(model.as_str())) }
                        }
                    }
                    tr { @for _ in &models { @for region in &regions { th scope="col" class="region" { (region) } } } }
                }
                tbody { @for row in rows { (self::row(seen, row, is_wide)) } }
            }
        }
    }
}

fn row(seen: &Seen, row: &Row, is_wide: bool) -> Markup {
    let Some(entry) = seen.spec.question(row.question) else { return html! {} };
    let address = Address::Question(seen.job.id.clone(), row.question);
    html! {
        tr {
            th scope="row" {
                a href=(address) { (outside(entry.id.as_str())) }
                @if entry.variant.as_str() != "base" { " · " (outside(entry.variant.as_str())) }
                @if let Some(said) = &row.said { " " span class={ "beyond " (said.class) } { (said.text) } }
                span class="text" { (start_of(&entry.text, START)) }
                span class="text" {
                    @for (at, (told, number)) in row.told().iter().enumerate() {
                        @if at > 0 { " · " } span class="shape" aria-hidden="true" { (told.shape) } " " (number) " " (told.word)
                    }
                }
            }
            @for cell in &row.cells {
                td class=(cell.class) {
                    a href=(cell.link) aria-label=(cell.label) title=[is_wide.then_some(&cell.label)] {
                        @for (told, number) in &cell.told {
                            span class="shape" aria-hidden="true" { (told.shape) }
                            @if cell.told.len() > 1 { (number) } @else if !is_wide { " " (told.word) }
                            " "
                        }
                    }
                }
            }
        }
    }
}

fn legend(is_analysed: bool) -> Markup {
    let statuses = [
        ExecutionStatus::Completed,
        ExecutionStatus::Failed,
        ExecutionStatus::TimedOut,
        ExecutionStatus::Cancelled,
        ExecutionStatus::Running,
        ExecutionStatus::Pending,
    ];
    let outcomes = [Outcome::Empty, Outcome::Blocked, Outcome::Truncated];
    let all: Vec<Told> = if is_analysed {
        Category::ALL.map(of_category).to_vec()
    } else {
        statuses.map(of_execution).into_iter().chain(outcomes.map(of_outcome)).collect()
    };
    html! {
        section aria-labelledby="legend" class="legend-section" {
            h2 id="legend" { "What the cells say" }
            ul class="legend" {
                @for told in all {
                    li { span class={ "key " (told.class) } { span class="shape" aria-hidden="true" { (told.shape) } } " " (told.word) }
                }
            }
            p class="hint" {
                "A cell is one model in one region. Where its samples differ, it says how many of each. How often verdicts differ is the share of comparisons of a model's answers in two regions in which what became of them differs."
            }
        }
    }
}
