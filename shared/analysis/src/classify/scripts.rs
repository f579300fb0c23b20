//! How much a text says, and whether it is still language: what its letters' scripts tell.

use super::normalise::{is_joined, weight as letter_weight};

/// Latin letters for each letter of a joined script, from which on the text is in a Latin language.
const MOSTLY_LATIN: u32 = 3;
/// Latin letters below which a text says too little of its language.
const SOME_LATIN: u32 = 60;
/// Places where the script changes within a word, from which on a text is garbled altogether.
const BROKEN: f64 = 6.0;

/// Length in Latin letters: a Chinese, Japanese or Korean character counts as three.
pub(super) fn weight(text: &str) -> f64 {
    if text.is_ascii() {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric).count();
        return f64::from(u32::try_from(letters).unwrap_or(u32::MAX));
    }
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| f64::from(letter_weight(c))).sum()
}

/// 0 to 1: a text in a Latin language in which words run into other scripts, as a model's that lost its thread.
pub(super) fn garbled(text: &str) -> f64 {
    if text.is_ascii() {
        return 0.0;
    }
    let (mut latin, mut joined, mut changes) = (0_u32, 0_u32, 0_u32);
    let mut before = None;
    for c in text.chars() {
        let script = if !c.is_alphabetic() {
            None
        } else if c.is_ascii() {
            latin += 1;
            Some(false)
        } else if is_joined(c) {
            joined += 1;
            Some(true)
        } else {
            None
        };
        if let (Some(one), Some(other)) = (before, script) {
            changes += u32::from(one != other);
        }
        before = script;
    }
    if latin < (joined * MOSTLY_LATIN / 2).max(SOME_LATIN) || changes < 2 {
        return 0.0;
    }
    (f64::from(changes) / BROKEN).min(1.0)
}
