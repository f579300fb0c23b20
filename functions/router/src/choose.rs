//! Which provider is asked first: a decision without clock or network.

use std::cmp::Ordering;

use crate::stats::Record;

/// A provider of the region and model asked, with what the choice depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<P> {
    pub(crate) provider: P,
    /// US dollars for a call of nominal size.
    pub(crate) price: f64,
    pub(crate) record: Record,
}

/// Orders the candidates: those whose recent calls failed last, then cheapest or fastest first.
/// Equals keep the order of the configuration.
pub(crate) fn choose<P>(
    mut candidates: Vec<Candidate<P>>,
    cost_priority: bool,
    now_ms: u64,
) -> Vec<P> {
    candidates.sort_by(|a, b| {
        let price = a.price.total_cmp(&b.price);
        let latency = a.record.avg_latency.total_cmp(&b.record.avg_latency);
        set_back(a, b, now_ms).then(if cost_priority {
            price.then(latency)
        } else {
            latency.then(price)
        })
    });
    candidates.into_iter().map(|candidate| candidate.provider).collect()
}

fn set_back<P>(a: &Candidate<P>, b: &Candidate<P>, now_ms: u64) -> Ordering {
    a.record.is_failing(now_ms).cmp(&b.record.is_failing(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Observation;

    const NOW: u64 = 1_000_000;

    fn candidate(provider: &str, price: f64, avg_latency: f64) -> Candidate<&str> {
        Candidate { provider, price, record: Record { avg_latency, ..Record::default() } }
    }

    fn failed(mut candidate: Candidate<&str>, times: usize, at_ms: u64) -> Candidate<&str> {
        for _time in 0..times {
            candidate.record = candidate.record.after(Observation::Failure, at_ms);
        }
        candidate
    }

    #[test]
    fn the_cheapest_comes_first_and_latency_breaks_ties() {
        let all = vec![
            candidate("dear", 2.0, 0.1),
            candidate("slow", 1.0, 0.9),
            candidate("a", 1.0, 0.2),
        ];
        assert_eq!(choose(all, true, NOW), ["a", "slow", "dear"]);
    }

    #[test]
    fn without_cost_priority_the_fastest_comes_first_and_price_breaks_ties() {
        let all = vec![
            candidate("slow", 0.0, 0.9),
            candidate("dear", 2.0, 0.1),
            candidate("a", 1.0, 0.1),
        ];
        assert_eq!(choose(all, false, NOW), ["a", "dear", "slow"]);
    }

    #[test]
    fn equals_keep_the_order_of_the_configuration() {
        let all = vec![candidate("b", 1.0, 0.0), candidate("a", 1.0, 0.0)];
        assert_eq!(choose(all, true, NOW), ["b", "a"]);
    }

    #[test]
    fn one_failure_does_not_set_a_provider_back_but_three_do() {
        let other = || candidate("other", 2.0, 0.0);
        let once = failed(candidate("cheap", 1.0, 0.0), 1, NOW);
        assert_eq!(choose(vec![other(), once], true, NOW), ["cheap", "other"]);
        let thrice = failed(candidate("cheap", 1.0, 0.0), 3, NOW);
        assert_eq!(choose(vec![other(), thrice], true, NOW), ["other", "cheap"]);
    }

    #[test]
    fn a_provider_that_was_set_back_is_tried_again_later() {
        let all =
            || vec![candidate("other", 2.0, 0.0), failed(candidate("cheap", 1.0, 0.0), 9, NOW)];
        assert_eq!(choose(all(), true, NOW + 29_999), ["other", "cheap"]);
        assert_eq!(choose(all(), true, NOW + 30_000), ["cheap", "other"]);
    }
}
