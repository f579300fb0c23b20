//! What came back from a model, as pages tell it.

use beacon_core::execution::{ExecutionStatus, Outcome};
use beacon_core::view::ExecutionView;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response<'a> {
    /// A text that says something.
    Text(&'a str),
    /// Nothing, or blanks.
    Nothing,
    /// It was withheld; what came beside, if anything did.
    Withheld(Option<&'a str>),
    /// It did not complete, or has not yet.
    Absent(ExecutionStatus),
}

impl<'a> Response<'a> {
    /// Of an execution.
    pub(crate) fn of<R>(view: &'a ExecutionView<R>) -> Self {
        let Some(row) = view.row.as_ref().filter(|_| view.status == ExecutionStatus::Completed)
        else {
            return Self::Absent(view.status);
        };
        if row.outcome == Some(Outcome::Blocked) {
            let beside = row.response.as_deref().filter(|text| !text.trim().is_empty());
            return Self::Withheld(beside);
        }
        view.text().map_or(Self::Nothing, Self::Text)
    }

    /// The text that there is.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Withheld(beside) => beside,
            Self::Nothing | Self::Absent(_) => None,
        }
    }

    /// What there is to say where it is no text.
    pub(crate) fn words(self) -> Option<&'static str> {
        Some(match self {
            Self::Text(_) => return None,
            Self::Nothing => "It came back with nothing: an empty answer.",
            Self::Withheld(None) => "It was withheld by a filter, or refused in the protocol.",
            Self::Withheld(Some(_)) => {
                "It was withheld by a filter, or refused in the protocol. Beside that came:"
            }
            Self::Absent(ExecutionStatus::Pending) => "It has not been asked yet.",
            Self::Absent(ExecutionStatus::Running) => "It is being asked now.",
            Self::Absent(
                ExecutionStatus::Completed
                | ExecutionStatus::Failed
                | ExecutionStatus::TimedOut
                | ExecutionStatus::Cancelled,
            ) => "There is no answer.",
        })
    }
}
