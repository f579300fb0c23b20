//! How providers did on the control questions.

use std::collections::BTreeMap;

use beacon_core::spec::Spec;
use beacon_core::{ModelId, ProviderId, Region};

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
