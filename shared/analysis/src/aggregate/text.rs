//! Texts as bags of words, and how far two of them lie apart.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::estimate::Estimate;

/// Words of a text that are compared: its first ones. Longer answers are those where something went wrong.
pub(super) const MAX_WORDS: usize = 4_000;

/// The words of a text in lower case, by Unicode's word boundaries (UAX #29), at most [`MAX_WORDS`].
///
/// Scripts without spaces (Chinese, Japanese, Thai) have boundaries around each character there. Such
/// neighbours are taken in overlapping twos: a single character occurs in most texts, whatever they say.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut end = 0;
    for (start, word) in text.unicode_word_indices() {
        let alone = word.chars().nth(1).is_none();
        if !alone || start != end {
            take_run(&mut run, &mut words);
        }
        if words.len() + run.len() > MAX_WORDS {
            break;
        }
        if alone {
            run.push(word);
        } else {
            words.push(word.to_lowercase());
        }
        end = start + word.len();
    }
    take_run(&mut run, &mut words);
    words.truncate(MAX_WORDS);
    words
}

/// Characters without a space between them, in twos; one without neighbours is a word.
fn take_run(run: &mut Vec<&str>, words: &mut Vec<String>) {
    match run.as_slice() {
        [] => {}
        [one] => words.push(one.to_lowercase()),
        several => words.extend(several.windows(2).map(|two| two.concat().to_lowercase())),
    }
    run.clear();
}

/// A text's words as numbers, for comparison with other texts of the same [`Vocabulary`].
#[derive(Debug)]
pub(super) struct Text {
    /// Each word once, ascending, with how often it occurs.
    counts: Vec<(u32, u32)>,
    characters: usize,
}

/// The words of the texts that are compared, numbered, with the number of texts that each occurs in.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    numbers: BTreeMap<String, u32>,
    texts_with: Vec<u32>,
    texts: u32,
}

impl Vocabulary {
    /// Adds a text.
    pub(super) fn add(&mut self, text: &str) -> Text {
        let mut counts = BTreeMap::new();
        for word in words(text) {
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(word).or_insert(next);
            *counts.entry(number).or_insert(0) += 1;
        }
        self.texts_with.resize(self.numbers.len(), 0);
        for number in counts.keys() {
            if let Some(texts) =
                usize::try_from(*number).ok().and_then(|n| self.texts_with.get_mut(n))
            {
                *texts += 1;
            }
        }
        self.texts += 1;
        Text { counts: counts.into_iter().collect(), characters: text.chars().count() }
    }

    /// The text's TF-IDF weights, of length 1: count × (ln((1 + texts) ÷ (1 + texts with the word)) + 1).
    /// Salton and Buckley 1988, with the inverse frequency smoothed as scikit-learn does, so that a word
    /// of every text weighs little, not nothing.
    pub(super) fn weigh(&self, text: &Text) -> Vec<(u32, f64)> {
        let weights = text.counts.iter().map(|&(number, count)| {
            let with = usize::try_from(number).ok().and_then(|n| self.texts_with.get(n));
            let rarity = f64::from(1 + self.texts) / f64::from(1 + with.copied().unwrap_or(0));
            (number, f64::from(count) * (libm::log(rarity) + 1.0))
        });
        let weights: Vec<(u32, f64)> = weights.collect();
        let length = weights.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        weights.into_iter().map(|(number, weight)| (number, weight / length)).collect()
    }
}

/// 1 − words of both ÷ words of either (Jaccard 1912). Two texts without words are the same.
pub(super) fn jaccard(a: &Text, b: &Text) -> f64 {
    let (both, either) = overlap(&a.counts, &b.counts);
    if either == 0 { 0.0 } else { 1.0 - f64::from(both) / f64::from(either) }
}

fn overlap(a: &[(u32, u32)], b: &[(u32, u32)]) -> (u32, u32) {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let (mut both, mut either) = (0, 0);
    loop {
        let order = match (a.peek(), b.peek()) {
            (Some((x, _)), Some((y, _))) => x.cmp(y),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return (both, either),
        };
        either += 1;
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
        both += u32::from(order.is_eq());
    }
}

/// 1 − cosine of two texts' weights. Two texts without words are the same.
pub(super) fn tfidf(a: &[(u32, f64)], b: &[(u32, f64)]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return if a.len() == b.len() { 0.0 } else { 1.0 };
    }
    let mut others = b.iter().peekable();
    let mut cosine = 0.0;
    for (number, weight) in a {
        while others.next_if(|(other, _)| other < number).is_some() {}
        if let Some((_, other)) = others.next_if(|(other, _)| other == number) {
            cosine += weight * other;
        }
    }
    // Of two equal texts the sum may miss 1 by a rounding.
    (1.0 - cosine).clamp(0.0, 1.0)
}

/// 1 − shorter ÷ longer, in characters.
pub(super) fn length(a: &Text, b: &Text) -> f64 {
    let (shorter, longer) = (a.characters.min(b.characters), a.characters.max(b.characters));
    let share = Estimate::share(shorter as u64, longer as u64);
    share.known().map_or(0.0, |share| 1.0 - share)
}
