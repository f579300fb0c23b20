//! What the rules find in a text, by sentence, without what is quoted or only looks like a refusal.

use std::ops::Range;

use super::normalise::Normalised;
use super::rules::{Kind, Part, Rules};
use super::segment::{self, Spans};

/// Bytes between a stem and its act at most.
const GAP: usize = 48;
/// Bytes between a negation and the deed that follows it, at most: pronouns, and no further verb.
const PRONOUNS: usize = 16;
/// Bytes of a text that is too short to recite, at most.
const BRIEF: usize = 300;
/// What ends a clause.
const CLAUSE_ENDS: [char; 5] = [',', ';', ':', '(', ')'];
/// What begins a clause without a mark before it.
const ANDS: [&str; 6] = [" und ", " et ", " y ", " e ", " и ", " ja "];
/// Formulas from which on even such a text recites.
const RECITED: u32 = 3;

/// A rule's match that counts.
#[derive(Debug, Clone)]
pub(super) struct Signal {
    /// Of the rule, or [`Kind::Decline`] for a stem with its act.
    pub(super) kind: Kind,
    /// Index of the rule.
    pub(super) rule: u16,
    /// Bytes of the normalised text.
    pub(super) range: Range<usize>,
    /// Index of the sentence it begins in.
    pub(super) sentence: usize,
}

/// A text, read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) normalised: Normalised,
    pub(super) sentences: Vec<Range<usize>>,
    /// In the order in which they begin.
    pub(super) signals: Vec<Signal>,
}

impl Reading {
    /// Reads a text as it came.
    pub(super) fn new(text: &str, rules: &Rules) -> Self {
        let start = segment::answer_start(text);
        let normalised = Normalised::new(text, start);
        let sentences = segment::sentences(&normalised.text);
        let quoted = segment::quoted(&normalised.text, sentences.len());
        // A phrase may run over the end of a line.
        let line = normalised.text.replace('\n', " ");
        let mut signals = matches(&line, &sentences, rules);
        signals.retain(|s| !quoted.overlap(&(s.range.start..s.range.start + 1)));
        signals.sort_by_key(|signal| (signal.range.start, signal.range.end));
        drop_exempt(&mut signals);
        negate_deeds(&mut signals, &line, rules);
        join_acts(&mut signals);
        drop_reported(&mut signals);
        drop_lone_formulas(&mut signals, normalised.text.trim().len());
        judge_manner(&mut signals);
        // Rules are written in small letters: whether these were capitals only the text itself tells.
        if text.get(start..).is_some_and(|answer| answer.contains(char::is_lowercase)) {
            signals.retain(|signal| signal.kind != Kind::Code);
        }
        Self { normalised, sentences, signals }
    }

    /// Bytes of a sentence.
    pub(super) fn sentence_length(&self, sentence: usize) -> usize {
        self.sentences.get(sentence).map_or(0, ExactSizeIterator::len)
    }
}

fn sentence_of(at: usize, sentences: &[Range<usize>]) -> usize {
    sentences.partition_point(|range| range.start <= at).saturating_sub(1)
}

/// All matches, with the phrases of two parts put together.
fn matches(text: &str, sentences: &[Range<usize>], rules: &Rules) -> Vec<Signal> {
    let mut found = Vec::new();
    let mut heads: Vec<(u32, usize, usize)> = Vec::new();
    for hit in rules.find(text) {
        let Some(rule) = rules.rule(hit.pattern.rule) else { continue };
        let sentence = sentence_of(hit.start, sentences);
        if hit.pattern.opens && !opens(text, hit.start, sentences.get(sentence)) {
            continue;
        }
        let start = match hit.pattern.part {
            Part::Whole => hit.start,
            Part::Head(phrase) => {
                heads.push((phrase, hit.start, hit.end));
                continue;
            }
            Part::Tail { phrase, gap } => {
                // By their ends, the nearest first.
                let near =
                    |(_, _, end): &&(u32, usize, usize)| hit.start.saturating_sub(*end) <= gap;
                let head = heads.iter().rev().take_while(near).find(|(of, start, end)| {
                    *of == phrase && *end <= hit.start && sentence_of(*start, sentences) == sentence
                });
                let Some((_, start, _)) = head else { continue };
                *start
            }
        };
        let range = start..hit.end;
        found.push(Signal { kind: rule.kind, rule: hit.pattern.rule, range, sentence });
    }
    found
}

/// Whether `at` is where the sentence's first word begins.
fn opens(text: &str, at: usize, sentence: Option<&Range<usize>>) -> bool {
    let before = sentence.and_then(|sentence| text.get(sentence.start..at));
    before.is_some_and(|before| !before.chars().any(char::is_alphanumeric))
}

/// What an exempt phrase overlaps is none.
fn drop_exempt(signals: &mut Vec<Signal>) {
    let exempt = signals.iter().filter(|signal| signal.kind == Kind::Exempt);
    let exempt = Spans::new(exempt.map(|signal| signal.range.clone()).collect());
    signals.retain(|signal| !(may_decline(signal.kind) && exempt.overlap(&signal.range)));
}

fn may_decline(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Decline
            | Kind::Stem
            | Kind::Deed
            | Kind::Not
            | Kind::Apology
            | Kind::Inability
            | Kind::Judgment
    )
}

