//! Which questions, models and regions of a matrix are wanted, and in which order.

use beacon_analysis::aggregate::Category;
use beacon_analysis::findings::{Beyond, QuestionFinding};
use beacon_core::QuestionIndex;
use maud::{Markup, html};

use super::super::status::of_category;
use super::super::words::{count, outside};
use crate::address::Address;
use crate::analysis::Analysed;
use crate::input::Input;
use crate::read::Seen;

/// Categories that are offered to choose from; of more the name is to be typed.
const MOST_OFFERED: usize = 100;

/// The order of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As they stand in the specification.
    Asked,
    /// The most divergent first.
    Divergent,
    /// The same, of those alone in which regions differ beyond noise.
    Beyond,
}

impl Order {
    const ALL: [Self; 3] = [Self::Beyond, Self::Divergent, Self::Asked];

    fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Divergent => "divergent",
            Self::Beyond => "beyond",
        }
    }
}

/// What is wanted.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) order: Order,
    /// Indices into the specification's models, in its order.
    pub(super) models: Vec<usize>,
    /// Indices into its regions.
    regions: Vec<usize>,
    /// Those of them that are shown.
    pub(super) shown: Vec<usize>,
    verdict: Option<Category>,
    category: Option<String>,
    text: Option<String>,
    of_some: bool,
}

impl Filter {
    /// What is not of the job is as not given.
    pub(super) fn read(input: &Input, seen: &Seen, analysed: Option<&Analysed>) -> Self {
        let spec = &seen.spec;
        let named = |name: &str, there: Vec<&str>| -> Vec<usize> {
            let wanted: Vec<&str> = input.all(name).collect();
            let chosen = there.iter().enumerate().filter(|(_, one)| wanted.contains(one));
            let chosen: Vec<usize> = chosen.map(|(at, _)| at).collect();
            if chosen.is_empty() { (0..there.len()).collect() } else { chosen }
        };
        let regions = spec.regions.iter().map(|prompts| prompts.region.as_str()).collect();
        let asked = input.text("order");
        let order = Order::ALL.into_iter().find(|order| asked == Some(order.name()));
        let verdict = input.text("verdict");
        let letter = |category: &Category| verdict == Some(category.letter().to_string().as_str());
        let regions = named("region", regions);
        let models = named("model", spec.models.iter().map(beacon_core::ModelId::as_str).collect());
        Self {
            of_some: models.len() < spec.models.len() || regions.len() < spec.regions.len(),
            order: order.filter(|_| analysed.is_some()).unwrap_or_else(|| usual(analysed)),
            models,
            shown: regions.clone(),
            regions,
            verdict: Category::ALL
                .into_iter()
                .find(letter)
                .filter(|_| analysed.is_some_and(Analysed::has_all)),
            category: input.text("category").map(str::to_owned),
            text: input.text("text").map(str::to_lowercase),
        }
    }

    /// Shows no more than so many of the regions.
    pub(super) fn show(&mut self, regions: usize) {
        self.shown.truncate(regions.max(1));
    }

    /// Whether some models or regions are not wanted.
    pub(super) fn is_of_some(&self) -> bool {
        self.of_some
    }

    /// Regions that are wanted and not shown.
    pub(super) fn left_out(&self) -> usize {
        self.regions.len() - self.shown.len()
    }

    /// The questions that are wanted, in their order.
    pub(super) fn questions(&self, seen: &Seen, analysed: Option<&Analysed>) -> Vec<QuestionIndex> {
        let takes = |index: &QuestionIndex| self.takes(*index, seen, analysed);
        let found = analysed.map(|analysed| analysed.findings.questions.iter());
        match (self.order, found) {
            (Order::Divergent, Some(found)) => {
                found.map(|one| one.question).filter(takes).collect()
            }
            (Order::Beyond, Some(found)) => {
                found.filter(|one| is_beyond(one)).map(|one| one.question).filter(takes).collect()
            }
            (Order::Asked, _) | (_, None) => {
                (0..).map(QuestionIndex).take(seen.spec.questions.len()).filter(takes).collect()
            }
        }
    }

    fn takes(&self, index: QuestionIndex, seen: &Seen, analysed: Option<&Analysed>) -> bool {
        let Some(entry) = seen.spec.question(index) else { return false };
        let has = |text: &String| {
            [entry.id.as_str(), entry.variant.as_str(), &entry.text]
                .iter()
                .any(|one| one.to_lowercase().contains(text))
        };
        let in_category =
            self.category.as_ref().is_none_or(|wanted| entry.category.as_ref() == Some(wanted));
        in_category
            && self.text.as_ref().is_none_or(has)
            && self.has_wanted_verdict(index, seen, analysed)
    }

