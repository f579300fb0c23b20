//! Beacon's own handlers on embedded tables and queues, in one thread and in virtual time, with a
//! scheduler that owns time, order and faults by a seed. The same seed is the same schedule.
//!
//! Faults are put in below the AWS SDK ([`connection`]), between worker and router ([`link`]),
//! between queue and function ([`delivery`]) and by killing functions at any of their awaits
//! ([`mortal`]). Every write that reaches the table is held against the invariants ([`witness`]).

mod chance;
mod client;
mod connection;
mod delivery;
mod functions;
mod history;
pub mod invariants;
mod link;
mod mortal;
mod plan;
mod provider;
mod router;
mod schedule;
mod tables;
mod trace;
mod verdict;
mod witness;
mod world;

pub use client::{Action, Wanted};
pub use plan::{Faults, Plan, Shape, Stops};
pub use schedule::run;
pub use verdict::{Verdict, first_bad};
