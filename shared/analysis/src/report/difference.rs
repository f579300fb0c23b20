//! A text in pieces: what differs from another text, and what a verdict rests on.

use beacon_core::verdict::Evidence;
use similar::{Algorithm, ChangeTag, TextDiff};

/// How a piece stands to the text that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// In both, or compared with nothing.
    Same,
    /// Only here.
    Added,
    /// Only in the other.
    Removed,
}

/// A run of characters of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The characters.
    pub text: String,
    /// Whose they are.
    pub change: Change,
    /// The verdict rests on it.
    pub evidence: bool,
}

/// The text in pieces; compared word by word with `other` where there is one. Where most of the two
/// differs, marks on every word would tell nothing: the text stands as it is.
pub fn pieces(other: Option<&str>, text: &str, evidence: &[Evidence]) -> Vec<Piece> {
    let mut pieces = Pieces { done: Vec::new(), evidence };
    let runs = other.map(|other| runs(other, text)).filter(|runs| is_alike(runs));
    let Some(runs) = runs else {
        pieces.push(Change::Same, text, 0);
        return pieces.done;
    };
    let mut at = 0;
    for (change, words) in runs {
        match change {
            Change::Same | Change::Added => {
                pieces.push(change, &words, at);
                at += words.len();
            }
            Change::Removed => pieces.add(change, &words, false),
        }
    }
    pieces.done
}

/// Runs of words that are in both, or in one; what is removed stands before what is added. Blanks and
/// points between two changed words are part of the change.
fn runs(other: &str, text: &str) -> Vec<(Change, String)> {
    let mut runs: Vec<(Change, String)> = Vec::new();
    let (mut removed, mut added, mut blank) = (String::new(), String::new(), String::new());
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_unicode_words(other, text);
    for change in diff.iter_all_changes() {
        let word = change.value();
        let changed = !(removed.is_empty() && added.is_empty());
        match change.tag() {
            ChangeTag::Equal if changed && !word.contains(char::is_alphanumeric) => {
                blank.push_str(word);
            }
            ChangeTag::Equal => {
                end(&mut runs, &mut removed, &mut added);
                runs.push((Change::Same, std::mem::take(&mut blank) + word));
            }
            tag @ (ChangeTag::Insert | ChangeTag::Delete) => {
                let between = std::mem::take(&mut blank);
                removed.push_str(&between);
                added.push_str(&between);
                if tag == ChangeTag::Insert { &mut added } else { &mut removed }.push_str(word);
            }
        }
    }
    end(&mut runs, &mut removed, &mut added);
    runs.push((Change::Same, blank));
    runs
}

/// Ends a run of changes.
fn end(runs: &mut Vec<(Change, String)>, removed: &mut String, added: &mut String) {
    runs.push((Change::Removed, std::mem::take(removed)));
    runs.push((Change::Added, std::mem::take(added)));
}

/// Whether a third of the letters of the two is in both.
fn is_alike(runs: &[(Change, String)]) -> bool {
    let letters = |wanted: Change| -> usize {
        let of = runs.iter().filter(|(change, _)| *change == wanted);
        of.map(|(_, words)| words.chars().filter(|c| c.is_alphanumeric()).count()).sum()
    };
    let same = 2 * letters(Change::Same);
    3 * same >= same + letters(Change::Added) + letters(Change::Removed)
}

struct Pieces<'a> {
    done: Vec<Piece>,
    evidence: &'a [Evidence],
}

impl Pieces<'_> {
    /// Adds text that begins at byte `start`, split where evidence begins and ends.
    fn push(&mut self, change: Change, text: &str, start: usize) {
        let byte = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let ends = self.evidence.iter().flat_map(|span| [byte(span.start), byte(span.end)]);
        let within = |at: &usize| text.is_char_boundary(*at);
        let mut cuts: Vec<usize> =
            ends.filter_map(|at| at.checked_sub(start)).filter(within).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts {
            let part = text.get(from..to).unwrap_or_default();
            let at = start + from;
            let is_evidence =
                self.evidence.iter().any(|span| byte(span.start) <= at && at < byte(span.end));
            self.add(change, part, is_evidence);
            from = to;
        }
    }

    fn add(&mut self, change: Change, text: &str, evidence: bool) {
        if text.is_empty() {
            return;
        }
        match self.done.last_mut() {
            Some(last) if last.change == change && last.evidence == evidence => {
                last.text.push_str(text);
            }
            Some(_) | None => {
                self.done.push(Piece { text: text.to_owned(), change, evidence });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(start: u32, end: u32) -> Evidence {
        Evidence { rule: "en.decline.cannot".to_owned(), start, end }
    }

    fn piece(text: &str, change: Change, evidence: bool) -> Piece {
        Piece { text: text.to_owned(), change, evidence }
    }

    #[test]
    fn words_that_differ_are_told() {
        let pieces = pieces(Some("It is dark red."), "It is light blue.", &[]);
        let expected = [
            piece("It is ", Change::Same, false),
            piece("dark red", Change::Removed, false),
            piece("light blue", Change::Added, false),
            piece(".", Change::Same, false),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn words_of_a_language_without_blanks_are_told() {
        let pieces = pieces(Some("台湾是一个省"), "台湾是一个国家", &[]);
        let added: Vec<&Piece> =
            pieces.iter().filter(|piece| piece.change == Change::Added).collect();
        assert_eq!(added, [&piece("国家", Change::Added, false)]);
    }

    #[test]
    fn evidence_is_told_within_differences() {
        let text = "I cannot say what the status of it is";
        let pieces = pieces(Some("I say what the status of it is"), text, &[evidence(0, 8)]);
        assert!(pieces.iter().any(|piece| piece.change == Change::Added));
        let of = |wanted: bool| -> String {
            let new = pieces.iter().filter(|piece| piece.change != Change::Removed);
            new.filter(|piece| piece.evidence == wanted).map(|piece| &*piece.text).collect()
        };
        assert_eq!((of(true), of(false)), (text[..8].to_owned(), text[8..].to_owned()));
    }

    #[test]
    fn texts_with_little_in_common_stand_as_they_are() {
        let text = "I cannot discuss the matter.";
        let pieces = pieces(Some("Taiwan governs itself, and Beijing claims it."), text, &[]);
        assert_eq!(pieces, [piece(text, Change::Same, false)]);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_back(
            old in ".{0,60}",
            new in ".{0,60}",
            start in 0u32..80,
            end in 0u32..80,
        ) {
            let pieces = pieces(Some(&old), &new, &[evidence(start, end)]);
            let read = |without: Change| -> String {
                let with = pieces.iter().filter(|piece| piece.change != without);
                with.map(|piece| &*piece.text).collect()
            };
            prop_assert_eq!(read(Change::Removed), new.clone());
            let is_marked = pieces.iter().any(|piece| piece.change != Change::Same);
            prop_assert_eq!(read(Change::Added), if is_marked { old } else { new });
        }
    }
}
