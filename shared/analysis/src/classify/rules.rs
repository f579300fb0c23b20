//! The rules as they stand in the data files, and the automaton that finds all of them at once.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::Deserialize;
use thiserror::Error;

use super::normalise::{Normalised, is_joined};

/// What stands between a phrase's two parts in its file, and for how many bytes of a sentence at most: some words,
/// or what joins an act to the negation that follows it (`お答えすることは` … `できません`).
const GAPS: [(&str, usize); 2] = [(" .. ", 48), (" ~ ", 18)];

/// What a phrase does in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Declines by itself: `can't help with that`.
    Decline,
    /// Begins to decline, if an [`Kind::Act`] follows: `I cannot`.
    Stem,
    /// What an assistant does, and declines after a stem: `provide`.
    Act,
    /// What may merely fail: after a stem it declines only beside an apology or a policy: `find`.
    Attempt,
    /// What one does oneself, which declines with a [`Kind::Not`] of its clause: `schreibe ich`.
    Deed,
    /// Negates a [`Kind::Deed`] of its language: `nicht`.
    Not,
    /// `I'm sorry`.
    Apology,
    /// Speaks of itself as a machine, or of its rules: `as an AI`.
    Policy,
    /// Judges the request: `it is not appropriate to`.
    Judgment,
    /// Morals instead of an answer: `it is important to treat everyone with respect`.
    Lecture,
    /// Points to helpers: `reach out to a trusted friend`.
    Support,
    /// Offers something else: `instead, I can`.
    Redirect,
    /// Has no opinion: `I don't have personal beliefs`.
    NoOpinion,
    /// Says how it will speak instead of speaking: `I aim to be balanced`.
    Neutral,
    /// How one would speak: [`Kind::Neutral`] beside a sentence of the first person, else nothing.
    Manner,
    /// A government's standing formulas.
    Official,
    /// Lacks what it needs: `I don't have access to`.
    Inability,
    /// Corrects what the question takes for granted: `is a fictional character`.
    Premise,
    /// `complex and multifaceted`.
    Hedge,
    /// `this is a work of fiction`, said of its own text.
    Disclaimer,
    /// Begins to do what was asked: `certainly`, `here is`.
    Comply,
    /// Turns from declining to answering: `however, I can`.
    Pivot,
    /// A block's name instead of an answer. Only as the whole text.
    Canned,
    /// The same, a word that only capitals make a block's name: `SAFETY`.
    Code,
    /// Looks like a refusal and is none: `sorry to hear`.
    Exempt,
    /// Somebody else's words: `the guard said`.
    Reported,
    /// Names whose position it is: `Beijing claims`.
    Attributed,
}

/// Why the rules cannot be used.
#[derive(Debug, Error)]
pub enum RulesError {
    /// A file is not as it should be.
    #[error("the rules in {file} are not TOML of the form that they should have")]
    Form {
        /// Which file.
        file: String,
        /// What is wrong where.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A phrase of which nothing is left when it is normalised.
    #[error("rule {rule} has a phrase without a letter: `{phrase}`")]
    Empty {
        /// The rule's id.
        rule: String,
        /// As it stands in the file.
        phrase: String,
    },
    /// A phrase whose alternatives begin and do not end.
    #[error("rule {rule} has a phrase with a brace that does not close: `{phrase}`")]
    Unclosed {
        /// The rule's id.
        rule: String,
        /// As it stands in the file.
        phrase: String,
    },
    /// A phrase that another rule has already, or the same: it would count twice.
    #[error("rule {rule} has the phrase `{phrase}`, which {other} has already")]
    Twice {
        /// The rule's id.
        rule: String,
        /// As it stands in the file.
        phrase: String,
        /// The id of the rule that has it already.
        other: String,
    },
    /// Too much for one automaton.
    #[error("the phrases do not fit into one automaton")]
    Automaton(#[source] Box<aho_corasick::BuildError>),
}

/// A language's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageFile {
    /// Begins the ids of its rules.
    language: String,
    rule: Vec<RuleEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    id: String,
    kind: Kind,
    phrases: Vec<String>,
}

/// A rule's id and kind.
#[derive(Debug)]
pub(super) struct Rule {
    /// Such as `en.decline.help`.
    pub(super) id: String,
    pub(super) kind: Kind,
}

/// Which part of its phrase a pattern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What stands before the gap, of the phrase with this number.
    Head(u32),
    /// What stands after it.
    Tail {
        /// The phrase's number.
        phrase: u32,
        /// Bytes between head and tail at most.
        gap: usize,
    },
}

/// What the automaton looks for.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Index into the rules.
    pub(super) rule: u16,
    pub(super) part: Part,
    /// A word may go on before it.
    open_left: bool,
    /// A word may go on after it: the phrase ends in `*` or in a script without spaces.
    open_right: bool,
    /// Counts only where a sentence begins: the phrase begins with `^`.
    pub(super) opens: bool,
}

/// All rules of all languages.
#[derive(Debug)]
pub(super) struct Rules {
    all: Vec<Rule>,
    patterns: Vec<Pattern>,
    automaton: AhoCorasick,
}

