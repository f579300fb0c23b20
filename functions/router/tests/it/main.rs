//! The router over real sockets: every upstream is a listener on the loopback interface that does
//! the thing it is tested for.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their crate")]

mod access;
mod cancel;
mod chat;
mod cold_start;
mod config;
mod connections;
mod corpus;
mod deadlines;
mod decision;
mod failover;
mod failures;
mod health;
mod keyed;
mod known;
mod limits;
mod modal;
mod openai;
mod pacing;
mod polling;
mod probes;
mod queueing;
mod reload;
mod running;
mod selection;
mod service;
mod simulated;
mod sockets;
mod upstream;
