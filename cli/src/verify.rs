//! `beacon verify`: whether evidence holds, by public keys alone, and what of it does not.

mod kind;
mod lines;
mod ring;
mod told;

use std::path::{Path, PathBuf};

use beacon_evidence::key::{KeyRing, NoKey};
use beacon_evidence::published::BadKeys;
use beacon_evidence::receipt::Receipt;
use beacon_evidence::root::{Proof, Root};
use beacon_evidence::verify::{
    Flaw, Verifier, verify_proof, verify_receipt, verify_root, verify_root_answer,
};
use thiserror::Error;

use crate::arguments::{Arguments, Verify};
use crate::command::{CommandError, Done};
use crate::connect::ConnectError;
use crate::print;
use kind::Kind;
use lines::{Line, Lines};
use ring::Keys;
use told::{Flaws, Told};

/// The exit code of evidence that does not hold.
const DOES_NOT_HOLD: u8 = 1;

/// Why nothing can be said of a file.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    #[error("`{path}` cannot be read")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{given}` is no public key")]
    Key {
        given: String,
        #[source]
        source: NoKey,
    },
    #[error("the keys in `{path}` cannot be used")]
    Keys {
        path: PathBuf,
        #[source]
        source: BadKeys,
    },
    #[error("the keys of {base} cannot be used")]
    Answered {
        base: String,
        #[source]
        source: BadKeys,
    },
    #[error(
        "there is no public key to verify with: give the one that `beacon keys` prints where it was signed with \
         --key, or the file of `beacon keys --json` with --keys, or name that Beacon with --data, --api or --stack"
    )]
    NoKey(#[source] Option<Box<ConnectError>>),
    #[error("`{path}` is {is}, and --proof goes with a receipt: leave it out, or name the receipt")]
    NoReceipt { path: PathBuf, is: Kind },
}

/// `beacon verify`.
pub(crate) async fn verify(arguments: &Arguments, options: &Verify) -> Result<Done, CommandError> {
    let keys = ring::keys(arguments, options).await?;
    let told = of_file(options, &keys)?;
    if arguments.json {
        print::json(&told)?;
    } else {
        told.print();
    }
    Ok(Done(if told.holds { 0 } else { DOES_NOT_HOLD }))
}

fn of_file(options: &Verify, keys: &Keys) -> Result<Told, VerifyError> {
    let mut lines = Lines::open(&options.file)?;
    let first = match lines.next()? {
        Some(Line::Whole(line)) => line.to_vec(),
        Some(Line::TooLong) => {
            let mut flaws = Flaws::default();
            flaws.too_long(1);
            return Ok(Told::of_flaws(&options.file, None, flaws));
        }
        None => Vec::new(),
    };
    let kind = Kind::of(&first);
    if let (Some(_), Some(is)) = (&options.proof, kind)
        && is != Kind::Receipt
    {
        return Err(VerifyError::NoReceipt { path: options.file.clone(), is });
    }
    let (file, ring) = (options.file.as_path(), &keys.ring);
    let told = match kind {
        Some(Kind::Bundle) => bundle(file, &first, &mut lines, ring)?,
        Some(Kind::Receipt) => receipt(file, &first, options.proof.as_deref(), ring)?,
        Some(Kind::Root) => of_one(file, Kind::Root, verify_root(&first, ring), Told::with_root),
        Some(Kind::RootAnswer) => {
            of_one(file, Kind::RootAnswer, verify_root_answer(&first, ring), Told::with_root)
        }
        Some(Kind::Proof) => {
            let proof = verify_proof(&first, None, ring);
            of_one(file, Kind::Proof, proof, Told::with_proof)
        }
        // A first line that was changed says nothing of itself; what stands below it can be gone through.
        None if lines.are_more()? || first.is_empty() => bundle(file, &first, &mut lines, ring)?,
        None => {
            let mut flaws = Flaws::default();
            flaws.add(None, kind::UNKNOWN);
            Told::of_flaws(file, None, flaws)
        }
    };
    Ok(told.verified_with(keys))
}

fn of_one<T>(file: &Path, kind: Kind, checked: Result<T, Flaw>, told: fn(Told, T) -> Told) -> Told {
    match checked {
        Ok(one) => told(Told::of_flaws(file, Some(kind), Flaws::default()), one),
        Err(flaw) => Told::of_flaws(file, Some(kind), Flaws::of(&flaw)),
    }
}

fn receipt(
    file: &Path,
    first: &[u8],
    proof: Option<&Path>,
    ring: &KeyRing,
) -> Result<Told, VerifyError> {
    let receipt: Receipt = match verify_receipt(first, ring) {
        Ok(receipt) => receipt,
        Err(flaw) => return Ok(Told::of_flaws(file, Some(Kind::Receipt), Flaws::of(&flaw))),
    };
    let shown: Option<Result<Proof, Flaw>> = match proof {
        Some(path) => {
            let mut lines = Lines::open(path)?;
            let line = match lines.next()? {
                Some(Line::Whole(line)) => line,
                // Too long for a proof, which has a hash for each doubling of the tree.
                Some(Line::TooLong) | None => &[],
            };
            Some(verify_proof(line, Some(&receipt), ring))
        }
        None => None,
    };
    Ok(match shown.transpose() {
        Ok(shown) => {
            let told = Told::of_flaws(file, Some(Kind::Receipt), Flaws::default());
            let told = told.with_receipt(receipt);
            shown.into_iter().fold(told, Told::with_proof)
        }
        Err(flaw) => Told::of_flaws(file, Some(Kind::Receipt), Flaws::of(&flaw)),
    })
}

fn bundle(
    file: &Path,
    first: &[u8],
    lines: &mut Lines,
    ring: &KeyRing,
) -> Result<Told, VerifyError> {
    let (mut verifier, mut flaws) = (Verifier::new(ring), Flaws::default());
    let mut told = told::Counted::default();
    if let Err(flaw) = verifier.header(first) {
        flaws.add_error(Some(1), &flaw);
    }
    let mut number = 1;
    while let Some(line) = lines.next()? {
        number += 1;
        match line {
            Line::Whole(line) => match verifier.entry(line) {
                Ok(receipt) => told.count(&receipt),
                Err(flaw) => flaws.add_error(Some(number), &flaw),
            },
            Line::TooLong => {
                flaws.too_long(number);
                return Ok(Told::of_flaws(file, Some(Kind::Bundle), flaws));
            }
        }
    }
    let root: Option<Root> = verifier.finish().unwrap_or_else(|flaw| {
        flaws.add_error(None, &flaw);
        None
    });
    let is_whole = flaws.is_empty();
    let all = Told::of_flaws(file, Some(Kind::Bundle), flaws);
    Ok(match root {
        Some(root) if is_whole => all.with_root(root).with_receipts(told),
        Some(_) | None => all,
    })
}
