//! The keys that only a simulated provider has.

use serde::Deserialize;

use crate::config::ProviderProblem;

/// How a simulated provider behaves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SimulatedConfig {
    /// Other seeds give other answers.
    pub(super) seed: u64,
    /// Shortest and longest time to an answer; `[0, 0]` answers at once.
    pub(super) latency_ms: (u64, u64),
    /// Share of refusals; without it, what is usual for the question, the model and the region.
    pub(super) refusal_rate: Option<f64>,
    /// Share of empty answers; without it, one in a hundred, but none to a question with one right answer.
    pub(super) empty_rate: Option<f64>,
    /// Share of failures.
    pub(super) error_rate: f64,
    /// What happens on demand: the first entry that fits a question decides.
    pub(super) script: Vec<Scripted>,
}

impl Default for SimulatedConfig {
    fn default() -> Self {
        Self {
            seed: 2026,
            latency_ms: (40, 250),
            refusal_rate: None,
            empty_rate: None,
            error_rate: 0.0,
            script: Vec::new(),
        }
    }
}

/// One entry of the script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scripted {
    /// A part of the question's text; the empty text fits every question.
    #[serde(rename = "match")]
    part: String,
    /// Only this model, as clients name it.
    model: Option<String>,
    behaviour: Behaviour,
}

/// What a script can demand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Behaviour {
    /// An answer without text.
    Empty,
    /// A refusal.
    Refuse,
    /// A failure told by the provider.
    Error,
    /// No answer ever.
    Hang,
    /// This text.
    Text(String),
    /// A text of this size.
    SizeBytes(usize),
    /// A failure told by an HTTP status.
    HttpStatus(u16),
    /// An answer that claims to come from this region.
    ServedRegion(String),
}

impl SimulatedConfig {
    /// Checks what the types do not.
    pub(crate) fn check(&self) -> Result<(), ProviderProblem> {
        let share = |key, rate: f64| {
            let allowed = "from 0 to 1";
            let sound = (0.0..=1.0).contains(&rate);
            if sound { Ok(()) } else { Err(ProviderProblem::Value { key, allowed }) }
        };
        share("refusal_rate", self.refusal_rate.unwrap_or(0.0))?;
        share("empty_rate", self.empty_rate.unwrap_or(0.0))?;
        share("error_rate", self.error_rate)?;
        if self.latency_ms.0 > self.latency_ms.1 {
            let allowed = "[shortest, longest] in milliseconds";
            return Err(ProviderProblem::Value { key: "latency_ms", allowed });
        }
        let failure = |scripted: &Scripted| match scripted.behaviour {
            Behaviour::HttpStatus(status) => (300..600).contains(&status),
            Behaviour::Empty
            | Behaviour::Refuse
            | Behaviour::Error
            | Behaviour::Hang
            | Behaviour::Text(_)
            | Behaviour::SizeBytes(_)
            | Behaviour::ServedRegion(_) => true,
        };
        if self.script.iter().all(failure) {
            Ok(())
        } else {
            Err(ProviderProblem::Value { key: "http_status", allowed: "from 300 to 599" })
        }
    }

    /// What the script demands for a question.
    pub(super) fn scripted(&self, question: &str, model: &str) -> Option<&Behaviour> {
        let fits = |entry: &&Scripted| {
            question.contains(&entry.part) && entry.model.as_deref().is_none_or(|m| m == model)
        };
        self.script.iter().find(fits).map(|entry| &entry.behaviour)
    }
}
