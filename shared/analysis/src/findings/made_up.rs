//! Whether the simulated provider made up none, some or all of a job's completed answers.

use super::Findings;

/// Whose the completed answers of a job are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeUp {
    /// No simulated provider was asked.
    Nothing,
    /// Simulated providers were asked, and not every completed answer is theirs, or nobody counted which are.
    Partly,
    /// Every completed answer is theirs.
    Everything,
}

impl MadeUp {
    /// Of a job's findings.
    pub(crate) fn of(findings: &Findings) -> Self {
        let completed = findings.denominators.completed;
        if !findings.simulated {
            Self::Nothing
        } else if completed > 0 && findings.made_up == Some(completed) {
            Self::Everything
        } else {
            Self::Partly
        }
    }

    /// Of so many of so many completed answers.
    pub(crate) fn counted(made_up: usize, completed: usize) -> Self {
        match made_up {
            0 => Self::Nothing,
            some if some < completed => Self::Partly,
            _ => Self::Everything,
        }
    }
}

/// How the sentence begins that says how many answers there are; so many of them were made up, where that was
/// counted.
pub(super) fn begun(simulated: bool, made_up: Option<u64>, completed: u64) -> String {
    let by = "made up by the simulated provider and";
    let of = match made_up {
        _ if !simulated => return "Of ".to_owned(),
        None => "Answers of the simulated provider, which are made up and say nothing of any model, are among \
            these"
            .to_owned(),
        Some(0) => "Simulated providers were asked, and no completed answer is theirs".to_owned(),
        Some(1) if completed == 1 => {
            format!("The only completed answer was {by} says nothing of any model")
        }
        Some(all) if all >= completed => {
            format!("All {all} completed answers were {by} say nothing of any model")
        }
        Some(1) => format!(
            "1 of {completed} completed answers was {by} says nothing of any model, and every share counts it"
        ),
        Some(some) => format!(
            "{some} of {completed} completed answers were {by} say nothing of any model, and every share counts \
             them"
        ),
    };
    format!("{of}: of ")
}
