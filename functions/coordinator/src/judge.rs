//! One question: its texts judged, its pairs folded.

use std::collections::BTreeMap;

use beacon_analysis::aggregate::{QuestionAggregate, aggregate};
use beacon_analysis::classify::Classifier;
use beacon_aws::Judged;
use beacon_core::verdict::{Judgement, RulesVersion, VerdictView};
use beacon_core::view::{ExecutionView, Source};
use beacon_core::{ModelId, QuestionIndex, Region, Run, Sample};

use crate::window::OfRegion;

/// What is said of a question's texts in one region, and not stored yet.
pub(crate) struct Judgements {
    pub(crate) region: Region,
    pub(crate) question: QuestionIndex,
    pub(crate) rules: &'static RulesVersion,
    pub(crate) judged: Vec<Judged>,
}

/// Judges a question's texts in all regions and folds its pairs. What the same rules said of the same
/// row is not asked again. Takes the question's rows.
pub(crate) fn of_question(
    source: Source<'_>,
    question: QuestionIndex,
    regions: &mut [OfRegion],
) -> (QuestionAggregate, Vec<Judgements>) {
    let (mut views, mut unstored) = (Vec::new(), Vec::new());
    for of in regions {
        let (shown, judged) = of_region(source, question, of);
        views.extend(shown);
        unstored.extend(judged);
    }
    (aggregate(source.spec, question, &views), unstored)
}

fn of_region(
    source: Source<'_>,
    question: QuestionIndex,
    of: &mut OfRegion,
) -> (Vec<ExecutionView>, Option<Judgements>) {
    let rules = Classifier::built_in().rules();
    let stored = of.said.judged.remove(&(question, rules.clone())).unwrap_or_default();
    let (mut views, mut judged) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<(ModelId, Sample, Run), Judgement> = stored
        .iter()
        .cloned()
        .map(|(model, sample, run, judgement)| ((model, sample, run), judgement))
        .collect();
    for id in source.spec.pairs(&source.job.id, question, &of.region) {
        let pair = (question, id.model.clone(), id.sample);
        let row = of.rows.remove(&pair);
        let Some(mut view) = source.look(id, row) else { continue };
        if let (Some(run), Some(text)) = (view.row.as_ref().map(|row| row.run), view.text()) {
            let said = known.remove(&(pair.1.clone(), pair.2, run));
            let judgement = said.unwrap_or_else(|| Classifier::built_in().classify(text));
            judged.push((pair.1.clone(), pair.2, run, judgement.clone()));
            let label = of.said.labels.remove(&pair);
            view.verdict = Some(VerdictView::new(rules.clone(), judgement, label));
        }
        views.push(view);
    }
    let region = of.region.clone();
    let is_stored = judged == stored;
    (views, (!is_stored).then_some(Judgements { region, question, rules, judged }))
}
