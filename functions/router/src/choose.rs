//! Which provider is asked first: a decision without clock or network.

use std::cmp::Ordering;

use beacon_core::wire::{Considered, Order, Standing};

/// A provider of the region and model asked, with what the choice depends on.
#[derive(Debug, Clone)]
pub(crate) struct Candidate<P> {
    pub(crate) provider: P,
    pub(crate) shown: Considered,
    /// Requests of this call that it already got.
    pub(crate) tried: u32,
}

impl<P> Candidate<P> {
    /// Whether it can be asked at all.
    pub(crate) fn is_open(&self) -> bool {
        match self.shown.standing {
            Standing::Available
            | Standing::Cold
            | Standing::Busy
            | Standing::Throttled
            | Standing::SetBack => true,
            Standing::Probing
            | Standing::BreakerOpen
            | Standing::OtherModel
            | Standing::OtherRegion => false,
        }
    }
}

/// Orders the candidates: those that can be asked first, of those the ones that were not yet, then by
/// standing, then cheapest or fastest. Equals keep the order of the configuration.
pub(crate) fn rank<P>(candidates: &mut [Candidate<P>], order: Order) {
    candidates.sort_by(|a, b| {
        let cost = || compare(a.shown.expected_cost, b.shown.expected_cost);
        let latency = || compare(a.shown.expected_seconds, b.shown.expected_seconds);
        let place = |candidate: &Candidate<P>| (!candidate.is_open(), candidate.tried);
        place(a)
            .cmp(&place(b))
            .then(class(a.shown.standing).cmp(&class(b.shown.standing)))
            .then_with(|| match order {
                Order::Cost => cost().then_with(latency),
                Order::Latency => latency().then_with(cost),
            })
    });
}

/// A model that must be loaded is as good as one that is: what loading takes is in what is expected.
fn class(standing: Standing) -> Standing {
    if standing == Standing::Cold { Standing::Available } else { standing }
}

/// What is not known counts as nothing: a provider without a price costs nothing that is known, and
/// one that was never asked is worth asking.
fn compare(a: Option<f64>, b: Option<f64>) -> Ordering {
    a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(provider: &str, cost: f64, seconds: f64) -> Candidate<&str> {
        let shown = Considered {
            provider: provider.to_owned(),
            standing: Standing::Available,
            wait_ms: None,
            expected_cost: Some(cost),
            expected_seconds: Some(seconds),
        };
        Candidate { provider, shown, tried: 0 }
    }

    fn stands(provider: &str, standing: Standing, cost: f64) -> Candidate<&str> {
        let mut candidate = candidate(provider, cost, 1.0);
        candidate.shown.standing = standing;
        candidate
    }

    fn ranked(mut candidates: Vec<Candidate<&str>>, order: Order) -> Vec<&str> {
        rank(&mut candidates, order);
        candidates.into_iter().map(|candidate| candidate.provider).collect()
    }

    #[test]
    fn the_cheapest_comes_first_and_latency_breaks_ties() {
        let all = vec![
            candidate("dear", 2.0, 0.1),
            candidate("slow", 1.0, 0.9),
            candidate("a", 1.0, 0.2),
        ];
        assert_eq!(ranked(all, Order::Cost), ["a", "slow", "dear"]);
    }

    #[test]
    fn or_the_fastest_does_and_price_breaks_ties() {
        let all = vec![
            candidate("slow", 0.0, 0.9),
            candidate("dear", 2.0, 0.1),
            candidate("a", 1.0, 0.1),
        ];
        assert_eq!(ranked(all, Order::Latency), ["a", "dear", "slow"]);
    }

    #[test]
    fn equals_keep_the_order_of_the_configuration() {
        let all = vec![candidate("b", 1.0, 0.0), candidate("a", 1.0, 0.0)];
        assert_eq!(ranked(all, Order::Cost), ["b", "a"]);
    }

    #[test]
    fn who_can_be_asked_at_once_comes_before_who_is_cheaper() {
        use Standing::{Available, BreakerOpen, Busy, Cold, Probing, SetBack, Throttled};
        let all = vec![
            stands("open", BreakerOpen, 0.0),
            stands("probing", Probing, 0.1),
            stands("set back", SetBack, 0.2),
            stands("throttled", Throttled, 0.3),
            stands("busy", Busy, 0.4),
            stands("cold", Cold, 0.5),
            stands("free", Available, 0.6),
        ];
        let expected = ["cold", "free", "busy", "throttled", "set back", "probing", "open"];
        assert_eq!(ranked(all, Order::Cost), expected);
    }

    #[test]
    fn who_was_not_asked_yet_comes_before_who_was() {
        let asked = Candidate { tried: 1, ..candidate("asked", 0.0, 0.0) };
        let all = vec![asked, stands("other", Standing::SetBack, 9.0)];
        assert_eq!(ranked(all, Order::Cost), ["other", "asked"]);
    }
}
