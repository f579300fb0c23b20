//! Intervals, tests, corrections and power, each with its source. Shares are on 0..1, never percent;
//! differences in [`compare`] are percentage points.
//!
//! Findings start at [`compare`]: it takes each question's pairs, chooses the test ([`paired`] or
//! [`permutation`]) and gives what [`crate::findings::Comparison`] and [`crate::findings::Omnibus`] hold.
//! [`compare::adjusted`] takes all tests of one family (a dimension, a measure and a kind of group) at once.
//! The rest is for what is not a comparison: [`interval`] for rates and for the excess over noise,
//! [`permutation::exchanged`] for the noise of a job and of each question's categories,
//! [`permutation::between_beyond_within`] for a model's texts, [`correction`] for all questions together,
//! [`power`] for what could have been found.
//!
//! All is deterministic: permutations are drawn from a fixed seed that the caller gives, a constant of each kind of
//! test, never from a clock.

pub mod compare;
pub mod correction;
mod distribution;
pub mod interval;
pub mod paired;
pub mod permutation;
pub mod power;
