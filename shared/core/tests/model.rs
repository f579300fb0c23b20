//! The whole, explored: every order in which workers, dispatcher, coordinator, reconciler and client
//! can do what they do to one small job, with processes that die, messages that are lost or come
//! twice, and requests that are repeated or late.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells what it explored"
)]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the core itself has neither a clock nor an order that differs from run to run"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::struct_excessive_bools,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "states are many and small, and each step of a worker has the same form"
)]

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
use model::scope::{SCOPES, Scope};

#[test]
fn every_order_of_events_keeps_the_invariants() {
    assert!(explore_all(SCOPES) > 1_000_000);
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
