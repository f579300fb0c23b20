//! What of a job one page shows: some questions in some regions, so many pairs at most, whatever the job has.

use std::ops::Range;

use beacon_core::QuestionIndex;
use beacon_core::spec::Spec;

/// Pairs on a page, unless one question in one region has more.
const PAIRS: usize = 200;
/// Questions on a page, at most.
const QUESTIONS: usize = 20;

/// A page of a job's pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// Entries of the question list.
    pub(crate) questions: Range<u32>,
    /// Indices into the specification's regions.
    pub(crate) regions: Range<usize>,
    /// Which page this is, from 1.
    pub(crate) page: u32,
    /// How many there are.
    pub(crate) pages: u32,
}

impl Window {
    /// That page of a job, or the last where there are not so many. Where a question has more pairs than fit,
    /// its regions are on several pages.
    pub(crate) fn of(spec: &Spec, page: u32) -> Self {
        let shape = Shape::of(spec);
        let pages = shape.pages(spec);
        let page = page.clamp(1, pages);
        let per_question = u32::try_from(shape.region_pages).unwrap_or(u32::MAX).max(1);
        let (block, regions) = ((page - 1) / per_question, (page - 1) % per_question);
        let first = block.saturating_mul(shape.questions);
        let all = u32::try_from(spec.questions.len()).unwrap_or(u32::MAX);
        let from = usize::try_from(regions).unwrap_or(usize::MAX).saturating_mul(shape.regions);
        Self {
            questions: first..first.saturating_add(shape.questions).min(all),
            regions: from..from.saturating_add(shape.regions).min(spec.regions.len()),
            page,
            pages,
        }
    }

    /// The page on which an entry of the list begins.
    pub(crate) fn page_of(spec: &Spec, question: QuestionIndex) -> u32 {
        let shape = Shape::of(spec);
        let per_question = u32::try_from(shape.region_pages).unwrap_or(u32::MAX).max(1);
        (question.0 / shape.questions).saturating_mul(per_question).saturating_add(1)
    }

    /// The entries of the list.
    pub(crate) fn indices(&self) -> impl Iterator<Item = QuestionIndex> + use<> {
        self.questions.clone().map(QuestionIndex)
    }
}

/// How a job is cut into pages.
struct Shape {
    /// Questions on a page.
    questions: u32,
    /// Regions on a page.
    regions: usize,
    /// Pages that the regions of a question are on.
    region_pages: usize,
}

impl Shape {
    fn of(spec: &Spec) -> Self {
        let (pairs, regions) = (spec.pairs_of_question().max(1), spec.regions.len().max(1));
        if pairs * regions > PAIRS {
            let of_page = (PAIRS / pairs).max(1);
            return Self {
                questions: 1,
                regions: of_page,
                region_pages: regions.div_ceil(of_page),
            };
        }
        let questions = (PAIRS / (pairs * regions)).clamp(1, QUESTIONS);
        Self { questions: u32::try_from(questions).unwrap_or(1), regions, region_pages: 1 }
    }

    fn pages(&self, spec: &Spec) -> u32 {
        let questions = u32::try_from(spec.questions.len()).unwrap_or(u32::MAX);
        let blocks = questions.div_ceil(self.questions.max(1));
        blocks.saturating_mul(u32::try_from(self.region_pages).unwrap_or(u32::MAX)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::spec::parse;
    use serde_json::json;

    use super::*;

    fn spec(questions: usize, models: usize, regions: usize, samples: usize) -> Spec {
        let questions: Vec<_> =
            (0..questions).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
        let models: Vec<_> = (0..models).map(|n| format!("m-{n}")).collect();
        let declared: Vec<_> =
            (0..regions).map(|n| beacon_core::Region::new(format!("r-{n}")).unwrap()).collect();
        let document = json!({
            "questions": questions, "models": models, "regions": declared, "samples": samples,
            "system_prompt": "none",
        });
        parse(&document, &declared).unwrap().spec
    }

    #[test]
    fn every_pair_is_on_one_page_and_no_page_has_many() {
        for (questions, models, regions, samples) in
            [(8, 3, 3, 1), (1, 1, 1, 1), (50, 10, 10, 1), (3, 2, 40, 100), (45, 50, 7, 4)]
        {
            let spec = spec(questions, models, regions, samples);
            let mut seen = std::collections::BTreeSet::new();
            let pages = Window::of(&spec, 1).pages;
            for page in 1..=pages {
                let window = Window::of(&spec, page);
                let pairs =
                    window.questions.len() * window.regions.len() * spec.pairs_of_question();
                assert!(pairs <= PAIRS.max(spec.pairs_of_question()), "{window:?}");
                for question in window.indices() {
                    if window.regions.start == 0 {
                        assert_eq!(Window::page_of(&spec, question), page);
                    }
                    for region in window.regions.clone() {
                        assert!(seen.insert((question, region)), "{window:?}");
                    }
                }
            }
            assert_eq!(seen.len(), questions * regions);
            assert_eq!(Window::of(&spec, u32::MAX), Window::of(&spec, pages));
            assert_eq!(Window::of(&spec, 0), Window::of(&spec, 1));
        }
    }
}
