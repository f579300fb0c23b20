//! Figures that others published or computed, to six digits.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their crate")]

use beacon_analysis::estimate::{Estimate, Reason};
use beacon_analysis::findings::{Interval, Method};
use beacon_analysis::statistics::compare::{Levels, Pairs, adjusted, many, two};
use beacon_analysis::statistics::correction::{benjamini_hochberg, holm};
use beacon_analysis::statistics::interval::{
    Cluster, PairedCluster, mean_of_clusters, paired_difference, wilson, wilson_clustered,
};
use beacon_analysis::statistics::paired::{cochran_q, mcnemar_exact};
use beacon_analysis::statistics::permutation::{
    DRAWS, Effort, Stratum, between_beyond_within, sign_flip, within_clusters,
};
use beacon_analysis::statistics::power::smallest_paired_difference;

#[track_caller]
fn is(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 5e-7 * expected.abs().max(1e-6), "{value}, not {expected}");
}

#[track_caller]
fn spans(interval: Option<&Interval>, low: f64, high: f64) {
    let interval = interval.unwrap();
    is(interval.low, low);
    is(interval.high, high);
}

#[track_caller]
fn are(values: &[f64], expected: &[f64]) {
    assert_eq!(values.len(), expected.len());
    values.iter().zip(expected).for_each(|(value, expected)| is(*value, *expected));
}

/// The examples of Newcombe (1998), Statistics in Medicine 17:857, Table I, method 3; further digits by
/// statsmodels 0.15.0, `proportion_confint`.
#[test]
fn wilsons_interval() {
    spans(wilson(81, 263).as_ref(), 0.255_288_520, 0.366_209_577);
    spans(wilson(15, 148).as_ref(), 0.062_386_400, 0.160_487_242);
    spans(wilson(0, 20).as_ref(), 0.0, 0.161_125_158);
    spans(wilson(1, 29).as_ref(), 0.006_113_214, 0.171_755_219);
    assert_eq!(wilson(0, 0), None);
}

/// By the formula in numpy and scipy 1.17.1.
#[test]
fn wilsons_interval_of_clusters() {
    const COUNTS: [u64; 12] = [1, 0, 2, 4, 0, 3, 1, 0, 5, 2, 0, 1];
    const OF: [u64; 12] = [4, 3, 5, 4, 6, 3, 2, 4, 7, 4, 5, 1];
    let clusters: Vec<_> =
        COUNTS.into_iter().zip(OF).map(|(count, of)| Cluster { count, of }).collect();
    let all = wilson_clustered(&clusters);
    spans(all.known(), 0.193_645_403, 0.641_247_146);
    // A question of which nothing completed is none.
    let more = [&clusters[..], &[Cluster { count: 0, of: 0 }]].concat();
    assert_eq!(wilson_clustered(&more), all);
    assert_eq!(wilson_clustered(&clusters[..9]), Estimate::Absent(Reason::TooFewQuestions));
    assert_eq!(wilson_clustered(&more[12..]), Estimate::Absent(Reason::NothingCompleted));
}

/// One pair a question, of which so many count on one side only.
fn singles(only_a: usize, only_b: usize, pairs: usize) -> Vec<PairedCluster> {
    (0..pairs)
        .map(|at| PairedCluster {
            pairs: 1,
            only_a: u64::from(at < only_a),
            only_b: u64::from(only_a <= at && at < only_a + only_b),
        })
        .collect()
}

/// Tango's interval (1998) of the pairs in Newcombe (1998), Statistics in Medicine 17:2635 (12 and 2 of
/// 50), in Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33:2850 (7 and 1 of 21), in the R
/// package `PropCIs` (40 and 20 of 160), and of none that differs. Digits by maximising the likelihood
/// under each difference in scipy 1.17.1; of none, z² ÷ (n + z²).
#[test]
fn the_interval_of_a_difference_of_pairs() {
    const PAIRS: [u64; 12] = [4, 3, 5, 4, 6, 3, 2, 4, 7, 4, 5, 1];
    const ONLY_A: [u64; 12] = [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 2, 0];
    const ONLY_B: [u64; 12] = [0, 2, 1, 1, 3, 0, 1, 0, 4, 2, 0, 1];
    let of = |only_a, only_b, pairs| paired_difference(&singles(only_a, only_b, pairs));
    spans(of(2, 12, 50).known(), 0.061_112_406, 0.344_708_748);
    spans(of(1, 7, 21).known(), 0.026_003_033, 0.517_232_277);
    spans(of(20, 40, 160).known(), 0.030_864_533, 0.218_064_244);
    spans(of(0, 0, 30).known(), -0.113_513_393, 0.113_513_393);
    // Clusters, by the formula in the same way.
    let clusters: Vec<_> = (0..12)
        .map(|at| PairedCluster { pairs: PAIRS[at], only_a: ONLY_A[at], only_b: ONLY_B[at] })
        .collect();
    spans(paired_difference(&clusters).known(), -0.076_654_65, 0.462_771_769);
    assert_eq!(of(1, 1, 9), Estimate::Absent(Reason::TooFewQuestions));
    assert_eq!(of(0, 0, 0), Estimate::Absent(Reason::NoPairs));
}

