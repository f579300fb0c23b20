//! What the commands of evidence take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A bundle, a receipt, a root or a proof; `-` is standard input.
    pub(crate) file: PathBuf,
    /// A public key that may have signed, in base64; may be repeated. Without keys, those of the Beacon that
    /// --data, --api or --stack names.
    #[arg(long, value_name = "BASE64")]
    pub(crate) key: Vec<String>,
    /// The public keys that may have signed, as `beacon keys --json` prints them.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// A proof that the receipt of FILE is under a signed root.
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,
}

impl Verify {
    /// Whether no Beacon is asked for keys.
    pub(crate) fn has_keys(&self) -> bool {
        !self.key.is_empty() || self.keys.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Bundle {
    /// The job's id.
    pub(crate) job: String,
    /// As it was when this run ended; by default the last that has.
    #[arg(long, value_name = "N")]
    pub(crate) run: Option<u32>,
    /// Into this file, replaced when all of it is written, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) change: Option<KeysChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum KeysChange {
    /// Sign with a new key from the next start on; only of a data directory on which no Beacon runs.
    Rotate,
}
