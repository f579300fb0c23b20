//! The table, and what the router's figures may be.

use super::gateway::{Held, Loaded};
use super::load::Outcome;
use super::{CONNECTIONS, IN_FLIGHT, Results};
use crate::bench::limits::{absent, at_least, at_most, count, middle, told};
use crate::bench::table::Line;

/// Least requests a second, as a multiple of LiteLLM's.
const RATIO: f64 = 60.0;
/// Least requests for a second of the router's own CPU time.
const PER_CPU_SECOND: f64 = 5000.0;
/// Most added to the median of a call, microseconds.
const ADDED_US: f64 = 200.0;
/// Most memory idle, and with calls in flight, MiB.
const IDLE_MIB: f64 = 30.0;
const HELD_MIB: f64 = 100.0;

/// The lines of the table; the first results are Beacon's.
pub(super) fn lines(direct: &[Outcome], results: &[Results]) -> Vec<Line> {
    let mut lines = throughput(results);
    lines.extend(latency(direct, results));
    lines.extend(memory(results));
    lines.extend(cancels(results));
    lines
}

/// The connections with the most requests a second, and the medians there.
#[derive(Debug, PartialEq)]
struct Best {
    connections: usize,
    per_second: f64,
    per_cpu_second: f64,
}

fn best(results: &Results) -> Option<Best> {
    let levels = CONNECTIONS.into_iter().zip(&results.steady).filter_map(|(connections, runs)| {
        let runs: Vec<&Loaded> = runs.iter().map(Option::as_ref).collect::<Option<_>>()?;
        let of = |value: fn(&Loaded) -> f64| middle(runs.iter().map(|run| value(run)).collect());
        Some(Best {
            connections,
            per_second: of(|run| run.outcome.per_second)?,
            per_cpu_second: of(|run| count(run.outcome.answered) / run.cpu_seconds)?,
        })
    });
    levels.max_by(|a, b| a.per_second.total_cmp(&b.per_second))
}

fn throughput(results: &[Results]) -> Vec<Line> {
    let best: Vec<(&str, Option<Best>)> =
        results.iter().map(|results| (results.name.as_str(), best(results))).collect();
    let mut lines: Vec<Line> = best
        .iter()
        .map(|(name, best)| {
            let value = best.as_ref().map_or_else(absent, |best| {
                format!("{:.0} ({} connections)", best.per_second, best.connections)
            });
            told(&format!("requests/s of {name}"), value)
        })
        .collect();
    let rate = |index: usize| Some(best.get(index)?.1.as_ref()?.per_second);
    let ratio = rate(0).zip(rate(1)).map(|(own, peer)| own / peer);
    lines.push(at_least("requests/s, Beacon ÷ LiteLLM", RATIO, ratio, |ratio| {
        format!("{ratio:.1} ×")
    }));
    for (index, (name, best)) in best.iter().enumerate() {
        let what = format!("requests for a second of its CPU time, {name}");
        let value = best.as_ref().map(|best| best.per_cpu_second);
        let show = |value: f64| format!("{value:.0}");
        lines.push(if index == 0 {
            at_least(&what, PER_CPU_SECOND, value, show)
        } else {
            told(&what, value.map_or_else(absent, show))
        });
    }
    lines
}

fn latency(direct: &[Outcome], results: &[Results]) -> Vec<Line> {
    let of = |runs: &[Outcome], value: fn(&Outcome) -> f64| {
        middle(runs.iter().map(value).collect()).unwrap_or_default()
    };
    let both = |runs: &[Outcome]| [of(runs, |run| run.p50_us), of(runs, |run| run.p99_us)];
    let [p50, p99] = both(direct);
    let show = |value: f64| format!("{value:.0} µs");
    let mut lines = vec![told(
        "one connection, the upstream itself: p50, p99",
        format!("{p50:.0}, {p99:.0} µs"),
    )];
    for (index, results) in results.iter().enumerate() {
        let [own50, own99] = both(&results.alone);
        let name = &results.name;
        let what = format!("added by {name}, p50");
        lines.push(if index == 0 {
            at_most(&what, ADDED_US, Some(own50 - p50), show)
        } else {
            told(&what, show(own50 - p50))
        });
        lines.push(told(&format!("added by {name}, p99"), show(own99 - p99)));
    }
    lines
}

fn memory(results: &[Results]) -> Vec<Line> {
    let show = |value: f64| format!("{value:.0} MiB");
    let mut lines = Vec::new();
    for (index, results) in results.iter().enumerate() {
        let name = &results.name;
        let idle = format!("memory of {name}, idle");
        let after = told(&format!("… after the load, {name}"), show(mib(results.idle_after_bytes)));
        let held = results.held.as_ref();
        let all = |held: &&Held| {
            held.outcome.errors == 0 && usize::try_from(held.running).is_ok_and(|n| n == IN_FLIGHT)
        };
        let in_flight = format!("… with {IN_FLIGHT} calls in flight, {name}");
        if index == 0 {
            lines.push(at_most(&idle, IDLE_MIB, Some(mib(results.idle_bytes)), show));
            lines.push(after);
            let memory = held.filter(all).map(|held| mib(held.memory_bytes));
            lines.push(at_most(&in_flight, HELD_MIB, memory, show));
        } else {
            lines.push(told(&idle, show(mib(results.idle_bytes))));
            lines.push(after);
            let value = held.map_or_else(absent, |held| {
                let some = format!(" (of which {} arrived)", held.running);
                let memory = show(mib(held.memory_bytes));
                memory + if all(&held) { "" } else { &some }
            });
            lines.push(told(&in_flight, value));
        }
    }
    lines
}

fn cancels(results: &[Results]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, results) in results.iter().enumerate() {
        let Some(cancelled) = &results.cancelled else { continue };
        let (cancels, name) = (results.cancels, &results.name);
        let what = format!("{cancels} calls cancelled: still running upstream, {name}");
        let (left, show) = (count(cancelled.left), |value: f64| format!("{value:.0}"));
        lines.push(if index == 0 {
            at_most(&what, 0.0, Some(left), show)
        } else {
            told(&what, show(left))
        });
        lines.push(told("… and sent upstream", cancelled.sent.to_string()));
    }
    lines
}

fn mib(bytes: u64) -> f64 {
    count(bytes) / (1024.0 * 1024.0)
}