/// By scipy 1.17.1, `stats.t.interval`.
#[test]
fn the_interval_of_a_mean() {
    let values = [0.1, 0.4, -0.2, 0.3, 0.25, 0.0, 0.15, 0.5, -0.1, 0.35];
    spans(mean_of_clusters(&values).known(), 0.013_054_192, 0.336_945_807);
    assert_eq!(mean_of_clusters(&values[1..]), Estimate::Absent(Reason::TooFewQuestions));
    assert_eq!(mean_of_clusters(&[0.1 + 0.2; 10]), Estimate::Absent(Reason::NoVariation));
}

/// By statsmodels 0.15.0, `mcnemar(exact=True)`; 86 and 150 are of Agresti (1990), Table 10.1.
#[test]
fn mcnemars_test() {
    is(mcnemar_exact(2, 8), 0.109_375);
    is(mcnemar_exact(7, 1), 0.070_312_5);
    is(mcnemar_exact(0, 12), 0.000_488_281_25);
    is(mcnemar_exact(86, 150), 3.715_936_14e-5);
    is(mcnemar_exact(1_000, 1_100), 0.030_720_707_9);
    is(mcnemar_exact(9, 9), 1.0);
    is(mcnemar_exact(0, 0), 1.0);
}

/// Rows of which each stands so often.
fn table(rows: &[(&str, usize)]) -> Vec<Vec<bool>> {
    let row = |row: &str| row.bytes().map(|letter| letter == b'1').collect();
    rows.iter().flat_map(|(letters, times)| vec![row(letters); *times]).collect()
}

/// Favourable answers of 46 patients to three drugs: Agresti (1990), and Q = 8.4706, p = .0145 in the
/// SAS/STAT user's guide, PROC FREQ, "Cochran's Q Test".
const DRUGS: [(&str, usize); 8] = [
    ("111", 6),
    ("110", 16),
    ("101", 2),
    ("100", 4),
    ("011", 2),
    ("010", 4),
    ("001", 6),
    ("000", 6),
];

/// Further digits by statsmodels 0.15.0, `cochrans_q`. The second is Cochran's own example (1950), 69
/// specimens on four media, Q = 8.05.
#[test]
fn cochrans_test() {
    let drugs = cochran_q(&table(&DRUGS)).unwrap();
    assert_eq!(drugs.df, 2);
    are(&[drugs.q, drugs.p], &[8.470_588_24, 0.014_475_552_1]);
    let media = [("1111", 4), ("1101", 2), ("0111", 3), ("0101", 1), ("0000", 59)];
    let media = cochran_q(&table(&media)).unwrap();
    assert_eq!(media.df, 3);
    are(&[media.q, media.p], &[8.052_631_58, 0.044_936_401_2]);
    assert_eq!(cochran_q(&table(&[("111", 3), ("000", 2)])), None);
    assert_eq!(cochran_q(&table(&[("110", 1), ("10", 1)])), None);
    assert_eq!(cochran_q(&[]), None);
}

/// Darwin's pairs of maize: of all 32,768 arrangements 863 have a sum of 314 or more (Fisher 1935, §21),
/// and as many one of −314 or less.
#[test]
fn fishers_test_of_darwins_maize() {
    let maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48].map(f64::from);
    let test = sign_flip(&maize, Effort::ALONE, 0).unwrap();
    assert_eq!((test.statistic.to_bits(), test.draws), (314_f64.to_bits(), None));
    is(test.p, 2.0 * 863.0 / 32_768.0);
    // By scipy 1.17.1, `permutation_test` of all arrangements.
    is(
        sign_flip(&[3.0, -1.0, 2.0, 0.0, 4.0, 1.0, -2.0, 5.0], Effort::ALONE, 0).unwrap().p,
        0.171_875,
    );
    assert_eq!(sign_flip(&[0.0; 12], Effort::ALONE, 0), None);
}

/// By all 7,776 arrangements in Python.
#[test]
fn exchanged_levels() {
    let table = [[3, 1, 0], [2, 2, 1], [4, 0, 1], [1, 0, 0], [3, 2, 2]];
    let table: Vec<_> = table.iter().map(|row| row.map(f64::from).to_vec()).collect();
    let test = within_clusters(&table, DRAWS, 0).unwrap();
    assert_eq!(test.draws, None);
    are(&[test.statistic, test.p], &[146.0 / 3.0, 192.0 / 7_776.0]);
    assert_eq!(within_clusters(&[vec![2.0; 3], vec![0.0; 3]], DRAWS, 0), None);
}

