//! stub

pub mod sqs;
