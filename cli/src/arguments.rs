//! The command line's grammar.

mod analysis;
mod evidence;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use beacon_core::estimate::LATENCY;
use beacon_core::time_budget;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use thiserror::Error;

use crate::deployed::Deployed;
use crate::token::without_user;
pub(crate) use analysis::{Classify, Compare, Export, Format, Label, Report};
pub(crate) use evidence::{Bundle, Keys, KeysChange, Verify};

/// Asks the same questions of many language models in many regions, each exactly once, and shows
/// where the answers diverge.
///
/// Exit codes: 0 done, or the job completed; 1 the job or a check of `doctor` failed, or evidence does not hold; 2 bad input, or the command could
/// not be carried out; 3 the job was cancelled or timed out; 130 interrupted; 141 nobody reads standard output
/// any more. `cancel` is done when the job has ended.
#[derive(Debug, Parser)]
#[command(name = "beacon", version)]
pub(crate) struct Arguments {
    /// Where the embedded tables lie.
    #[arg(long, global = true, value_name = "DIR", default_value = Arguments::DATA)]
    pub(crate) data: PathBuf,
    /// Use the Beacon at this address instead of one on this machine.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) api: Option<String>,
    /// Use the Beacon that was deployed to AWS as this stack, with your own AWS credentials.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// The Beacon of that stack, once it was found.
    #[arg(skip)]
    pub(crate) deployed: Option<Deployed>,
    /// Print JSON for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Where the embedded tables lie unless told otherwise.
    pub(crate) const DATA: &str = ".beacon";

    /// Reads the command line.
    pub(crate) fn parse() -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches()?;
        let arguments = Self::from_arg_matches(&matches)?;
        if arguments.stack.is_some() {
            let data_given = matches.value_source("data") == Some(ValueSource::CommandLine);
            arguments.of_one_place(data_given)?;
        }
        Ok(arguments)
    }

    /// What says that the Beacon is on this machine, or at an address, cannot stand beside --stack.
    fn of_one_place(&self, data_given: bool) -> Result<(), NotThere> {
        let providers = match &self.command {
            Command::Up(_) => return Err(NotThere::Command("up")),
            Command::Router(_) => return Err(NotThere::Command("router")),
            Command::Estimate(_) => return Err(NotThere::Command("estimate")),
            Command::Stats(_) => return Err(NotThere::Command("stats")),
            Command::Sign(_) => return Err(NotThere::Command("sign")),
            Command::Keys(Keys { change: Some(KeysChange::Rotate) }) => {
                return Err(NotThere::Command("keys rotate"));
            }
            Command::Run(Run { providers, .. }) | Command::Doctor(Doctor { providers }) => {
                providers.is_some()
            }
            Command::Submit(_)
            | Command::Status(_)
            | Command::Watch(_)
            | Command::Cancel(_)
            | Command::Retry(_)
            | Command::List
            | Command::Show(_)
            | Command::Export(_)
            | Command::Schema => false,
            Command::Report(Report { from, .. }) if from.is_some() => {
                return Err(NotThere::Command("report --from"));
            }
            Command::Report(_)
            | Command::Findings(_)
            | Command::Compare(_)
            | Command::Classify(_)
            | Command::Label(_)
            | Command::Verify(_)
            | Command::Bundle(_)
            | Command::Keys(Keys { change: None }) => false,
        };
        if self.api.is_some() {
            Err(NotThere::Api)
        } else if providers {
            Err(NotThere::Providers)
        } else if data_given {
            Err(NotThere::Data)
        } else {
            Ok(())
        }
    }

    /// The address of a Beacon that is not looked for on this machine.
    pub(crate) fn address(&self) -> Option<&str> {
        let deployed = self.deployed.as_ref().map(|deployed| deployed.api.as_str());
        self.api.as_deref().or(deployed)
    }

    /// The option that names the Beacon that is meant, with a blank before it; none where it is the usual one.
    pub(crate) fn option(&self) -> String {
        if let Some(stack) = &self.stack {
            format!(" --stack {stack}")
        } else if let Some(api) = &self.api {
            format!(" --api {}", without_user(api).trim_end_matches('/'))
        } else if self.data == Path::new(Self::DATA) {
            String::new()
        } else {
            format!(" --data {}", self.data.display())
        }
    }
}

/// What cannot stand beside --stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum NotThere {
    #[error("--stack and --api name two Beacons: leave one of them out")]
    Api,
    #[error(
        "--providers starts a router on this machine, and the Beacon of --stack has its own: leave one of them out"
    )]
    Providers,
    #[error(
        "--data is a directory of this machine, and the Beacon of --stack keeps its data on AWS: leave one of them out"
    )]
    Data,
    #[error(
        "`beacon {0}` runs on this machine, and --stack names a Beacon on AWS: leave --stack out"
    )]
    Command(&'static str),
}

