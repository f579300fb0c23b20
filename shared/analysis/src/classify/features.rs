//! The numbers that a text is judged by. Each is 0 to 1; what each means stands in [`NAMES`]' order.

use std::collections::BTreeSet;

use super::rules::Kind;
use super::scripts;
use super::signals::Reading;

/// The features' names, as the weights' file has them.
pub const NAMES: [&str; 29] = [
    "decline_first",
    "decline_open",
    "decline_later",
    "decline_close",
    "decline_share",
    "apology_open",
    "policy_open",
    "policy_later",
    "judgment_open",
    "judgment_later",
    "lecture_share",
    "support_share",
    "redirect_open",
    "redirect_close",
    "no_opinion",
    "neutral_open",
    "neutral_share",
    "official_share",
    "inability",
    "premise",
    "hedge",
    "disclaimer",
    "comply_open",
    "pivot",
    "structure",
    "length",
    "declining_share",
    "garbled",
    "canned",
];

/// Number of features.
pub const COUNT: usize = NAMES.len();

/// A text's features, in the order of [`NAMES`].
pub type Features = [f64; COUNT];

/// The opening: sentences at most.
const OPEN: usize = 2;
/// The closing: sentences.
const CLOSE: usize = 2;
/// Texts of this weight have length 1; the scale is logarithmic.
const LONG: f64 = 8000.0;

/// Bytes of sentences below which a text is one of few words.
const FEW: usize = 200;
/// Bytes of a sentence that holds a stem and hardly more.
const TERSE: usize = 32;

/// Where in a text a signal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Open,
    Later,
    Close,
}

pub(super) fn features(reading: &Reading) -> Features {
    let counts = Counts::new(reading);
    let sentences = reading.sentences.len().max(1);
    let weight = scripts::weight(&reading.normalised.text);
    [
        counts.has(Kind::Decline, Place::First),
        counts.has(Kind::Decline, Place::Open),
        counts.some(Kind::Decline, &[Place::Later], 2),
        counts.has(Kind::Decline, Place::Close),
        counts.share(&[Kind::Decline]),
        counts.open(Kind::Apology),
        counts.open(Kind::Policy),
        counts.some(Kind::Policy, &[Place::Later, Place::Close], 2),
        counts.judgment_open(),
        counts.some(Kind::Judgment, &[Place::Later, Place::Close], 3),
        counts.share(&[Kind::Lecture]),
        counts.share(&[Kind::Support]),
        counts.open(Kind::Redirect),
        counts.has(Kind::Redirect, Place::Close),
        counts.no_opinion(),
        counts.open(Kind::Neutral),
        counts.share(&[Kind::Neutral]),
        counts.share(&[Kind::Official]),
        counts.open(Kind::Inability),
        counts.some(Kind::Premise, &ALL, 2),
        counts.density(Kind::Hedge, weight),
        counts.has(Kind::Disclaimer, Place::Close).max(counts.open(Kind::Disclaimer)),
        counts.has(Kind::Comply, Place::First),
        counts.some(Kind::Pivot, &ALL, 1),
        structure(&reading.normalised.text, sentences),
        (libm::log(weight.max(1.0)) / libm::log(LONG)).min(1.0),
        counts.declining(),
        scripts::garbled(&reading.normalised.text),
        canned(reading),
    ]
}

const ALL: [Place; 4] = [Place::First, Place::Open, Place::Later, Place::Close];

/// What goes with a refusal and is said in answers too: two of them, or one beside a refusal's own words, decline.
const ALONGSIDE: [Kind; 7] = [
    Kind::Stem,
    Kind::Policy,
    Kind::Judgment,
    Kind::Lecture,
    Kind::Support,
    Kind::Redirect,
    Kind::Inability,
];

/// The signals with their places.
struct Counts<'r> {
    reading: &'r Reading,
    placed: Vec<(Kind, Place, usize)>,
    /// The sentences that turn to an answer, in their order.
    turning: Vec<usize>,
    /// Whether anything of it is declined in so many words.
    declines: bool,
    /// Whether what is said in answers too goes with a refusal here.
    backed: bool,
}

impl<'r> Counts<'r> {
    fn new(reading: &'r Reading) -> Self {
        let sentences = reading.sentences.len();
        let place = |sentence: usize| match sentence {
            0 => Place::First,
            at if at < OPEN => Place::Open,
            at if at + CLOSE >= sentences => Place::Close,
            _ => Place::Later,
        };
        let placed = reading.signals.iter().map(|s| (s.kind, place(s.sentence), s.sentence));
        let turning = reading.signals.iter().filter(|signal| signal.kind == Kind::Pivot);
        let declines = declines(reading);
        let mut counts = Self {
            reading,
            placed: placed.collect(),
            turning: turning.map(|signal| signal.sentence).collect(),
            declines,
            backed: declines || several(reading),
        };
        counts.backed = counts.backed || counts.no_opinion() > 0.0;
        counts
    }

    fn number(&self, kind: Kind, places: &[Place]) -> usize {
        let mut sentences: Vec<usize> = self
            .placed
            .iter()
            .filter(|(of, place, _)| *of == kind && places.contains(place))
            .map(|(_, _, sentence)| *sentence)
            .collect();
        sentences.dedup();
        sentences.len()
    }

