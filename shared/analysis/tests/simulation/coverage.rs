//! How often an interval of 95 % holds the true value.

use beacon_analysis::estimate::Estimate;
use beacon_analysis::findings::Interval;
use beacon_analysis::statistics::interval::{
    Cluster, PairedCluster, mean_of_clusters, paired_difference, wilson, wilson_clustered,
};

use crate::jobs::Jobs;

const SIZES: [u64; 4] = [30, 50, 100, 300];

/// Coverages of one kind of interval.
struct Table {
    lines: Vec<String>,
    all: Vec<f64>,
}

impl Table {
    fn new(title: &str) -> Self {
        Self { lines: vec![String::new(), title.to_owned()], all: Vec::new() }
    }

    /// Of one size: its mean lies between these, and none below the floor.
    fn row(&mut self, name: &str, coverages: &[f64], means: [f64; 2], floor: f64) {
        let lowest = coverages.iter().copied().fold(1.0, f64::min);
        let mean = mean(coverages);
        self.line(name, mean, lowest);
        self.all.extend(coverages);
        assert!(means[0] <= mean && mean <= means[1], "{name}: {mean}");
        assert!(lowest >= floor, "{name}: {lowest}");
    }

    fn line(&mut self, name: &str, mean: f64, lowest: f64) {
        let (mean, lowest) = (100.0 * mean, 100.0 * lowest);
        self.lines.push(format!("  {name:<44} mean {mean:5.2} %  lowest {lowest:5.2} %"));
    }

