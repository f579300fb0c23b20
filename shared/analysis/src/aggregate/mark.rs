//! How a category is told wherever it is told: in reports, in the portal's matrix, in their legends.

use super::Category;

/// A word, a shape and a colour's class. The shape tells what the colour tells, to those who see none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Of the colour, as the style sheets of reports and of the portal name it.
    pub class: &'static str,
    /// One character. Those that no answer came of have that of the status.
    pub shape: &'static str,
    /// What it is called.
    pub word: &'static str,
}

impl Category {
    /// How it is told.
    pub const fn mark(self) -> Mark {
        let (class, shape, word) = match self {
            Self::Answered => ("c-a", "●", "answered"),
            Self::Refused => ("c-r", "■", "refused"),
            Self::PartlyRefused => ("c-p", "◧", "partly refused"),
            Self::Evasive => ("c-e", "◆", "evasive"),
            Self::Blocked => ("c-b", "▣", "blocked"),
            Self::Empty => ("c-0", "▢", "empty"),
            Self::Failed => ("c-f", "✕", "failed"),
            Self::TimedOut => ("c-f", "⧖", "timed out"),
            Self::Cancelled => ("c-f", "⊘", "cancelled"),
            Self::Open => ("c-f", "○", "not ended or not judged"),
        };
        Mark { class, shape, word }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_categories_share_a_shape_or_a_word_and_none_has_that_of_a_warning() {
        let marks = Category::ALL.map(Category::mark);
        let shapes: BTreeSet<&str> = marks.iter().map(|mark| mark.shape).collect();
        let words: BTreeSet<&str> = marks.iter().map(|mark| mark.word).collect();
        assert_eq!((shapes.len(), words.len()), (Category::ALL.len(), Category::ALL.len()));
        assert!(!shapes.contains("▲") && !shapes.contains("△"), "{shapes:?}");
    }
}
