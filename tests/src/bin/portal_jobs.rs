//! What `cargo xtask bench portal` looks at: in a data directory one job that has ended and is analysed,
//! and one of the same shape that is half way, written without asking anybody.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{Clock, Meter, Table, clock};
use beacon_coordinator::Coordinator;
use beacon_core::execution::{Ending, Outcome};
use beacon_core::{ExecutionId, QuestionIndex, Run};
use beacon_infra::{AccessSettings, DataDir, Duty, Local, Stack, StackOptions};
use beacon_tests::signed::signer;
use beacon_tests::written::{Written, answered, completions, failed, words};
use clap::Parser;
use serde_json::Value;

#[derive(Debug, Parser)]
struct Options {
    /// A directory that may be filled.
    #[arg(long)]
    data: PathBuf,
    /// What both jobs ask, as JSON; beside the usual regions there are `r-3` to `r-9`.
    #[arg(long)]
    spec: PathBuf,
    /// The id of the job that has ended.
    #[arg(long)]
    ended: String,
    /// The id of the other.
    #[arg(long)]
    half: String,
    /// Bytes of an answer.
    #[arg(long, default_value_t = 400)]
    bytes: usize,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::unwrap_used, reason = "what cannot be written is told by panicking")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let document: Value = serde_json::from_slice(&std::fs::read(&options.spec).unwrap()).unwrap();
    let stack = Box::pin(Stack::start(StackOptions {
        data: DataDir::open(&options.data).unwrap(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        duty: Duty::Read,
        access: AccessSettings::default(),
    }))
    .await
    .unwrap();
    let running = stack.running();
    let local = Local { dynamodb: running.dynamodb.clone(), sqs: running.sqs.clone() };
    let table = Table::new(local.dynamodb(), Local::TABLE.to_owned(), Arc::new(Meter::off()));
    table.make_known(&signer(), clock::now()).await.unwrap();
    let ending = |id: &ExecutionId| ending(id, options.bytes);

    let half = Written::submit(&table, &options.half, &document).await;
    half.begin(QuestionIndex(u32::try_from(half.spec.questions.len() / 2).unwrap()), ending).await;
    let ended = Written::submit(&table, &options.ended, &document).await;
    ended.run(Run::FIRST, ending).await;
    let job = ended.end().await;
    let coordinator =
        Coordinator { signer: signer(), table, clock: Clock::System, longest: Duration::MAX };
    coordinator.handle(completions(&[&job])).await;
    assert!(ended.job().await.analysis.due.is_none(), "the job that has ended was not analysed");
    stack.stop().await;
    ExitCode::SUCCESS
}

/// One pair in fifty fails.
fn ending(id: &ExecutionId, bytes: usize) -> Ending {
    let sum: usize = id.to_string().bytes().map(usize::from).sum();
    if sum.is_multiple_of(50) { failed() } else { answered(Outcome::Text, words(id, bytes)) }
}