    /// Prints it all at once, and gives the mean.
    fn end(mut self) -> f64 {
        let mean = mean(&self.all);
        self.line("all", mean, self.all.iter().copied().fold(1.0, f64::min));
        println!("{}", self.lines.join("\n"));
        mean
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn holds(interval: Estimate<Interval>, truth: f64) -> bool {
    let interval = interval.known().expect("there are enough clusters");
    interval.low <= truth && truth <= interval.high
}

fn share(runs: u64, mut holds: impl FnMut() -> bool) -> f64 {
    (0..runs).filter(|_| holds()).count() as f64 / runs as f64
}

/// p of .02, .06, …, .98.
fn shares() -> impl Iterator<Item = f64> {
    (0..25).map(|step| 0.02 + 0.04 * f64::from(step))
}

/// How likely 0, 1, …, n of n are: from the middle outwards, so that no end is lost to small numbers.
fn binomial(n: u64, p: f64) -> Vec<f64> {
    let mode = ((n + 1) as f64 * p) as u64;
    let mut likely = vec![1.0; n as usize + 1];
    for x in mode..n {
        let ratio = (n - x) as f64 / (x + 1) as f64 * p / (1.0 - p);
        likely[x as usize + 1] = likely[x as usize] * ratio;
    }
    for x in (0..mode).rev() {
        let ratio = (x + 1) as f64 / (n - x) as f64 * (1.0 - p) / p;
        likely[x as usize] = likely[x as usize + 1] * ratio;
    }
    let all: f64 = likely.iter().sum();
    likely.iter().map(|one| one / all).collect()
}

#[test]
fn wilson_holds_the_share() {
    let mut table = Table::new("Wilson, exact, p of .02, .03, …, .98");
    for n in SIZES {
        let coverages: Vec<f64> = (2..=98)
            .map(|percent| {
                let p = f64::from(percent) / 100.0;
                let mut coverage = 0.0;
                for (x, likely) in (0..=n).zip(binomial(n, p)) {
                    let interval = wilson(x, n).unwrap();
                    if interval.low <= p && p <= interval.high {
                        coverage += likely;
                    }
                }
                coverage
            })
            .collect();
        table.row(&format!("n = {n}"), &coverages, [0.945, 0.955], 0.92);
    }
    table.end();
}

#[test]
fn wilson_of_clusters_holds_the_share() {
    let mut jobs = Jobs::new(1);
    let title = "Wilson of clusters of 4, of 1 to 9, of 20; p of .02, .06, …, .98";
    let mut table = Table::new(title);
    for k in SIZES {
        for rho in [0.0, 0.1, 0.3, 0.6] {
            let mut coverages = Vec::new();
            for (least, most) in [(4, 4), (1, 9), (20, 20)] {
                coverages.extend(shares().map(|p| {
                    share(400, || {
                        let clusters = (0..k).map(|_| {
                            let of = least + jobs.below(most - least + 1);
                            let pairs = jobs.question(of, rho, |jobs| jobs.is(p));
                            let count = pairs.iter().filter(|counts| **counts).count() as u64;
                            Cluster { count, of }
                        });
                        holds(wilson_clustered(&clusters.collect::<Vec<_>>()), p)
                    })
                }));
            }
            // Where pairs are independent it is wider than need be.
            let most = if rho == 0.0 { 0.975 } else { 0.96 };
            let name = format!("{k} clusters, correlation {rho}");
            table.row(&name, &coverages, [0.94, most], 0.8);
        }
    }
    let mean = table.end();
    assert!((0.94..=0.96).contains(&mean), "{mean}");
}

/// A question's pairs by the sides that they count on.
fn paired(pairs: &[(bool, bool)]) -> PairedCluster {
    let count = |side: (bool, bool)| pairs.iter().filter(|pair| **pair == side).count() as u64;
    let (only_a, only_b) = (count((true, false)), count((false, true)));
    PairedCluster { pairs: pairs.len() as u64, only_a, only_b }
}

/// How often the difference is held that pairs drawn so have.
fn held(
    jobs: &mut Jobs,
    (clusters, of, rho): (u64, u64, f64),
    truth: f64,
    mut draw: impl FnMut(&mut Jobs) -> (bool, bool),
) -> f64 {
    share(400, || {
        let clusters: Vec<_> =
            (0..clusters).map(|_| paired(&jobs.question(of, rho, &mut draw))).collect();
        holds(paired_difference(&clusters), truth)
    })
}

/// Pairs of one question, and their correlation.
const PAIRS: [(u64, f64); 5] = [(1, 0.0), (4, 0.1), (4, 0.3), (4, 0.6), (20, 0.3)];

#[test]
fn the_difference_of_pairs_is_held() {
    let mut jobs = Jobs::new(2);
    let mut table = Table::new("Difference of pairs, p of a of .02, .06, …, .98, half of b as a");
    for k in SIZES {
        for of in [1, 4, 20] {
            let mut coverages = Vec::new();
            for (of, rho) in PAIRS.into_iter().filter(|pairs| pairs.0 == of) {
                for a in shares() {
                    for b in [a, f64::midpoint(a, 0.5), 1.0 - a] {
                        coverages.push(held(&mut jobs, (k, of, rho), (b - a) / 2.0, |jobs| {
                            let on_a = jobs.is(a);
                            (on_a, if jobs.is(0.5) { on_a } else { jobs.is(b) })
                        }));
                    }
                }
            }
            table.row(&format!("{k} clusters of {of}"), &coverages, [0.945, 0.965], 0.9);
        }
    }
    let mean = table.end();
    assert!((0.94..=0.96).contains(&mean), "{mean}");
}

#[test]
fn the_difference_of_pairs_that_hardly_differ_is_held() {
    let mut jobs = Jobs::new(4);
    let mut table = Table::new("Difference of pairs of which few differ");
    for k in SIZES {
        for discordant in [0.01, 0.02, 0.05] {
            let mut coverages = Vec::new();
            for (of, rho) in PAIRS {
                for to_b in [0.5, 0.8, 0.95] {
                    let truth = discordant * (2.0 * to_b - 1.0);
                    coverages.push(held(&mut jobs, (k, of, rho), truth, |jobs| {
                        let (differs, b) = (jobs.is(discordant), jobs.is(to_b));
                        (differs && !b, differs && b)
                    }));
                }
            }
            // Of 30 pairs less than one differs: no interval is narrow enough for 95 %.
            let name = format!("{k} clusters, {} % differ", 100.0 * discordant);
            table.row(&name, &coverages, [0.935, 1.0], 0.84);
        }
    }
    let mean = table.end();
    assert!(mean >= 0.94, "{mean}");
}

#[test]
fn the_mean_of_clusters_is_held() {
    let mut jobs = Jobs::new(3);
    let mut table = Table::new("Mean of clusters");
    for k in SIZES {
        let coverage = share(4_000, || {
            let values: Vec<f64> = (0..k).map(|_| jobs.normal()).collect();
            holds(mean_of_clusters(&values), 0.0)
        });
        table.row(&format!("{k} normal numbers"), &[coverage], [0.94, 0.96], 0.94);
    }
    let mean = table.end();
    assert!((0.94..=0.96).contains(&mean), "{mean}");
}
