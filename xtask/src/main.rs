//! `cargo xtask`: what developers and CI run.

mod bench;
mod contract;
mod deployed;
mod emulator;
mod faults;
mod functions;
mod local_lambda;
mod mutants;
mod openai_client;
mod openapi;
mod portal;
mod python;
mod template;
mod test;
mod up;
mod verify;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Formatting, lints, licences, the template, all tests, the API against its description, the
    /// verifier of `docs/verify.md` on a bundle, the portal in a browser, the openai client against the
    /// router, the functions under `cargo lambda` and the template on an emulator of AWS; installs what it
    /// needs.
    Test,
    /// The API against its description alone, a step of `test`.
    Contract,
    /// The template alone, as cfn-lint and SAM read it.
    Template,
    /// The verifier of `docs/verify.md` on a bundle and edits of it alone, a step of `test`.
    Verify,
    /// The portal in a browser alone, a step of `test`.
    Portal(portal::Which),
    /// The openai client against the router alone, a step of `test`.
    OpenaiClient,
    /// The functions under `cargo lambda` against a Beacon on this machine alone, the last step but one
    /// of `test`.
    LocalLambda,
    /// The template on an emulator of AWS alone, the last step of `test`.
    Deployed,
    /// Writes `docs/openapi.json` anew.
    Openapi,
    /// Schedules of the functions under faults, each replayed by its seed.
    Faults(faults::Faults),
    /// What things cost, beside others doing the same in the same run.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// A job's CPU, time, memory, table units and queue requests, beside `promptfoo eval`.
    Pipeline(bench::Pipeline),
    /// How soon a cancel holds, and what a retry costs beside the first run.
    Stop(bench::Stop),
    /// What the router takes and adds, beside LiteLLM proxy.
    Router(bench::Router),
    /// How large the functions are and how soon each asks for its first event.
    Cold(bench::Cold),
    /// The portal's pages of a job of 20,000 executions.
    Portal(bench::Portal),
    /// The response classifier against labelled answers.
    Classifier(bench::ClassifierBench),
    /// What both gateways ask; started by `router`.
    #[command(hide = true)]
    RouterUpstream,
    /// The load on them; started by `router`.
    #[command(hide = true)]
    RouterLoad(bench::Load),
}

fn main() -> ExitCode {
    let done: Result<(), Box<dyn Error>> = match Task::parse() {
        Task::Test => test::run().map_err(Into::into),
        Task::Template => template::run().map_err(Into::into),
        Task::Contract => contract::run().map_err(Into::into),
        Task::Verify => verify::run().map_err(Into::into),
        Task::Portal(which) => portal::run(&which).map_err(Into::into),
        Task::OpenaiClient => openai_client::run().map_err(Into::into),
        Task::LocalLambda => local_lambda::run().map_err(Into::into),
        Task::Deployed => deployed::run().map_err(Into::into),
        Task::Faults(faults) => faults::run(&faults).map_err(Into::into),
        Task::Openapi => openapi::write().map_err(Into::into),
        Task::Bench(Bench::Pipeline(options)) => bench::pipeline(&options).map_err(Into::into),
        Task::Bench(Bench::Stop(options)) => bench::stop(&options).map_err(Into::into),
        Task::Bench(Bench::Router(options)) => bench::router(&options).map_err(Into::into),
        Task::Bench(Bench::Cold(options)) => bench::cold(&options).map_err(Into::into),
        Task::Bench(Bench::Portal(options)) => bench::portal(&options).map_err(Into::into),
        Task::Bench(Bench::Classifier(options)) => bench::classifier(&options).map_err(Into::into),
        Task::Bench(Bench::RouterUpstream) => bench::router_upstream().map_err(Into::into),
        Task::Bench(Bench::RouterLoad(load)) => bench::router_load(&load).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failed(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line says why it failed")]
fn failed(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        eprintln!("  because: {inner}");
        source = inner.source();
    }
}