    /// Whether a cell that is shown has the verdict; of a job whose cells are not all at hand every question has.
    fn has_wanted_verdict(
        &self,
        index: QuestionIndex,
        seen: &Seen,
        analysed: Option<&Analysed>,
    ) -> bool {
        let Some(wanted) = self.verdict else { return true };
        let Some(cells) = analysed.and_then(|analysed| analysed.cells(index)) else { return true };
        let regions = seen.spec.regions.len();
        let mut shown = self
            .models
            .iter()
            .flat_map(|model| self.regions.iter().map(move |region| model * regions + region));
        shown.any(|at| {
            cells.get(at).is_some_and(|cell| cell.categories().any(|category| category == wanted))
        })
    }

    /// The form of it, as it is.
    pub(super) fn form(
        &self,
        address: &Address,
        seen: &Seen,
        analysed: Option<&Analysed>,
    ) -> Markup {
        let spec = &seen.spec;
        let mut categories: Vec<&str> =
            spec.questions.iter().filter_map(|one| one.category.as_deref()).collect();
        categories.sort_unstable();
        categories.dedup();
        html! {
            form class="filter" method="get" action=(address) role="search" aria-label="Filter the matrix" {
                @if let Some(analysed) = analysed { (self.orders(analysed)) }
                @if analysed.is_some_and(Analysed::has_all) {
                    label for="verdict" { "With a cell that is" }
                    select id="verdict" name="verdict" {
                        option value="" { "anything" }
                        @for category in Category::ALL {
                            option value=(category.letter()) selected[self.verdict == Some(category)] { (of_category(category).word) }
                        }
                    }
                }
                @if categories.len() > MOST_OFFERED {
                    label for="category" { "Category" }
                    input id="category" name="category" type="text" value=(self.category.as_deref().unwrap_or_default());
                } @else if !categories.is_empty() {
                    label for="category" { "Category" }
                    select id="category" name="category" {
                        option value="" { "any" }
                        @for category in categories {
                            option value=(category) selected[self.category.as_deref() == Some(category)] { (outside(category)) }
                        }
                    }
                }
                (choice("model", "Models", &spec.models.iter().map(beacon_core::ModelId::as_str).collect::<Vec<_>>(), &self.models))
                (choice("region", "Regions", &spec.regions.iter().map(|one| one.region.as_str()).collect::<Vec<_>>(), &self.regions))
                label for="text" { "Text or id of the question" }
                input id="text" name="text" type="search" value=(self.text.as_deref().unwrap_or_default());
                button type="submit" { "Show" }
            }
        }
    }

    fn orders(&self, analysed: &Analysed) -> Markup {
        let all = &analysed.findings.questions;
        let beyond = all.iter().filter(|one| is_beyond(one)).count() as u64;
        html! {
            label for="order" { "Questions" }
            select id="order" name="order" {
                @for order in Order::ALL {
                    option value=(order.name()) selected[self.order == order] {
                        @match order {
                            Order::Beyond => { "regions differ beyond noise (" (count(beyond)) ")" }
                            Order::Divergent => { "all, the most divergent first (" (count(all.len() as u64)) ")" }
                            Order::Asked => "all, in the order asked",
                        }
                    }
                }
            }
        }
    }
}

/// Of a job that was analysed those that differ beyond noise, if any do; else the most divergent first.
fn usual(analysed: Option<&Analysed>) -> Order {
    match analysed {
        None => Order::Asked,
        Some(analysed) if analysed.findings.questions.iter().any(is_beyond) => Order::Beyond,
        Some(_) => Order::Divergent,
    }
}

fn is_beyond(finding: &QuestionFinding) -> bool {
    finding.beyond == Beyond::Noise
}

/// Boxes to choose from; none chosen are all.
fn choice(name: &str, label: &str, there: &[&str], chosen: &[usize]) -> Markup {
    let is_all = chosen.len() == there.len();
    html! {
        details class="choice" {
            summary {
                (label) ": "
                @if is_all { "all " (count(there.len() as u64)) } @else { (count(chosen.len() as u64)) " of " (count(there.len() as u64)) }
            }
            fieldset {
                legend class="unseen" { (label) }
                @for (at, one) in there.iter().enumerate() {
                    label class="box" {
                        input type="checkbox" name=(name) value=(one) checked[!is_all && chosen.contains(&at)];
                        " " (outside(one))
                    }
                }
            }
        }
    }
}
