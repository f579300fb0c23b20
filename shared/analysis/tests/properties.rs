//! What holds of every test and interval, whatever the numbers.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their crate")]

use beacon_analysis::estimate::Estimate;
use beacon_analysis::findings::Interval;
use beacon_analysis::statistics::compare::{Pairs, two};
use beacon_analysis::statistics::correction::{benjamini_hochberg, holm};
use beacon_analysis::statistics::interval::{
    Cluster, PairedCluster, paired_difference, wilson, wilson_clustered,
};
use beacon_analysis::statistics::paired::{cochran_q, mcnemar_exact};
use beacon_analysis::statistics::permutation::{
    Effort, Stratum, between_beyond_within, sign_flip, within_clusters,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn is_probability(p: f64) -> bool {
    0.0 < p && p <= 1.0
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

fn cluster() -> impl Strategy<Value = Cluster> {
    (0..9_u64, 0..9_u64).prop_map(|(count, others)| Cluster { count, of: count + others })
}

fn pairs() -> impl Strategy<Value = Pairs> {
    (0..4_u64, 0..4_u64, 0..4_u64, 0..4_u64).prop_map(|(both, only_a, only_b, neither)| Pairs {
        both,
        only_a,
        only_b,
        neither,
    })
}

fn table() -> impl Strategy<Value = Vec<Vec<bool>>> {
    (2..6_usize).prop_flat_map(|levels| vec(vec(any::<bool>(), levels), 1..30))
}

fn stratum() -> impl Strategy<Value = Stratum> {
    vec((0..3_usize, 0..3_u8), 2..8).prop_map(|answers| Stratum {
        groups: answers.iter().map(|answer| answer.0).collect(),
        distances: (0..answers.len())
            .flat_map(|a| (a + 1..answers.len()).map(move |b| (a, b)))
            .map(|(a, b)| f64::from(answers[a].1.abs_diff(answers[b].1)))
            .collect(),
    })
}

/// All orders of the labels, equal ones more than once.
fn orders(labels: &[usize]) -> Vec<Vec<usize>> {
    if labels.is_empty() {
        return vec![Vec::new()];
    }
    (0..labels.len())
        .flat_map(|first| {
            let mut rest = labels.to_vec();
            let label = rest.remove(first);
            orders(&rest).into_iter().map(move |rest| [vec![label], rest].concat())
        })
        .collect()
}

/// Mean distance between groups − mean distance within.
fn excess(groups: &[usize], distances: &[f64]) -> f64 {
    let (mut between, mut within) = (Vec::new(), Vec::new());
    let mut distances = distances.iter();
    for a in 0..groups.len() {
        for b in a + 1..groups.len() {
            let of = if groups[a] == groups[b] { &mut within } else { &mut between };
            of.push(*distances.next().unwrap());
        }
    }
    let mean = |values: &[f64]| {
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
    };
    mean(&between) - mean(&within)
}

proptest! {
    #[test]
    fn wilsons_interval_holds_its_share(count in 0..500_u64, others in 0..500_u64) {
        let of = count + others;
        let share = f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(of).unwrap());
        match wilson(count, of) {
            None => prop_assert_eq!(of, 0),
            Some(Interval { low, high }) => {
                prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
                prop_assert!(low < high);
                let mirrored = wilson(others, of).unwrap();
                prop_assert!(near(mirrored.low, 1.0 - high) && near(mirrored.high, 1.0 - low));
            }
        }
    }

    #[test]
    fn an_interval_of_clusters_is_no_narrower(clusters in vec(cluster(), 10..40)) {
        let [count, of] = clusters.iter().fold([0, 0], |[x, n], c| [x + c.count, n + c.of]);
        if let Estimate::Known(Interval { low, high }) = wilson_clustered(&clusters) {
            let plain = wilson(count, of).unwrap();
            prop_assert!(0.0 <= low && low <= plain.low + 1e-12 && plain.high <= high + 1e-12);
            prop_assert!(high <= 1.0);
        }
    }

    #[test]
    fn one_pair_a_cluster_is_wilson(counts in vec(any::<bool>(), 10..200)) {
        let clusters: Vec<_> = counts.iter().map(|c| Cluster { count: u64::from(*c), of: 1 }).collect();
        let clustered = wilson_clustered(&clusters);
        let count = counts.iter().filter(|counts| **counts).count();
        let plain = wilson(count.try_into().unwrap(), counts.len().try_into().unwrap()).unwrap();
        let clustered = clustered.known().unwrap();
        prop_assert!(near(clustered.low, plain.low) && near(clustered.high, plain.high));
    }

    #[test]
    fn exchanged_sides_mirror_everything(units in vec(pairs(), 1..40)) {
        let exchanged: Vec<_> =
            units.iter().map(|u| Pairs { only_a: u.only_b, only_b: u.only_a, ..*u }).collect();
        let (ab, ba) = (two(&units, 3), two(&exchanged, 3));
        prop_assert_eq!((ab.count_a, ab.count_b), (ba.count_b, ba.count_a));
        prop_assert_eq!(ab.difference.known().map(|d| 0.0 - d), ba.difference.known().copied());
        prop_assert_eq!(ab.test.known().map(|test| test.p), ba.test.known().map(|test| test.p));
        if let (Some(ab), Some(ba)) = (ab.interval.known(), ba.interval.known()) {
            prop_assert!(near(ab.low, -ba.high) && near(ab.high, -ba.low));
        }
    }

    #[test]
    fn an_interval_of_a_difference_holds_it_and_has_a_width(units in vec(pairs(), 10..40)) {
        let clusters: Vec<_> = units
            .iter()
            .map(|u| PairedCluster { pairs: u.all(), only_a: u.only_a, only_b: u.only_b })
            .collect();
        let difference = two(&units, 0).difference;
        if let (Estimate::Known(interval), Some(difference)) =
            (paired_difference(&clusters), difference.known())
        {
            let Interval { low, high } = interval;
            let difference = difference / 100.0;
            prop_assert!(-1.0 <= low && low <= difference && difference <= high && high <= 1.0);
            prop_assert!(high - low > 1e-3, "{interval:?}");
        }
    }

    #[test]
    fn every_p_is_a_probability(rows in table(), a in 0..3_000_u64, b in 0..3_000_u64, seed: u64) {
        prop_assert!(is_probability(mcnemar_exact(a, b)));
        let sums: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().map(|x| f64::from(u8::from(*x))).collect()).collect();
        let varies = rows.iter().any(|row| row.iter().any(|value| *value != row[0]));
        let cochran = cochran_q(&rows).map(|cochran| cochran.p);
        let exchanged = within_clusters(&sums, 99, seed).map(|test| test.p);
        prop_assert_eq!((cochran.is_some(), exchanged.is_some()), (varies, varies));
        for p in [cochran, exchanged].into_iter().flatten() {
            prop_assert!(is_probability(p), "{}", p);
        }
    }

    #[test]
    fn single_differences_are_mcnemars(only_a in 0..60_usize, only_b in 0..60_usize) {
        let differences = [vec![-1.0; only_a], vec![1.0; only_b], vec![0.0; 5]].concat();
        let test = sign_flip(&differences, Effort::ALONE, 0);
        let exact = mcnemar_exact(only_a.try_into().unwrap(), only_b.try_into().unwrap());
        prop_assert!(near(test.map_or(1.0, |test| test.p), exact));
    }

    #[test]
    fn whole_and_split_numbers_are_flipped_alike(whole in vec(-6..7_i32, 1..12)) {
        let whole: Vec<f64> = whole.into_iter().map(f64::from).collect();
        // Halves of odd numbers are not whole, and so enumerated.
        let halves: Vec<f64> = whole.iter().map(|number| number / 2.0).collect();
        let (whole, halves) = [whole, halves].map(|all| sign_flip(&all, Effort::ALONE, 0)).into();
        prop_assert_eq!(whole.map(|test| test.draws), halves.map(|test| test.draws));
        prop_assert!(near(whole.map_or(1.0, |t| t.p), halves.map_or(1.0, |t| t.p)));
    }

    #[test]
    fn drawn_flips_lie_near_all_flips(halves in vec(-9..10_i32, 15..24), seed: u64) {
        let drawn: Vec<f64> = halves.iter().map(|number| f64::from(*number) + 0.25).collect();
        let all: Vec<f64> = drawn.iter().map(|number| number * 4.0).collect();
        let few = Effort { additions: 0, draws: 4_999 };
        let drawn = sign_flip(&drawn, few, seed).unwrap();
        let all = sign_flip(&all, Effort::ALONE, 0).unwrap();
        prop_assert_eq!((drawn.draws, all.draws), (Some(4_999), None));
        prop_assert!((drawn.p - all.p).abs() < 0.05, "{drawn:?} {all:?}");
    }

    #[test]
    fn labels_are_exchanged_in_every_way(stratum in stratum()) {
        let Some(test) = between_beyond_within(&stratum, 99, 0) else {
            return Ok(());
        };
        prop_assert_eq!(test.draws, None);
        let seen = excess(&stratum.groups, &stratum.distances);
        let all = orders(&stratum.groups);
        let extreme =
            all.iter().filter(|groups| excess(groups, &stratum.distances) >= seen - 1e-9).count();
        let share = f64::from(u32::try_from(extreme).unwrap()) / f64::from(u32::try_from(all.len()).unwrap());
        prop_assert!(near(test.statistic, seen) && near(test.p, share), "{test:?} {seen} {share}");
    }

    #[test]
    fn adjusted_p_are_no_smaller_and_in_order(p in vec(0.000_001..1.0_f64, 0..40)) {
        for adjusted in [holm(&p), benjamini_hochberg(&p)] {
            prop_assert_eq!(adjusted.len(), p.len());
            for a in 0..p.len() {
                prop_assert!(is_probability(adjusted[a]) && adjusted[a] >= p[a]);
                for b in 0..p.len() {
                    prop_assert!(p[a] > p[b] || adjusted[a] <= adjusted[b]);
                }
            }
        }
        let pairs = holm(&p).into_iter().zip(benjamini_hochberg(&p));
        prop_assert!(pairs.into_iter().all(|(by_holm, bh)| bh <= by_holm + 1e-12));
    }
}