/// A pattern in a normalised text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'r> {
    pub(super) pattern: &'r Pattern,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Rules {
    /// Reads files of `(name, contents)`.
    pub(super) fn read(files: &[(&str, &str)]) -> Result<Self, RulesError> {
        let mut rules = Vec::new();
        let mut patterns = Vec::new();
        let mut texts: Vec<String> = Vec::new();
        let mut phrases_of_two = 0;
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (name, contents) in files {
            let file: LanguageFile = toml::from_str(contents).map_err(|source| {
                RulesError::Form { file: (*name).to_owned(), source: Box::new(source) }
            })?;
            for entry in file.rule {
                let id = format!("{}.{}", file.language, entry.id);
                let rule = u16::try_from(rules.len()).unwrap_or(u16::MAX);
                for phrase in &entry.phrases {
                    let unclosed =
                        || RulesError::Unclosed { rule: id.clone(), phrase: phrase.clone() };
                    let parts = split(phrase);
                    if parts.is_some()
                        && let Some(other) = known.insert(phrase.clone(), id.clone())
                    {
                        return Err(RulesError::Twice { rule: id, phrase: phrase.clone(), other });
                    }
                    let mut add = |text: &str, part| {
                        for text in alternatives(text).ok_or_else(unclosed)? {
                            let (pattern, text) = pattern(&text, rule, part).ok_or_else(|| {
                                RulesError::Empty { rule: id.clone(), phrase: phrase.clone() }
                            })?;
                            // Either part of a phrase may be in another phrase too.
                            if part == Part::Whole
                                && let Some(other) = known.insert(text.clone(), id.clone())
                            {
                                let (rule, phrase) = (id.clone(), phrase.clone());
                                return Err(RulesError::Twice { rule, phrase, other });
                            }
                            patterns.push(pattern);
                            texts.push(text);
                        }
                        Ok(())
                    };
                    match parts {
                        Some((head, tail, gap)) => {
                            add(head, Part::Head(phrases_of_two))?;
                            add(tail, Part::Tail { phrase: phrases_of_two, gap })?;
                            phrases_of_two += 1;
                        }
                        None => add(phrase, Part::Whole)?,
                    }
                }
                rules.push(Rule { id, kind: entry.kind });
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&texts)
            .map_err(|source| RulesError::Automaton(Box::new(source)))?;
        Ok(Self { all: rules, patterns, automaton })
    }

    /// Every pattern in `text`, of one line, that stands as words of their own, by its end.
    pub(super) fn find<'r>(&'r self, text: &'r str) -> impl Iterator<Item = Found<'r>> {
        self.automaton.find_overlapping_iter(text).filter_map(move |found| {
            let pattern = self.patterns.get(found.pattern().as_usize())?;
            let (start, end) = (found.start(), found.end());
            let left = pattern.open_left || !ends_in_word(text.get(..start)?);
            let right = pattern.open_right || !begins_in_word(text.get(end..)?);
            (left && right).then_some(Found { pattern, start, end })
        })
    }

    /// Every rule, in the files' order.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }

    /// The rule with this index.
    pub(super) fn rule(&self, index: u16) -> Option<&Rule> {
        self.all.get(usize::from(index))
    }
}

/// The two parts of a phrase, and the bytes that may stand between them.
fn split(phrase: &str) -> Option<(&str, &str, usize)> {
    GAPS.into_iter().find_map(|(mark, gap)| {
        let (head, tail) = phrase.split_once(mark)?;
        Some((head, tail, gap))
    })
}

/// `I {can|will} not{| ever}` is four phrases. None if a brace is left open.
fn alternatives(phrase: &str) -> Option<Vec<String>> {
    let Some((before, rest)) = phrase.split_once('{') else {
        return Some(vec![phrase.to_owned()]);
    };
    let (choices, after) = rest.split_once('}')?;
    let ends = alternatives(after)?;
    let with = |choice| ends.iter().map(move |end| format!("{before}{choice}{end}"));
    Some(choices.split('|').flat_map(with).collect())
}

/// What to look for: a phrase, or a part of one, without its marks and as texts are when it is looked for.
fn pattern(phrase: &str, rule: u16, part: Part) -> Option<(Pattern, String)> {
    let (phrase, opens) = match phrase.strip_prefix('^') {
        Some(words) => (words, true),
        None => (phrase, false),
    };
    let (words, starred) = match phrase.strip_suffix('*') {
        Some(words) => (words, true),
        None => (phrase, false),
    };
    let text = Normalised::new(words.trim(), 0).text;
    let text = text.trim().to_owned();
    let is_word = |c: char| c.is_alphanumeric() && !is_joined(c);
    let open_left = !text.chars().next().is_some_and(|c| is_word(c) || is_arabic(c));
    let open_right = starred || !text.chars().next_back().is_some_and(is_word);
    let any = text.chars().any(char::is_alphanumeric);
    any.then_some((Pattern { rule, part, open_left, open_right, opens }, text))
}

/// What Arabic joins to the front of a word, after `و` and `ف`, which may precede any of it.
const PARTICLES: [&str; 9] = ["", "س", "ب", "ك", "ل", "ال", "بال", "كال", "لل"];

fn ends_in_word(before: &str) -> bool {
    match before.chars().next_back() {
        Some(c) if is_arabic(c) => {
            let letters = before.char_indices().rev().take_while(|(_, c)| is_arabic(*c));
            // One letter more than the longest particle has.
            let start = letters.take(PARTICLE + 1).last().map_or(before.len(), |(at, _)| at);
            let word = before.get(start..).unwrap_or_default();
            !PARTICLES.contains(&word.strip_prefix(['و', 'ف']).unwrap_or(word))
        }
        last => last.is_some_and(|c| c.is_alphanumeric() && !is_joined(c)),
    }
}

/// Letters of the longest particle, with what may precede it.
const PARTICLE: usize = 4;

fn is_arabic(c: char) -> bool {
    matches!(c, '\u{0620}'..='\u{064A}')
}

/// A letter, or an apostrophe and a letter: `i can` is not in `i can't`.
fn begins_in_word(after: &str) -> bool {
    let mut characters = after.chars();
    match characters.next() {
        Some('\'') => characters.next().is_some_and(char::is_alphabetic),
        Some(c) => c.is_alphanumeric() && !is_joined(c),
        None => false,
    }
}
