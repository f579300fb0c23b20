//! How providers did on the control questions.

use std::collections::BTreeMap;

use beacon_core::spec::Spec;
use beacon_core::{ModelId, ProviderId, Region};

use super::Findings;
use super::wording::{MOST_NAMED, counted, few};
use crate::aggregate::{Control, QuestionAggregate};
use crate::estimate::{Estimate, Reason};

/// The control questions' results, all questions together. Those that missed the most come first.
pub(super) fn controls(spec: &Spec, aggregates: &[QuestionAggregate]) -> Estimate<Vec<Control>> {
    if spec.questions.iter().all(|question| question.expect.is_empty()) {
        return Estimate::Absent(Reason::NoControls);
    }
    let mut tallies: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for control in aggregates.iter().flat_map(|aggregate| &aggregate.controls) {
        let who = (&control.provider_id, &control.model_id, &control.region);
        let (passed, missed) = tallies.entry(who).or_default();
        *passed += control.passed;
        *missed += control.missed;
    }
    if tallies.is_empty() {
        return Estimate::Absent(Reason::NothingCompleted);
    }
    let result = |((provider_id, model_id, region), (passed, missed)): (
        (&Option<ProviderId>, &ModelId, &Region),
        (u64, u64),
    )| Control {
        provider_id: provider_id.clone(),
        model_id: model_id.clone(),
        region: region.clone(),
        passed,
        missed,
    };
    let mut results: Vec<Control> = tallies.into_iter().map(result).collect();
    results.sort_by_key(|result| std::cmp::Reverse(result.missed));
    Estimate::Known(results)
}

/// That all answers to control questions are as expected, as a sentence.
pub(super) fn passed(findings: &Findings) -> Option<String> {
    let results = findings.controls.known()?;
    let passed = results.iter().all(|result| result.missed == 0);
    passed.then(|| match results.iter().map(|result| result.passed).sum() {
        1 => "The only control answer holds what was expected.".to_owned(),
        all => format!("All {} hold what was expected.", counted(all, "control answer")),
    })
}

/// Who missed controls: what they answered may not be the models', and so it stands before any share.
pub(super) fn missed(findings: &Findings) -> Option<String> {
    let mut providers: BTreeMap<_, Vec<&Control>> = BTreeMap::new();
    for result in findings.controls.known()? {
        providers.entry(&result.provider_id).or_default().push(result);
    }
    let missed = |results: &[&Control]| results.iter().map(|one| one.missed).sum::<u64>();
    let mut providers: Vec<_> =
        providers.into_iter().filter(|(_, results)| missed(results) > 0).collect();
    providers.sort_by_key(|(_, results)| std::cmp::Reverse(missed(results)));
    let named = providers.iter().take(MOST_NAMED).map(|(provider, results)| {
        let provider =
            provider.as_ref().map_or("an unnamed provider".to_owned(), |id| format!("`{id}`"));
        let missed = missed(results);
        let all = missed + results.iter().map(|one| one.passed).sum::<u64>();
        let of = results.iter().filter(|one| one.missed > 0);
        let models = few(of.clone().map(|one| one.model_id.as_str()), "model");
        let regions = few(of.map(|one| one.region.as_str()), "region");
        format!(
            "{provider} missed {missed} of {} ({models}; {regions})",
            counted(all, "control answer")
        )
    });
    let mut named: Vec<String> = named.collect();
    let others = providers.len().saturating_sub(MOST_NAMED) as u64;
    if others > 0 {
        named.push(format!("{} missed some", counted(others, "other provider")));
    }
    (!named.is_empty()).then(|| format!("Control questions were missed: {}.", named.join("; ")))
}