/// Two groups of two that agree within and differ between: two of the six arrangements are as extreme.
#[test]
fn between_and_within() {
    let test = |groups: &[usize], distances: &[f64]| {
        let (groups, distances) = (groups.to_vec(), distances.to_vec());
        between_beyond_within(&Stratum { groups, distances }, DRAWS, 0)
    };
    let found = test(&[0, 0, 1, 1], &[0.0, 1.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
    assert_eq!(found.draws, None);
    are(&[found.statistic, found.p], &[1.0, 2.0 / 6.0]);
    // One sample a region has no distance within, equal answers no variation.
    assert_eq!(test(&[0, 1], &[1.0]), None);
    assert_eq!(test(&[0, 0, 1, 1], &[0.0; 6]), None);
    // Three answers have three distances.
    assert_eq!(test(&[0, 0, 1], &[1.0]), None);
}

/// The fifteen p of Benjamini and Hochberg (1995), §3.2, of which they find four, and Bonferroni's, and
/// so Holm's, method three; adjusted by statsmodels 0.15.0, `multipletests`.
#[test]
fn corrections() {
    let p = [
        0.0278, 0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0,
    ];
    let bh = benjamini_hochberg(&p);
    are(&bh[..6], &[0.063_857_142_9, 0.001_5, 0.003, 0.009_5, 0.035_625, 0.060_3]);
    are(&bh[6..9], &[0.063_857_142_9, 0.064_5, 0.076_5]);
    are(&bh[9..], &[0.486, 0.581_181_818, 0.714_875, 0.753_230_769, 0.813_214_286, 1.0]);
    assert_eq!(bh.iter().filter(|p| **p <= 0.05).count(), 4);
    let by_holm = holm(&p);
    are(&by_holm[..9], &[0.278, 0.001_5, 0.005_6, 0.024_7, 0.114, 0.221_1, 0.278, 0.278, 0.321_3]);
    are(&by_holm[9..], &[1.0; 6]);
    assert_eq!(by_holm.iter().filter(|p| **p <= 0.05).count(), 3);
}

/// So many questions of one pair, of which so many count on one side only.
fn questions(only_a: usize, only_b: usize, all: usize) -> Vec<Pairs> {
    let question = |at: usize| {
        let mut pairs = Pairs::default();
        pairs.add(at < only_a, only_a <= at && at < only_a + only_b);
        pairs
    };
    (0..all).map(question).collect()
}

/// By bisection in Python 3 on both conditions, t from scipy 1.17.1, `stats.t.ppf`.
#[test]
fn the_smallest_difference() {
    let of = |only_a, only_b, all, alpha| {
        smallest_paired_difference(&questions(only_a, only_b, all), alpha, Effort::ALONE)
    };
    is(*of(1, 2, 10, 0.05).known().unwrap(), 0.979_625_151);
    is(*of(3, 3, 31, 0.05).known().unwrap(), 0.380_757_318);
    is(*of(0, 0, 31, 0.05).known().unwrap(), 0.249_632_903);
    assert_eq!(of(1, 1, 9, 0.05), Estimate::Absent(Reason::TooFewQuestions));
    // 2 × 0.5¹⁰ is above it: even ten of ten could not pass.
    assert_eq!(of(1, 1, 10, 0.001), Estimate::Absent(Reason::TooFewForTests));
}

/// The exact test rejects no fewer than six pairs on one side, and seven at a third of 5 %.
#[test]
fn no_difference_is_called_found_that_the_exact_test_cannot_reject() {
    for (alpha, fewest) in [(0.05, 6_u8), (0.05 / 3.0, 7)] {
        let p = |one: u8| two(&questions(0, usize::from(one), 40), 0).test.known().unwrap().p;
        assert!(p(fewest) <= alpha && p(fewest - 1) > alpha);
        let smallest = smallest_paired_difference(&questions(0, 1, 40), alpha, Effort::ALONE);
        let smallest = *smallest.known().unwrap();
        assert!(smallest > f64::from(fewest) / 40.0, "{smallest}");
    }
}

/// Pairs differ, but in no question on balance: that is p = 1, and not that none differs.
#[test]
fn pairs_that_differ_both_ways_are_tested() {
    let both = Pairs { both: 0, only_a: 1, only_b: 1, neither: 0 };
    let test = two(&[both; 12], 0).test;
    let test = test.known().unwrap();
    assert_eq!((test.method, test.statistic), (Method::ClusterPermutation, Some(0.0)));
    is(test.p, 1.0);
    let alike = Pairs { both: 1, only_a: 0, only_b: 0, neither: 1 };
    assert_eq!(two(&[alike; 12], 0).test, Estimate::Absent(Reason::NoVariation));
    let levels = |varying| Levels { rows: 2, varying, counts: vec![1, 1, 1] };
    let test = many(&[levels(2), levels(2)], 0).test;
    is(test.known().unwrap().p, 1.0);
    assert_eq!(many(&[levels(0)], 0).test, Estimate::Absent(Reason::NoVariation));
}

/// Drugs b and c of the same patients: 20 and 8 on one only; p by statsmodels.
#[test]
fn one_row_a_unit_is_tested_by_mcnemar_and_cochran() {
    let rows = table(&DRUGS);
    let pairs = |a: usize, b: usize| -> Vec<Pairs> {
        let pair = |row: &Vec<bool>| {
            let mut pairs = Pairs::default();
            pairs.add(row[a], row[b]);
            pairs
        };
        rows.iter().map(pair).collect()
    };
    let compared = two(&pairs(1, 2), 0);
    assert_eq!((compared.pairs, compared.units), (46, 46));
    assert_eq!((compared.count_a, compared.count_b), (28, 16));
    is(*compared.difference.known().unwrap(), -1_200.0 / 46.0);
    let test = compared.test.known().unwrap();
    assert_eq!((test.method, test.statistic), (Method::McnemarExact, None));
    is(test.p, 0.035_698_138_2);

    let tests =
        [two(&pairs(0, 1), 0).test, two(&[], 0).test, two(&pairs(0, 2), 0).test, compared.test];
    let tests = adjusted(&tests);
    assert_eq!(tests[1], Estimate::Absent(Reason::NoPairs));
    let p: Vec<_> = tests.iter().filter_map(Estimate::known).map(|test| test.p_holm).collect();
    are(&p, &[1.0, 0.107_094_415, 0.107_094_415]);
    let p: Vec<_> = tests.iter().filter_map(Estimate::known).map(|test| test.p_bh).collect();
    are(&p, &[1.0, 0.053_547_207_3, 0.053_547_207_3]);

    let counts = |row: &Vec<bool>| row.iter().map(|counts| u64::from(*counts)).collect();
    let units: Vec<_> = rows
        .iter()
        .map(|row| Levels {
            rows: 1,
            varying: u64::from(row.iter().any(|counts| *counts != row[0])),
            counts: counts(row),
        })
        .collect();
    let test = many(&units, 0).test;
    assert_eq!(test.known().unwrap().method, Method::CochranQ);
    is(test.known().unwrap().p, 0.014_475_552_1);
    // Seven rows that vary are too few for χ².
    let few = many(&units[20..27], 0).test;
    assert_eq!(few.known().unwrap().method, Method::ClusterPermutation);
}

#[test]
fn several_pairs_a_unit_are_tested_together() {
    let unit = |only_a, only_b| Pairs { both: 1, only_a, only_b, neither: 2 };
    let net = [(0, 3), (1, 0), (0, 2), (1, 1), (0, 4), (2, 3), (2, 0), (0, 5)];
    let compared = two(&net.map(|(a, b)| unit(a, b)), 0);
    let test = compared.test.known().unwrap();
    assert_eq!((test.method, test.draws), (Method::ClusterPermutation, None));
    is(test.p, 0.171_875);
    assert_eq!(compared.interval, Estimate::Absent(Reason::TooFewQuestions));
    // Two pairs are several already.
    let pairs = two(&[Pairs { only_b: 1, neither: 1, ..Pairs::default() }; 6], 0).test;
    assert_eq!(pairs.known().unwrap().method, Method::ClusterPermutation);
    is(pairs.known().unwrap().p, 2.0 / 64.0);
    assert_eq!(two(&[unit(0, 0); 12], 0).test, Estimate::Absent(Reason::NoVariation));
}

/// What is drawn from a seed stays the same.
#[test]
fn draws_are_the_same_on_every_machine() {
    let all: Vec<f64> = (0..40).map(|at| f64::from(at % 7) - 2.5 + f64::from(at) / 64.0).collect();
    let table: Vec<Vec<f64>> = all.chunks(4).map(<[f64]>::to_vec).collect();
    let groups: Vec<usize> = (0..12).map(|at| at / 4).collect();
    let distances = (0..66).map(|at| f64::from(at * at % 11)).collect();
    let drawn = [
        sign_flip(&all, Effort::ALONE, 7),
        within_clusters(&table, DRAWS, 7),
        between_beyond_within(&Stratum { groups, distances }, DRAWS, 8),
    ];
    let p = drawn.map(|test| test.map(|test| (test.p.to_string(), test.draws)));
    assert_eq!(p, ["0.0392", "0.923", "0.0412"].map(|p| Some((p.to_owned(), Some(9_999)))));
}
