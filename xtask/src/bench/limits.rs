//! What the pipeline may cost, and what it does.

use std::time::Duration;

use super::Results;
use super::beacon::Run;
use super::process::Measured;
use super::table::{Line, Verdict};
use super::workload::MODELS;

/// Most of promptfoo's CPU time.
const CPU_SHARE: f64 = 1.0 / 6.0;
/// Most of promptfoo's wall time.
const WALL_SHARE: f64 = 1.0 / 5.0;
/// Most memory of a run, MiB.
const PEAK_MIB: f64 = 100.0;
/// The longest that a final status may be in coming, of 99 jobs in 100, milliseconds.
const LAG_MS: i64 = 1000;
/// Most growth of an execution's cost from 1,008 executions to 20,000.
const GROWTH: f64 = 1.25;

/// The lines of the table.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let mut lines = beside_promptfoo(results);
    lines.extend(shares(&results.standard));
    lines.extend(requests(&results.standard));
    lines.push(visible(&results.lags));
    lines.extend(growth(results));
    lines
}

fn beside_promptfoo(results: &Results) -> Vec<Line> {
    let (runs, peer) = (&results.standard, &results.peer);
    let (cpu, wall) = (median(runs, |run| run.cpu), median(runs, |run| run.wall));
    let peer_cpu = middle(peer.iter().map(|run| seconds(run.cpu)).collect());
    let peer_wall = middle(peer.iter().map(|run| seconds(run.wall)).collect());
    let peak = runs.iter().map(|run| mib(&run.measured)).fold(0.0, f64::max);
    let peer_peak = peer.iter().map(mib).fold(0.0, f64::max);
    let mut lines = vec![
        told("CPU time of promptfoo", peer_cpu.map_or_else(absent, |cpu| format!("{cpu:.2} s"))),
        told("CPU time of Beacon", spread(runs, |run| run.cpu)),
        share("CPU time, Beacon ÷ promptfoo", CPU_SHARE, peer_cpu.map(|peer| cpu / peer)),
        told(
            "wall time of promptfoo",
            peer_wall.map_or_else(absent, |wall| format!("{wall:.2} s")),
        ),
        told("wall time of Beacon", spread(runs, |run| run.wall)),
        share("wall time, Beacon ÷ promptfoo", WALL_SHARE, peer_wall.map(|peer| wall / peer)),
    ];
    if !peer.is_empty() {
        lines.push(told("peak memory of promptfoo", format!("{peer_peak:.0} MiB")));
    }
    lines.push(at_most("peak memory of Beacon", PEAK_MIB, Some(peak), |mib| {
        format!("{mib:.0} MiB")
    }));
    lines
}

/// Beacon's CPU time by part; each embedded part has threads of its own name.
fn shares(runs: &[Run]) -> Vec<Line> {
    let part = |measured: &Measured, name: &str| {
        let cpu = measured.threads.get(name).copied().unwrap_or_default();
        seconds(cpu) / seconds(measured.threads.values().sum()).max(f64::MIN_POSITIVE)
    };
    let of = |name: &str| {
        middle(runs.iter().map(|run| part(&run.measured, name)).collect()).unwrap_or_default()
    };
    let [tables, queue] = ["tables", "queue"].map(of);
    let cpu = median(runs, |run| run.cpu);
    let line = |what: &str, share: f64| {
        told(what, format!("{:.0} % ({:.2} s)", 100.0 * share, share * cpu))
    };
    vec![
        line("… of which the embedded table", tables),
        line("… of which the embedded queues", queue),
        line("… of which the router", of("router")),
        line("… of which the API", of("api")),
        line("… without the table and the queues", 1.0 - tables - queue),
    ]
}

/// Requests an execution, of the run that cost most. Answers come at once, so nothing is allowed
/// for waiting; an output with its row is smaller than one unit.
fn requests(runs: &[Run]) -> Vec<Line> {
    let models = f64::from(u8::try_from(MODELS.len()).unwrap_or(u8::MAX));
    let most = |of: fn(&Run) -> f64| {
        Some(runs.iter().map(|run| of(run) / count(run.executions)).fold(0.0, f64::max))
    };
    let units = |units: f64| format!("{units:.3}");
    vec![
        at_most(
            "write units an execution",
            1.0 + 2.0 / models + 0.1,
            most(|run| run.usage.write_units),
            units,
        ),
        at_most("read units an execution", 2.0, most(|run| run.usage.read_units), units),
        at_most(
            "queue requests an execution",
            4.0 / models,
            most(|run| count(run.usage.queue_requests)),
            units,
        ),
    ]
}

fn visible(lags: &[i64]) -> Line {
    let (middle, high) = (percentile(lags, 50), percentile(lags, 99));
    Line {
        what: format!("last row → final status visible, p99 of {} jobs", lags.len()),
        limit: format!("< {LAG_MS} ms"),
        value: format!("{high} ms (p50 {middle} ms)"),
        verdict: if high < LAG_MS { Verdict::Ok } else { Verdict::Missed },
    }
}

