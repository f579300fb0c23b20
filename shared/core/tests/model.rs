//! The whole, explored: every order in which workers, dispatcher, coordinator, reconciler and client
//! can do what they do to one small job, with processes that die, messages that are lost or come
//! twice, and requests that are repeated or late.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model {
    pub(crate) mod action;
    pub(crate) mod client;
    pub(crate) mod coordinator;
    pub(crate) mod dispatcher;
    pub(crate) mod fault;
    pub(crate) mod pool;
    pub(crate) mod property;
    pub(crate) mod reconciler;
    pub(crate) mod report;
    pub(crate) mod scope;
    pub(crate) mod state;
    pub(crate) mod system;
    pub(crate) mod turn;
    pub(crate) mod worker;
    pub(crate) mod world;
}

use model::report::{Explored, explore};
use model::scope::{LARGE, SCOPES, Scope};

#[test]
fn every_order_of_events_keeps_the_invariants() {
    assert!(explore_all(SCOPES) > 1_000_000);
}

#[test]
#[ignore = "takes many minutes: cargo test --release -p beacon-core --test model -- --ignored"]
fn every_order_of_more_events_keeps_the_invariants() {
    explore_all(LARGE);
}

/// Explores one after the other; the number of their states.
fn explore_all(scopes: &[Scope]) -> usize {
    let mut all = 0;
    for scope in scopes {
        let Explored { states, depth, took } = explore(*scope, 2);
        println!(
            "{:50} {states:>9} states {depth:>4} deep {:>6.1} s",
            scope.name,
            took.as_secs_f64()
        );
        all += states;
    }
    all
}
