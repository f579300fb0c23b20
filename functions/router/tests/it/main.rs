//! The router over real sockets: every upstream is a listener on the loopback interface that does
//! the thing it is tested for.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their crate")]

mod access;
mod chat;
mod config;
mod connections;
mod failures;
mod keyed;
mod known;
mod modal;
mod openai;
mod running;
mod selection;
mod service;
mod simulated;
mod upstream;