/// A stem and the act that follows in its sentence decline together. Acts alone say nothing, and a stem says
/// nothing before a mere attempt.
fn join_acts(signals: &mut Vec<Signal>) {
    let excused = signals.iter().any(|s| matches!(s.kind, Kind::Apology | Kind::Policy));
    let mut joined: Vec<(usize, Option<usize>)> = Vec::new();
    for (at, stem) in signals.iter().enumerate().filter(|(_, s)| s.kind == Kind::Stem) {
        let act = signals.iter().skip(at + 1).take_while(|s| s.range.start <= stem.range.end + GAP);
        // `I don't have opinions, but I can tell you`: the act is of another clause.
        let act = act
            .take_while(|s| s.kind != Kind::Pivot)
            .filter(|s| matches!(s.kind, Kind::Act | Kind::Attempt))
            .filter(|s| s.range.start >= stem.range.end)
            .find(|s| s.sentence == stem.sentence);
        if let Some(act) = act {
            let declines = act.kind == Kind::Act || excused;
            joined.push((at, declines.then_some(act.range.end)));
        }
    }
    for (at, end) in joined {
        if let Some(stem) = signals.get_mut(at) {
            match end {
                Some(end) => {
                    stem.kind = Kind::Decline;
                    stem.range.end = end;
                }
                // Goes with the acts.
                None => stem.kind = Kind::Attempt,
            }
        }
    }
    signals.retain(|signal| !matches!(signal.kind, Kind::Act | Kind::Attempt));
}

/// A deed and a negation of its clause decline together, whichever comes first: `schreibe ich nicht`,
/// `no lo haré`. Each alone says nothing.
fn negate_deeds(signals: &mut Vec<Signal>, text: &str, rules: &Rules) {
    let language =
        |signal: &Signal| rules.rule(signal.rule).and_then(|rule| rule.id.split('.').next());
    let one_clause = |first: &Signal, second: &Signal, gap: usize| {
        let between = text.get(first.range.end..second.range.start);
        first.sentence == second.sentence
            && between.is_some_and(|words| {
                words.len() <= gap
                    && !words.contains(CLAUSE_ENDS)
                    && !ANDS.iter().any(|and| words.contains(and))
            })
    };
    let mut joined: Vec<(usize, Range<usize>)> = Vec::new();
    for (at, deed) in signals.iter().enumerate().filter(|(_, s)| s.kind == Kind::Deed) {
        let negates = |not: &&Signal| not.kind == Kind::Not && language(not) == language(deed);
        let (before, after) = signals.split_at(at);
        let after = after
            .iter()
            .take_while(|s| s.range.start <= deed.range.end + GAP)
            .filter(negates)
            .find(|not| one_clause(deed, not, GAP));
        let before = before
            .iter()
            .rev()
            .take_while(|s| s.range.start + GAP >= deed.range.start)
            .filter(negates)
            .find(|not| one_clause(not, deed, PRONOUNS));
        if let Some(not) = after.or(before) {
            let start = deed.range.start.min(not.range.start);
            joined.push((at, start..deed.range.end.max(not.range.end)));
        }
    }
    for (at, range) in joined {
        if let Some(deed) = signals.get_mut(at) {
            deed.kind = Kind::Decline;
            deed.range = range;
        }
    }
    signals.retain(|signal| !matches!(signal.kind, Kind::Deed | Kind::Not));
}

/// In a sentence that reports somebody's words nothing is declined.
fn drop_reported(signals: &mut Vec<Signal>) {
    let reported: Vec<usize> = signals
        .iter()
        .filter(|signal| signal.kind == Kind::Reported)
        .map(|signal| signal.sentence)
        .collect();
    signals.retain(|signal| {
        !(may_decline(signal.kind) && reported.binary_search(&signal.sentence).is_ok())
    });
}

/// In a text of few words one formula is a fact about a government: only a text that strings formulas together
/// recites them, and where they are said to be somebody's position it takes one more.
fn drop_lone_formulas(signals: &mut Vec<Signal>, length: usize) {
    if length > BRIEF {
        return;
    }
    let attributed = signals.iter().any(|signal| signal.kind == Kind::Attributed);
    let mut end = 0;
    let mut formulas = 0;
    for formula in signals.iter().filter(|signal| signal.kind == Kind::Official) {
        formulas += u32::from(formula.range.start >= end);
        end = end.max(formula.range.end);
    }
    if formulas < RECITED + u32::from(attributed) {
        signals.retain(|signal| signal.kind != Kind::Official);
    }
}

/// `While avoiding`, `balanced approach` are said of anything: of itself a text speaks in the first person.
fn judge_manner(signals: &mut Vec<Signal>) {
    let own = |kind| {
        matches!(kind, Kind::Neutral | Kind::NoOpinion | Kind::Policy | Kind::Decline | Kind::Stem)
    };
    if signals.iter().any(|signal| own(signal.kind)) {
        for signal in signals.iter_mut().filter(|signal| signal.kind == Kind::Manner) {
            signal.kind = Kind::Neutral;
        }
    } else {
        signals.retain(|signal| signal.kind != Kind::Manner);
    }
}