impl From<NotThere> for clap::Error {
    fn from(problem: NotThere) -> Self {
        Arguments::command().error(clap::error::ErrorKind::ArgumentConflict, problem)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine until Ctrl-C.
    Up(Up),
    /// Submit a job, follow it to its end and show its results.
    Run(Run),
    /// Submit a job and leave it to the Beacon that runs.
    Submit(Submit),
    /// Sign a specification with your key, and print it.
    Sign(Sign),
    /// Show where a job is.
    Status(OfJob),
    /// Follow a job to its end.
    Watch(OfJob),
    /// Cancel a job, and wait until nothing of it runs.
    Cancel(Cancel),
    /// Ask anew what is not completed in a job that has ended, or some of it, and follow it.
    Retry(Retry),
    /// List the jobs, newest first.
    List,
    /// Show one execution in full.
    Show(Show),
    /// Print all executions of a job, those without a result too.
    Export(Export),
    /// Write a job's findings as HTML and Markdown, with the data that they come from.
    Report(Report),
    /// Say in ten lines what was found in a job.
    Findings(OfJob),
    /// Say what differs between two jobs that asked the same.
    Compare(Compare),
    /// Judge a job's answers anew, by the rules of the Beacon that runs.
    Classify(Classify),
    /// Say what an answer really says, beside the classifier's verdict.
    Label(Label),
    /// Say whether a bundle, a receipt, a root or a proof holds, by public keys alone.
    Verify(Verify),
    /// Print a job's receipts with their prompts and answers, under their signed root, to hand on.
    Bundle(Bundle),
    /// List the public keys that a Beacon signs with, or has, newest first.
    Keys(Keys),
    /// Say what a job will use and cost at most, before anything runs.
    Estimate(Estimate),
    /// Compare groups on the same units in any table of yes and no, and print JSON.
    Stats(Stats),
    /// Print the JSON Schema of a specification, for editors.
    Schema,
    /// Run the hybrid router alone.
    Router(Router),
    /// Find what is wrong, and what to do about it.
    Doctor(Doctor),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where the API listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(crate) listen: SocketAddr,
    /// Start an own router with these providers.
    #[arg(long, value_name = "FILE")]
    pub(crate) providers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The specification, YAML or JSON.
    pub(crate) spec: PathBuf,
    /// The job's id; the same id with the same specification runs nothing twice.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Start an own router with these providers.
    #[arg(long, value_name = "FILE")]
    pub(crate) providers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// The specification, YAML or JSON.
    pub(crate) spec: PathBuf,
    /// The job's id; the same id with the same specification runs nothing twice.
    #[arg(long)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The specification, YAML or JSON, ours or the predecessor's. Its `id` is not signed, so that --id of
    /// `submit` may choose one.
    pub(crate) spec: PathBuf,
    /// The file of the secret key, 64 hexadecimal digits that nobody else can read; else `signing-key` of
    /// the data directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Write JSON there instead of to standard output; best with a name that ends in .json.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Estimate {
    /// The specification, YAML or JSON.
    pub(crate) spec: PathBuf,
    /// Seconds that a question takes, all its models asked at once.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = LATENCY.as_secs(),
        value_parser = clap::value_parser!(u64).range(0..=time_budget::CLIENT.as_secs())
    )]
    pub(crate) latency: u64,
    /// Take prices from these providers; else from the router that `HYBRID_ROUTER_URL` names, or from
    /// that of the Beacon that runs here.
    #[arg(long, value_name = "FILE")]
    pub(crate) providers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct OfJob {
    /// The job's id.
    pub(crate) job: String,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The job's id.
    pub(crate) job: String,
    /// Do not wait for the end of what is in flight.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The job's id.
    pub(crate) job: String,
    /// Only executions of this region, canonical or alias; may be repeated.
    #[arg(long)]
    pub(crate) region: Vec<String>,
    /// Only executions of this model; may be repeated.
    #[arg(long)]
    pub(crate) model: Vec<String>,
    /// Only executions of this question id; may be repeated.
    #[arg(long)]
    pub(crate) question: Vec<String>,
    /// Why, for people; kept with the run.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Leave the job to the Beacon that runs.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The execution's id.
    pub(crate) execution: String,
}

#[derive(Debug, Args)]
pub(crate) struct Stats {
    /// The table: CSV with a header, a row an observation; `-` is standard input. A unit takes part where it
    /// has as many rows in one group as in the other; the order of rows changes no number.
    #[arg(long, value_name = "FILE")]
    pub(crate) paired: PathBuf,
    /// The column of what was observed in each group: a question, a patient.
    #[arg(long, value_name = "COL")]
    pub(crate) unit: String,
    /// The column of what is compared: a region, a model, a drug.
    #[arg(long, value_name = "COL")]
    pub(crate) group: String,
    /// The column of 0 or 1, false or true, no or yes.
    #[arg(long, value_name = "COL")]
    pub(crate) outcome: String,
}

#[derive(Debug, Args)]
pub(crate) struct Router {
    /// The providers.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Where it listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Check an own router with these providers instead of the one that the environment names.
    #[arg(long, value_name = "FILE")]
    pub(crate) providers: Option<PathBuf>,
}
