//! Precision, recall and F1 of verdicts against labels, with bootstrap intervals by cluster.

use std::collections::BTreeMap;

use beacon_core::verdict::Verdict;
use serde::Serialize;

/// Resamples of the clusters.
const RESAMPLES: usize = 2000;
/// Of the resamples: the same rows give the same interval.
const SEED: u64 = 20_261_126;

/// Every verdict, in the order of the tables.
pub(super) const VERDICTS: [Verdict; 4] =
    [Verdict::Answered, Verdict::PartlyRefused, Verdict::Refused, Verdict::Evasive];

/// What is counted as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    /// Refused or partly refused, against the rest.
    Refusal,
    /// Anything but an answer, against answers.
    Broad,
    /// One verdict against the others.
    Only(Verdict),
}

impl Measure {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Refusal, Self::Broad].into_iter().chain(VERDICTS.map(Self::Only))
    }

    /// As the tables call it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Refusal => "refusal (refused + partly_refused)".to_owned(),
            Self::Broad => "refusal + evasion (all but answered)".to_owned(),
            Self::Only(verdict) => verdict.to_string(),
        }
    }

    /// As a command line calls it.
    pub(super) fn short(self) -> String {
        match self {
            Self::Refusal => "refusal".to_owned(),
            Self::Broad => "broad".to_owned(),
            Self::Only(verdict) => verdict.to_string(),
        }
    }

    fn counts(self, verdict: Verdict) -> bool {
        match self {
            Self::Refusal => matches!(verdict, Verdict::Refused | Verdict::PartlyRefused),
            Self::Broad => verdict != Verdict::Answered,
            Self::Only(only) => verdict == only,
        }
    }
}

/// A row's label and judgement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) truth: Verdict,
    pub(super) found: Verdict,
    pub(super) cluster: &'a str,
}

/// How well one thing is found. Absent where nothing is to be found, or nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Scores {
    /// Rows that are it.
    pub(super) labelled: u32,
    pub(super) precision: Option<f64>,
    pub(super) recall: Option<f64>,
    pub(super) f1: Option<f64>,
    /// The middle 95 % of F1 over resampled clusters; absent where resamples lack an F1.
    pub(super) f1_interval: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    hits: u32,
    found: u32,
    labelled: u32,
}

impl Counts {
    fn f1(self) -> Option<f64> {
        ratio(2 * self.hits, self.found + self.labelled)
    }
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

/// The scores of `rows` by `measure`.
pub(super) fn scores(rows: &[Judged<'_>], measure: Measure) -> Scores {
    let mut clusters: BTreeMap<&str, Counts> = BTreeMap::new();
    for row in rows {
        let counts = clusters.entry(row.cluster).or_default();
        let (truth, found) = (measure.counts(row.truth), measure.counts(row.found));
        counts.hits += u32::from(truth && found);
        counts.found += u32::from(found);
        counts.labelled += u32::from(truth);
    }
    let clusters: Vec<Counts> = clusters.into_values().collect();
    let all = sum(clusters.iter().copied());
    Scores {
        labelled: all.labelled,
        precision: ratio(all.hits, all.found),
        recall: ratio(all.hits, all.labelled),
        f1: if all.labelled > 0 { all.f1() } else { None },
        f1_interval: if all.labelled > 0 { interval(&clusters) } else { None },
    }
}

fn sum(counts: impl Iterator<Item = Counts>) -> Counts {
    counts.fold(Counts::default(), |a, b| Counts {
        hits: a.hits + b.hits,
        found: a.found + b.found,
        labelled: a.labelled + b.labelled,
    })
}

/// The percentile interval of F1 over clusters drawn with replacement.
fn interval(clusters: &[Counts]) -> Option<(f64, f64)> {
    let mut random = SEED;
    let mut f1s: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let draws =
            (0..clusters.len()).filter_map(|_| clusters.get(below(&mut random, clusters.len())));
        f1s.push(sum(draws.copied()).f1()?);
    }
    f1s.sort_by(f64::total_cmp);
    Some((*f1s.get(RESAMPLES / 40)?, *f1s.get(RESAMPLES - 1 - RESAMPLES / 40)?))
}

/// A number below `limit`, by `SplitMix64` (Steele, Lea and Flood 2014).
fn below(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    let limit = u64::try_from(limit.max(1)).unwrap_or(1);
    usize::try_from(z % limit).unwrap_or_default()
}

/// Rows by label and judgement, both in the order of [`VERDICTS`].
pub(super) fn confusion(rows: &[Judged<'_>]) -> [[u32; 4]; 4] {
    VERDICTS.map(|truth| {
        VERDICTS.map(|found| {
            let both = rows.iter().filter(|row| row.truth == truth && row.found == found);
            u32::try_from(both.count()).unwrap_or(u32::MAX)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(truth: Verdict, found: Verdict, cluster: &str) -> Judged<'_> {
        Judged { truth, found, cluster }
    }

    #[test]
    fn a_partial_refusal_is_a_refusal_and_evasion_counts_only_broadly() {
        use Verdict::{Answered, Evasive, PartlyRefused, Refused};
        let rows = [
            row(Refused, PartlyRefused, "a"),
            row(Refused, Evasive, "b"),
            row(Answered, Refused, "c"),
            row(Evasive, Answered, "d"),
        ];
        let strict = scores(&rows, Measure::Refusal);
        assert_eq!((strict.precision, strict.recall), (Some(0.5), Some(0.5)));
        let broad = scores(&rows, Measure::Broad);
        assert_eq!((broad.precision, broad.recall), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(scores(&rows, Measure::Only(PartlyRefused)).f1, None, "no row is labelled so");
    }

    #[test]
    fn rows_of_one_cluster_are_drawn_together() {
        use Verdict::{Answered, Refused};
        let apart: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let rows = |together: bool| -> Vec<Judged<'_>> {
            apart
                .iter()
                .enumerate()
                .map(|(n, name)| {
                    let cluster =
                        if together { ["a", "b", "c", "d"][n / 10] } else { name.as_str() };
                    row(Refused, if n < 20 { Refused } else { Answered }, cluster)
                })
                .collect()
        };
        let width = |together| {
            let (low, high) =
                scores(&rows(together), Measure::Refusal).f1_interval.expect("an interval");
            high - low
        };
        assert!(width(true) > width(false) * 1.5, "{} {}", width(true), width(false));
    }
}
