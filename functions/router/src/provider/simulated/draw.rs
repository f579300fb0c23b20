//! Chance that is the same every time: SHA-256 of the call, then `SplitMix64`. No library's
//! generator, whose numbers may change with its version.

use sha2::{Digest, Sha256};

/// A stream of numbers that depends on a seed and some texts only.
#[derive(Debug)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64, texts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(seed.to_le_bytes());
        for text in texts {
            // A length before each text: ("ab", "c") is not ("a", "bc").
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(text);
        }
        let bytes = hasher.finalize();
        Self(bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether something of this probability happens.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        let drawn = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(drawn) < probability * 4_294_967_296.0
    }

    /// A number from the shortest to the longest.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        let span = most.saturating_sub(least).saturating_add(1);
        least.saturating_add(self.next() % span)
    }

    /// One of several.
    pub(super) fn pick<'a>(&mut self, several: &[&'a str]) -> &'a str {
        let most = several.len().saturating_sub(1);
        let index = self.between(0, u64::try_from(most).unwrap_or(0));
        usize::try_from(index)
            .ok()
            .and_then(|index| several.get(index))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_texts_give_the_same_numbers_and_others_do_not() {
        let first = |texts: &[&str]| Draw::new(7, texts).next();
        assert_eq!(first(&["a", "b"]), first(&["a", "b"]));
        assert_ne!(first(&["a", "b"]), first(&["ab", ""]));
        assert_ne!(first(&["a", "b"]), Draw::new(8, &["a", "b"]).next());
    }

    #[test]
    fn chance_follows_its_probability() {
        let mut draw = Draw::new(1, &[]);
        assert!((0..1_000).all(|_| draw.chance(1.0) && !draw.chance(0.0)));
        let hits = (0..10_000).filter(|_| draw.chance(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }

    #[test]
    fn a_number_between_reaches_both_ends() {
        let mut draw = Draw::new(1, &[]);
        let drawn: Vec<u64> = (0..200).map(|_| draw.between(3, 6)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&6)));
    }
}
