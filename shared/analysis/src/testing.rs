//! Jobs and pairs for tests.

use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::prompt::PromptHash;
use beacon_core::spec::{Question, RegionPrompts, Sampling, Spec, Stop};
use beacon_core::verdict::{Judgement, Label, RulesVersion, Verdict, VerdictView};
use beacon_core::view::{ExecutionView, ResponseClassification, RowView};
use beacon_core::{
    ExecutionId, JobId, ModelId, ProviderId, QuestionId, QuestionIndex, Region, Run, Sample,
    VariantName,
};

use crate::aggregate::{Cell, QuestionAggregate};
use crate::findings::{Findings, Subject, findings};

/// A job of questions in the variant `base`, with the same system message everywhere.
pub(crate) fn spec(questions: usize, models: &[&str], regions: &[&str], samples: u16) -> Spec {
    let questions = (0..questions).map(|at| question(&format!("q{at}"), "base"));
    let region = |name: &&str| RegionPrompts {
        region: Region::new(*name).unwrap(),
        asked: (*name).to_owned(),
        system: vec![None],
    };
    Spec {
        name: "test".to_owned(),
        questions: questions.collect(),
        models: models.iter().map(|model| ModelId::new(*model).unwrap()).collect(),
        regions: regions.iter().map(region).collect(),
        samples,
        sampling: Sampling { temperature: 1.0, max_tokens: 100, seed: None, top_p: None },
        lanes_per_region: 1,
        min_success_rate: 0.67,
        min_regions: 1,
        stop: Stop::Never,
        stop_after: 5,
        timeout_seconds: None,
        max_cost: None,
    }
}

pub(crate) fn question(id: &str, variant: &str) -> Question {
    Question {
        id: QuestionId::new(id).unwrap(),
        variant: VariantName::new(variant).unwrap(),
        text: format!("Question {id}?"),
        category: None,
        language: None,
        prompt: 0,
        expect: Vec::new(),
    }
}

/// A pair of a job that has not ended.
pub(crate) fn open(
    spec: &Spec,
    question: usize,
    model: usize,
    region: usize,
    sample: u16,
) -> ExecutionView {
    let (asked, region) = (&spec.questions[question], &spec.regions[region].region);
    let id = ExecutionId {
        job: JobId::new("job").unwrap(),
        question: QuestionIndex(u32::try_from(question).unwrap()),
        model: spec.models[model].clone(),
        region: region.clone(),
        sample: Sample(sample),
    };
    ExecutionView {
        job_id: id.job.clone(),
        question_id: asked.id.clone(),
        variant: asked.variant.clone(),
        question: id.question,
        category: asked.category.clone(),
        language: asked.language.clone(),
        model_id: id.model.clone(),
        region: region.clone(),
        region_asked: region.to_string(),
        sample: id.sample,
        status: ExecutionStatus::Pending,
        failure: None,
        retries: 0,
        retry_count: 0,
        max_retries: 3,
        created_at: "2026-11-26T12:00:00Z".parse().unwrap(),
        verdict: None,
        response_classification: ResponseClassification::Unknown,
        is_substantive: false,
        is_content_refusal: false,
        response_length: None,
        receipt: None,
        has_receipt: false,
        output: None,
        row: None,
        id,
    }
}

/// The same pair, completed with a text that a classifier is sure of.
pub(crate) fn answered(view: ExecutionView, text: &str, verdict: Verdict) -> ExecutionView {
    let classifier = Judgement { verdict, confidence: 0.9, review: false, evidence: Vec::new() };
    let view = completed(view, Outcome::Text, text);
    ExecutionView { verdict: Some(VerdictView::new(rules(), classifier, None)), ..view }
}

/// The same pair with a text of which the classifier is not sure.
pub(crate) fn unsure(mut view: ExecutionView) -> ExecutionView {
    if let Some(verdict) = &mut view.verdict {
        verdict.classifier.review = true;
    }
    view
}

/// The same pair with a person's verdict.
pub(crate) fn labelled(mut view: ExecutionView, verdict: Verdict) -> ExecutionView {
    let at = "2026-11-26T13:00:00Z".parse().unwrap();
    let label = Label { verdict, by: None, at, note: None };
    let machine = view.verdict.take().unwrap().classifier;
    view.verdict = Some(VerdictView::new(rules(), machine, Some(label)));
    view
}

/// The same pair, completed without a verdict.
pub(crate) fn completed(view: ExecutionView, outcome: Outcome, text: &str) -> ExecutionView {
    let row = RowView {
        run: Run::FIRST,
        outcome: Some(outcome),
        response: Some(text.to_owned()),
        finish_reason: None,
        provider_id: Some(ProviderId::new("hosted-a").unwrap()),
        served_model: None,
        served_region: None,
        input_tokens: None,
        output_tokens: None,
        cost: None,
        simulated: false,
        prompt_sha256: PromptHash(String::new()),
        sampling: Sampling { temperature: 1.0, max_tokens: 100, seed: None, top_p: None },
        attempts: 1,
        maybe_billed: 0,
        started_at: view.created_at,
        completed_at: view.created_at,
        duration_ms: 0,
    };
    ExecutionView { status: ExecutionStatus::Completed, row: Some(row), ..view }
}

/// The same pair, ended without an answer.
pub(crate) fn ended(
    view: ExecutionView,
    status: ExecutionStatus,
    code: FailureCode,
) -> ExecutionView {
    let failure = Failure {
        stage: Stage::RouterConnect,
        code,
        message: String::new(),
        retryable: true,
        maybe_billed: false,
        provider_id: None,
        http_status: None,
        attempts: 1,
    };
    ExecutionView { status, failure: Some(failure), ..view }
}

pub(crate) fn rules() -> RulesVersion {
    RulesVersion("2026-11-26".to_owned())
}

/// An aggregate of cells as their letters, models × regions.
pub(crate) fn letters(question: usize, cells: &[&str]) -> QuestionAggregate {
    let cell = |samples: &&str| Cell {
        samples: (*samples).to_owned(),
        review: 0,
        review_strict: 0,
        review_broad: 0,
        labelled: 0,
    };
    QuestionAggregate {
        question: QuestionIndex(u32::try_from(question).unwrap()),
        cells: cells.iter().map(cell).collect(),
        failures: std::collections::BTreeMap::new(),
        texts: Vec::new(),
        controls: Vec::new(),
        made_up: None,
    }
}

/// The aggregates of a job, from the letters of each question.
pub(crate) fn job(cells: &[&[&str]]) -> Vec<QuestionAggregate> {
    cells.iter().enumerate().map(|(question, cells)| letters(question, cells)).collect()
}

pub(crate) fn found(spec: &Spec, aggregates: &[QuestionAggregate]) -> Findings {
    let (job_id, rules) = (JobId::new("job").unwrap(), rules());
    let run = Run::FIRST;
    findings(&Subject { job_id: &job_id, run, simulated: false, rules: &rules, spec }, aggregates)
}
