//! What SQS does, as its own SDK sees it. Our endpoint is started for every test; with
//! `BEACON_SQS_CONFORMANCE_ENDPOINT` set the same tests ask the SQS at that URL.
//!
//! Nothing here sleeps: a test that waits for a visibility timeout waits in a long poll.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "sqs_conformance/delivery.rs"]
mod delivery;
#[path = "sqs_conformance/fifo.rs"]
mod fifo;
#[path = "sqs_conformance/limits.rs"]
mod limits;
#[path = "sqs_conformance/own.rs"]
mod own;
#[path = "sqs_conformance/queues.rs"]
mod queues;
#[path = "sqs_conformance/receipts.rs"]
mod receipts;
#[path = "sqs_conformance/redrive.rs"]
mod redrive;
#[path = "sqs_conformance/strict.rs"]
mod strict;
#[path = "sqs_conformance/subject.rs"]
mod subject;
