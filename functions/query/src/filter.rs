//! Which executions of a job are wanted.

use beacon_aws::ApiError;
use beacon_core::execution::ExecutionStatus;
use beacon_core::spec::{Question, Spec};
use beacon_core::verdict::Verdict;
use beacon_core::view::ExecutionView;
use beacon_core::{ModelId, Region};

use crate::parameters::{Parameters, invalid};

/// A filter; an absent part lets everything through.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) region: Option<Region>,
    pub(crate) model: Option<ModelId>,
    question: Option<String>,
    status: Option<ExecutionStatus>,
    verdicts: Option<Vec<Verdict>>,
}

impl Filter {
    /// Reads `region` (aliases too), `model`, `question`, `status` and `verdict`; what the job does not have is
    /// an error that lists what it has.
    pub(crate) fn read(parameters: &Parameters, spec: &Spec) -> Result<Self, ApiError> {
        let region = parameters.text(&["region"]).map(|text| region(text, spec)).transpose()?;
        let model = parameters.text(&["model", "model_id"]).map(|text| {
            let model = spec.models.iter().find(|model| model.as_str() == text);
            model.cloned().ok_or_else(|| invalid("model", missing("model", &spec.models)))
        });
        let question = parameters.text(&["question", "question_id"]).map(|text| {
            let there = spec.questions.iter().any(|question| question.id.as_str() == text);
            let problem = "is no question id of the job".to_owned();
            if there { Ok(text.to_owned()) } else { Err(invalid("question", problem)) }
        });
        Ok(Self {
            region,
            model: model.transpose()?,
            question: question.transpose()?,
            status: parameters.status()?,
            verdicts: parameters.verdicts()?,
        })
    }

    /// The same, of completed ones alone.
    pub(crate) fn of_completed(parameters: &Parameters, spec: &Spec) -> Result<Self, ApiError> {
        let status = Some(ExecutionStatus::Completed);
        Ok(Self { status, ..Self::read(parameters, spec)? })
    }

    /// Whether everything passes.
    pub(crate) fn is_open(&self) -> bool {
        let Self { region, model, question, status, verdicts } = self;
        let place = region.is_none() && model.is_none() && question.is_none();
        place && status.is_none() && verdicts.is_none()
    }

    pub(crate) fn takes_region(&self, region: &Region) -> bool {
        self.region.as_ref().is_none_or(|wanted| wanted == region)
    }

    pub(crate) fn takes_question(&self, question: &Question) -> bool {
        self.question.as_ref().is_none_or(|wanted| wanted == question.id.as_str())
    }

    pub(crate) fn takes_model(&self, model: &ModelId) -> bool {
        self.model.as_ref().is_none_or(|wanted| wanted == model)
    }

    /// Whether its status and verdict are wanted.
    pub(crate) fn takes(&self, view: &ExecutionView) -> bool {
        let verdict = view.verdict.as_ref().map(|view| view.verdict);
        let said = |wanted: &Vec<Verdict>| verdict.is_some_and(|verdict| wanted.contains(&verdict));
        self.status.is_none_or(|wanted| wanted == view.status)
            && self.verdicts.as_ref().is_none_or(said)
    }
}

fn region(text: &str, spec: &Spec) -> Result<Region, ApiError> {
    let there: Vec<Region> = spec.regions.iter().map(|prompts| prompts.region.clone()).collect();
    let region = Region::resolve(text, &there).ok().filter(|region| there.contains(region));
    region.ok_or_else(|| invalid("region", missing("region", &there)))
}

fn missing(what: &str, there: &[impl ToString]) -> String {
    let there: Vec<String> = there.iter().map(ToString::to_string).collect();
    format!("is no {what} of the job; it has {}", there.join(", "))
}