/// What an execution costs at 20,000, as a multiple of what it costs at 1,008.
fn growth(results: &Results) -> Vec<Line> {
    let standard = results.standard.first().map_or(1.0, |run| count(run.executions));
    let large = results.large.as_ref();
    let line = |what: &str, of: fn(&Measured) -> f64| {
        let small = median_of(&results.standard, of) / standard;
        let value = large.map(|run| of(&run.measured) / count(run.executions) / small);
        at_most(what, GROWTH, value, |ratio| format!("{ratio:.2} ×"))
    };
    let mut lines = vec![
        line("wall time an execution, 20,000 beside 1,008", |run| seconds(run.wall)),
        line("CPU time an execution, 20,000 beside 1,008", |run| seconds(run.cpu)),
        line("peak memory an execution, 20,000 beside 1,008", mib),
    ];
    if let Some(run) = large {
        let Measured { wall, cpu, .. } = run.measured;
        let (wall, cpu, peak) = (seconds(wall), seconds(cpu), mib(&run.measured));
        let value = format!("{wall:.1} s, {cpu:.1} s, {peak:.0} MiB");
        lines.push(told("… all of them: wall time, CPU time, peak memory", value));
    }
    lines
}

fn share(what: &str, limit: f64, value: Option<f64>) -> Line {
    at_most(what, limit, value, |share| format!("1/{:.1}", 1.0 / share))
}

pub(crate) fn at_most(
    what: &str,
    limit: f64,
    value: Option<f64>,
    show: impl Fn(f64) -> String,
) -> Line {
    let verdict = match value {
        None => Verdict::NotMeasured,
        Some(value) if value <= limit => Verdict::Ok,
        Some(_too_much) => Verdict::Missed,
    };
    let (limit, value) = (format!("≤ {}", show(limit)), value.map_or_else(absent, show));
    Line { what: what.to_owned(), limit, value, verdict }
}

/// The opposite: a value below the limit misses it.
pub(crate) fn at_least(
    what: &str,
    limit: f64,
    value: Option<f64>,
    show: impl Fn(f64) -> String,
) -> Line {
    let line = at_most(what, -limit, value.map(|value| -value), |negative| show(-negative));
    Line { limit: format!("≥ {}", show(limit)), ..line }
}

pub(crate) fn told(what: &str, value: String) -> Line {
    Line { what: what.to_owned(), limit: String::new(), value, verdict: Verdict::Told }
}

pub(crate) fn absent() -> String {
    "–".to_owned()
}

fn spread(runs: &[Run], of: fn(&Measured) -> Duration) -> String {
    let all = || runs.iter().map(|run| seconds(of(&run.measured)));
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    format!("{:.2} s ({least:.2} to {most:.2})", median(runs, of))
}

fn median(runs: &[Run], of: fn(&Measured) -> Duration) -> f64 {
    middle(runs.iter().map(|run| seconds(of(&run.measured))).collect()).unwrap_or_default()
}

fn median_of(runs: &[Run], of: fn(&Measured) -> f64) -> f64 {
    middle(runs.iter().map(|run| of(&run.measured)).collect()).unwrap_or_default()
}

/// The median; of an even number of values the mean of the two in the middle.
pub(crate) fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// The least value that at least so many percent of the values do not exceed.
pub(crate) fn percentile(ascending: &[i64], percent: usize) -> i64 {
    let rank = (ascending.len() * percent).div_ceil(100);
    ascending.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "far below the numbers that a float rounds")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

fn mib(measured: &Measured) -> f64 {
    count(measured.peak_bytes) / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_are_of_the_values() {
        assert_eq!(middle(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(middle(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(middle(vec![]), None);
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 99)), (50, 99));
        assert_eq!((percentile(&[7], 99), percentile(&[], 99)), (7, 0));
    }

    #[test]
    fn a_limit_is_missed_only_by_a_value_above_it() {
        let verdict = |value| at_most("", 2.0, value, |v| format!("{v}")).verdict;
        assert_eq!(verdict(Some(2.0)), Verdict::Ok);
        assert_eq!(verdict(Some(2.1)), Verdict::Missed);
        assert_eq!(verdict(None), Verdict::NotMeasured);
        let least = |value| at_least("", 2.0, Some(value), |v| format!("{v}"));
        assert_eq!([2.0, 1.9].map(|value| least(value).verdict), [Verdict::Ok, Verdict::Missed]);
        assert_eq!((least(1.9).limit, least(1.9).value), ("≥ 2".to_owned(), "1.9".to_owned()));
        assert_eq!(share("", CPU_SHARE, Some(0.1)).value, "1/10.0");
    }
}
