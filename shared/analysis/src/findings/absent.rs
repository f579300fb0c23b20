//! Regions and models of which no answer came: what cannot be said for want of them.

use std::ops::Range;

use beacon_core::ModelId;

use super::grid::Grid;
use super::wording::{few, unanswered};
use crate::aggregate::Category;

/// What became of the pairs of one region, of one model, or of all.
#[derive(Debug, Default)]
struct Fates {
    completed: u64,
    /// Failed, timed out, cancelled, open.
    without: [u64; 4],
}

impl Fates {
    fn of(grid: &Grid<'_>, models: Range<usize>, regions: &Range<usize>) -> Self {
        let mut fates = Self::default();
        let cells = models.flat_map(|model| regions.clone().map(move |region| (model, region)));
        for (model, region) in cells {
            for entry in &grid.entries {
                grid.cell(*entry, model, region).iter().for_each(|category| fates.add(*category));
            }
        }
        fates
    }

    fn add(&mut self, category: Category) {
        let [failed, timed_out, cancelled, open] = &mut self.without;
        *match category {
            Category::Failed => failed,
            Category::TimedOut => timed_out,
            Category::Cancelled => cancelled,
            Category::Open => open,
            Category::Answered
            | Category::Refused
            | Category::PartlyRefused
            | Category::Evasive
            | Category::Blocked
            | Category::Empty => &mut self.completed,
        } += 1;
    }
}

/// Of which regions and models nothing came, and what cannot be said for that.
pub(super) fn absent(grid: &Grid<'_>) -> Option<String> {
    let (models, regions) = (0..grid.models(), 0..grid.regions());
    let all = Fates::of(grid, models.clone(), &regions);
    if all.completed == 0 {
        let told = unanswered(all.without);
        return (!told.is_empty())
            .then(|| format!("No answer came at all ({told}), so that nothing can be said."));
    }
    let by_region = regions.clone().map(|region| {
        let name = grid.spec.regions.get(region).map(|prompts| prompts.region.as_str());
        (name, Fates::of(grid, models.clone(), &(region..region + 1)))
    });
    let by_model = models.clone().map(|model| {
        let name = grid.spec.models.get(model).map(ModelId::as_str);
        (name, Fates::of(grid, model..model + 1, &regions))
    });
    let told = [told(by_region.collect(), "region"), told(by_model.collect(), "model")];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(" "))
}

fn told(all: Vec<(Option<&str>, Fates)>, what: &str) -> Option<String> {
    let answered = all.iter().filter(|(_, fates)| fates.completed > 0).count();
    let absent: Vec<_> = all.into_iter().filter(|(_, fates)| fates.completed == 0).collect();
    let mut without = [0; 4];
    for (_, fates) in &absent {
        without.iter_mut().zip(fates.without).for_each(|(sum, count)| *sum += count);
    }
    let unsaid = match (answered, absent.len()) {
        (_, 0) => return None,
        (1, _) => format!("between {what}s"),
        (_, 1) => "of it".to_owned(),
        (_, _) => "of them".to_owned(),
    };
    let names = few(absent.iter().filter_map(|(name, _)| *name), what);
    let why = unanswered(without);
    Some(format!("No answer came from {names} ({why}), so that nothing can be said {unsaid}."))
}