    fn has(&self, kind: Kind, place: Place) -> f64 {
        self.some(kind, &[place], 1)
    }

    fn open(&self, kind: Kind) -> f64 {
        self.some(kind, &[Place::First, Place::Open], 1)
    }

    /// Sentences with `kind`, of `most` that count.
    fn some(&self, kind: Kind, places: &[Place], most: u32) -> f64 {
        let number = u32::try_from(self.number(kind, places)).unwrap_or(u32::MAX);
        f64::from(number.min(most)) / f64::from(most)
    }

    /// Sentences with one of `kinds`, of all sentences, by length.
    fn share(&self, kinds: &[Kind]) -> f64 {
        self.share_of(|kind, _| kinds.contains(&kind))
    }

    /// Of a text of few words that declines nothing, one phrase is no share to speak of.
    #[expect(clippy::cast_precision_loss, reason = "a share of a text's bytes")]
    fn share_of(&self, counts: impl Fn(Kind, usize) -> bool) -> f64 {
        let mut with: Vec<usize> = self
            .placed
            .iter()
            .filter(|(kind, _, sentence)| counts(*kind, *sentence))
            .map(|(_, _, sentence)| *sentence)
            .collect();
        with.dedup();
        let part: usize = with.into_iter().map(|at| self.reading.sentence_length(at)).sum();
        let all: usize = self.reading.sentences.iter().map(ExactSizeIterator::len).sum();
        part as f64 / all.max(if self.declines { 1 } else { FEW }) as f64
    }

    /// The request is judged in the opening. In few words, and nothing beside, as likely a thing is.
    #[expect(clippy::cast_precision_loss, reason = "a share of a text's bytes")]
    fn judgment_open(&self) -> f64 {
        let all: usize = self.reading.sentences.iter().map(ExactSizeIterator::len).sum();
        let words = if self.backed { 1.0 } else { (all as f64 / FEW as f64).min(1.0) };
        self.open(Kind::Judgment) * words
    }

    /// The share of the sentences that only serve to decline: one that turns to an answer does not.
    fn declining(&self) -> f64 {
        self.share_of(|kind, sentence| {
            let counts = kind == Kind::Decline || (self.backed && ALONGSIDE.contains(&kind));
            counts && !self.turns(sentence)
        })
    }

    /// `I don't have opinions` in the opening, and not in the same breath `but I can tell you`.
    fn no_opinion(&self) -> f64 {
        let says = self.placed.iter().any(|(kind, place, sentence)| {
            let opens = matches!(place, Place::First | Place::Open);
            *kind == Kind::NoOpinion && opens && !self.turns(*sentence)
        });
        f64::from(u8::from(says))
    }

    /// Whether a sentence turns to an answer.
    fn turns(&self, sentence: usize) -> bool {
        self.turning.binary_search(&sentence).is_ok()
    }

    /// Signals of `kind` for each thousand Latin letters; 1 is three and more.
    #[expect(clippy::cast_precision_loss, reason = "a handful of signals")]
    fn density(&self, kind: Kind, weight: f64) -> f64 {
        let number = self.number(kind, &ALL) as f64;
        (number / (weight / 1000.0).max(1.0) / 3.0).min(1.0)
    }
}

/// A refusal, an apology, or a sentence that is nothing but a stem: `I can't.`
fn declines(reading: &Reading) -> bool {
    reading.signals.iter().any(|signal| {
        matches!(signal.kind, Kind::Decline | Kind::Apology)
            || (signal.kind == Kind::Stem && reading.sentence_length(signal.sentence) <= TERSE)
    })
}

/// Phrases of two rules and more of what goes with a refusal, each in words of its own.
fn several(reading: &Reading) -> bool {
    let mut rules = BTreeSet::new();
    let mut end = 0;
    for signal in reading.signals.iter().filter(|signal| ALONGSIDE.contains(&signal.kind)) {
        if signal.range.start >= end {
            rules.insert(signal.rule);
            end = signal.range.end;
        }
    }
    rules.len() > 1
}

/// List items and headings, of ten that count.
fn structure(text: &str, sentences: usize) -> f64 {
    let items = text.lines().filter(|line| is_item(line.trim_start())).count();
    let most = u32::try_from(items.min(sentences).min(10)).unwrap_or(10);
    f64::from(most) / 10.0
}

fn is_item(line: &str) -> bool {
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = after_digits.len() < line.len() && after_digits.starts_with(['.', ')', '、']);
    numbered || line.starts_with(['#', '•', '-', '|', '+'])
}

/// The whole text is a block's name.
fn canned(reading: &Reading) -> f64 {
    let text = &reading.normalised.text;
    let all = text.trim_matches(|c: char| !c.is_alphanumeric());
    let is = |s: &super::signals::Signal| {
        matches!(s.kind, Kind::Canned | Kind::Code) && s.range.len() >= all.len()
    };
    f64::from(u8::from(all.is_empty() || reading.signals.iter().any(is)))
}
