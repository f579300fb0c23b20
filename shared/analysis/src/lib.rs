//! From answers to findings, as pure functions: no clock, no I/O, no model call.
//!
//! A job's pairs go in as the API shows them ([`beacon_core::view::ExecutionView`]); the [`classify`]
//! module judges each text; [`aggregate`] folds a question's pairs into one [`aggregate::QuestionAggregate`];
//! [`findings`] computes everything that is said about a job from those alone.

pub mod aggregate;
pub mod answer;
pub mod classify;
pub mod estimate;
pub mod export;
pub mod figure;
pub mod findings;
pub mod manifest;
pub mod page;
pub mod predecessor;
pub mod report;
pub mod statistics;
#[cfg(test)]
mod testing;
