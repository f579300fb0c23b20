//! Verifies what others hand on, with public keys alone: receipts, roots, proofs and bundles.

use std::collections::BTreeSet;

use beacon_core::ExecutionId;
use beacon_core::seal::KeyId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::bundle::{self, Entry, Header};
use crate::canonical::{NotCanonical, read_canonical};
use crate::hash::Hash;
use crate::key::{KeyRing, PublicKey};
use crate::merkle;
use crate::receipt::{self, Receipt, canonical};
use crate::root::{self, BadProof, Proof, Root, RootAnswer};

/// What does not hold.
#[derive(Debug, Error)]
pub enum Flaw {
    /// Other bytes than those that were signed, or none that ever are.
    #[error("{what} cannot be read as one")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// Why.
        #[source]
        source: NotCanonical,
    },
    /// Another release's, or something else.
    #[error("`format` is `{given}`, not `{expected}`")]
    Format {
        /// As given.
        given: String,
        /// As it must be.
        expected: &'static str,
    },
    /// Nobody vouches for the key.
    #[error("signed with the key {key_id}, which is none of the keys given")]
    UnknownKey {
        /// Which.
        key_id: KeyId,
    },
    /// Changed after it was signed, or signed by another than it says.
    #[error("the signature of {of} does not hold")]
    Signature {
        /// What is signed.
        of: String,
    },
    /// The text is not what came back.
    #[error("`answer` is not the answer of {0}: its SHA-256 is another")]
    Answer(ExecutionId),
    /// The text is not what was sent.
    #[error("`prompt` is not the prompt of {0}: its SHA-256 is another")]
    Prompt(ExecutionId),
    /// The text is not what the provider sent, or is not there though it is kept.
    #[error("`provider_receipt` is not that of {0}: its SHA-256 is another, or it is left out")]
    ProviderReceipt(ExecutionId),
    /// It names two executions.
    #[error("the fields of {0} name another execution than its id")]
    Coordinates(ExecutionId),
    /// It is evidence of something else.
    #[error("{0} is not an execution of the root's job, up to the root's run")]
    OtherJob(ExecutionId),
    /// No execution completes twice.
    #[error("{0} is there twice")]
    Twice(ExecutionId),
    /// Receipts are missing, or there are more than were signed for.
    #[error("the root is over {told} receipts; here are {found}")]
    Size {
        /// By the root.
        told: u64,
        /// Counted.
        found: u64,
    },
    /// Receipts were left out, put in, changed or moved.
    #[error("the receipts in this order give the root {computed}, and {told} is signed")]
    RootHash {
        /// By the root.
        told: Hash,
        /// From the receipts.
        computed: Hash,
    },
    /// Not what any job comes to.
    #[error(
        "the counts of the root do not add up: of {expected} executions {ended} ended and {simulated} are \
         simulated, and of {completed} completed ones {tree_size} have a receipt"
    )]
    Counts {
        /// Of the job.
        expected: u64,
        /// In all ways.
        ended: u128,
        /// With an answer.
        completed: u64,
        /// Leaves.
        tree_size: u64,
        /// Made up.
        simulated: u64,
    },
    /// There is nothing at all.
    #[error("it is empty")]
    Empty,
    /// The last line has no line feed, so that more may have followed.
    #[error("the last line does not end with a line feed")]
    Unended,
    /// What stands beside a root is not the root's.
    #[error("`merkle_root`, `root`, `sequence` or `updated_at` is not that of `signed_root`")]
    OtherThanRoot,
    /// The proof shows nothing.
    #[error("the proof does not hold")]
    Proof(#[from] BadProof),
    /// The proof is of another leaf.
    #[error("the proof is of another receipt than {0}")]
    OtherLeaf(ExecutionId),
}

/// Verifies one receipt.
pub fn verify_receipt(bytes: &[u8], keys: &KeyRing) -> Result<Receipt, Flaw> {
    let receipt: Receipt = read("a receipt", bytes)?;
    check_receipt(&receipt, keys)?;
    Ok(receipt)
}

/// Verifies the API's answer to who asks for a root: that the root was signed, and that the rest repeats it.
pub fn verify_root_answer(bytes: &[u8], keys: &KeyRing) -> Result<Root, Flaw> {
    let answer: RootAnswer = read("an answer with a root", bytes)?;
    is_format(&answer.format, root::ANSWER_FORMAT)?;
    check_root(&answer.signed_root, keys)?;
    if answer != RootAnswer::new(answer.signed_root.clone()) {
        return Err(Flaw::OtherThanRoot);
    }
    Ok(answer.signed_root)
}

/// Verifies a root by itself: that it was signed.
pub fn verify_root(bytes: &[u8], keys: &KeyRing) -> Result<Root, Flaw> {
    let root: Root = read("a root", bytes)?;
    check_root(&root, keys)?;
    Ok(root)
}

/// Verifies that a receipt is a leaf of a signed root; without a receipt, that some leaf is: whose, nobody
/// signed.
pub fn verify_proof(
    bytes: &[u8],
    receipt: Option<&Receipt>,
    keys: &KeyRing,
) -> Result<Proof, Flaw> {
    let proof: Proof = read("a proof", bytes)?;
    is_format(&proof.format, root::PROOF_FORMAT)?;
    check_root(&proof.root, keys)?;
    proof.check()?;
    if let Some(named) = &proof.execution_id
        && named.job != proof.root.body.job_id
    {
        return Err(Flaw::OtherJob(named.clone()));
    }
    if let Some(receipt) = receipt {
        let id = &receipt.body.execution_id;
        let names_it = proof.execution_id.as_ref().is_none_or(|named| named == id);
        if !names_it || merkle::leaf(&receipt.canonical()) != proof.leaf_hash {
            return Err(Flaw::OtherLeaf(id.clone()));
        }
    }
    Ok(proof)
}

fn read<T: Serialize + DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Flaw> {
    read_canonical(bytes).map_err(|source| Flaw::Unreadable { what, source })
}

fn is_format(given: &str, expected: &'static str) -> Result<(), Flaw> {
    if given == expected {
        return Ok(());
    }
    let given = given.chars().take(80).collect();
    Err(Flaw::Format { given, expected })
}

fn known<'a>(keys: &'a KeyRing, key_id: &KeyId) -> Result<&'a PublicKey, Flaw> {
    keys.get(key_id).ok_or(Flaw::UnknownKey { key_id: *key_id })
}

fn check_receipt(receipt: &Receipt, keys: &KeyRing) -> Result<(), Flaw> {
    let body = &receipt.body;
    is_format(&body.format, receipt::FORMAT)?;
    if !receipt.is_signed_by(known(keys, &body.key_id)?) {
        return Err(Flaw::Signature { of: body.execution_id.to_string() });
    }
    if !body.is_of_one_execution() {
        return Err(Flaw::Coordinates(body.execution_id.clone()));
    }
    Ok(())
}

fn check_root(root: &Root, keys: &KeyRing) -> Result<(), Flaw> {
    is_format(&root.body.format, root::FORMAT)?;
    if !root.is_signed_by(known(keys, &root.body.key_id)?) {
        return Err(Flaw::Signature { of: format!("the root of {}", root.body.job_id) });
    }
    let root::Body { expected, completed, failed, timed_out, cancelled, .. } = root.body;
    let (tree_size, simulated) = (root.body.tree_size, root.body.simulated);
    let ended = [completed, failed, timed_out, cancelled].into_iter().map(u128::from).sum();
    if ended == u128::from(expected) && tree_size <= completed && simulated <= expected {
        return Ok(());
    }
    Err(Flaw::Counts { expected, ended, completed, tree_size, simulated })
}

/// Goes through the lines of a bundle. What follows a flaw can be gone through too, to name all of them.
#[derive(Debug)]
pub struct Verifier<'a> {
    keys: &'a KeyRing,
    root: Option<Root>,
    /// Those that the root has room for: more are counted, and need no memory.
    leaves: Vec<Hash>,
    count: u64,
    /// Of the ids so far: a job may have a million.
    seen: BTreeSet<Hash>,
}

impl<'a> Verifier<'a> {
    /// Of a bundle from its first line on.
    pub fn new(keys: &'a KeyRing) -> Self {
        Self { keys, root: None, leaves: Vec::new(), count: 0, seen: BTreeSet::new() }
    }

    /// The first line, with its line feed.
    pub fn header(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let header: Header = read("the first line of a bundle", ended(line)?)?;
        is_format(&header.format, bundle::FORMAT)?;
        check_root(&header.root, self.keys)?;
        self.root = Some(header.root);
        Ok(())
    }

    /// Another line, with its line feed. Returns its receipt.
    pub fn entry(&mut self, line: &[u8]) -> Result<Receipt, Flaw> {
        let entry: Entry = match read("a line of a bundle", ended(line)?) {
            Ok(entry) => entry,
            Err(flaw) => {
                // It takes its place, so that what is missing is not said of others.
                self.leaf(merkle::leaf(line));
                return Err(flaw);
            }
        };
        self.leaf(merkle::leaf(&entry.receipt.canonical()));
        check_receipt(&entry.receipt, self.keys)?;
        let body = &entry.receipt.body;
        let id = || body.execution_id.clone();
        if Hash::of(entry.answer.as_bytes()) != body.answer_sha256 {
            return Err(Flaw::Answer(id()));
        }
        if Hash::of(&canonical(&entry.prompt)).to_string() != body.prompt_sha256.0 {
            return Err(Flaw::Prompt(id()));
        }
        let there = entry.provider_receipt.as_ref();
        let there = there.map(|json| Hash::of(json.as_bytes()).to_string());
        let kept = body.provider_receipt_sha256.as_ref().filter(|_| body.provider_receipt_kept);
        if there.as_ref() != kept {
            return Err(Flaw::ProviderReceipt(id()));
        }
        let of_root = |root: &Root| root.body.job_id == body.job_id && body.run <= root.body.run;
        if self.root.as_ref().is_some_and(|root| !of_root(root)) {
            return Err(Flaw::OtherJob(id()));
        }
        if self.seen.insert(Hash::of(id().to_string().as_bytes())) {
            Ok(entry.receipt)
        } else {
            Err(Flaw::Twice(id()))
        }
    }

    fn leaf(&mut self, leaf: Hash) {
        let room = self.root.as_ref().map_or(0, |root| root.body.tree_size);
        if self.count < room {
            self.leaves.push(leaf);
        }
        self.count += 1;
    }

    /// After the last line: the root, if all lines together are what it was signed for. None where the
    /// first line did not hold.
    pub fn finish(self) -> Result<Option<Root>, Flaw> {
        let Some(root) = self.root else { return Ok(None) };
        let (told, found) = (root.body.tree_size, self.count);
        if told != found {
            return Err(Flaw::Size { told, found });
        }
        let (told, computed) = (root.body.root_hash, merkle::root(&self.leaves));
        if told != computed {
            return Err(Flaw::RootHash { told, computed });
        }
        Ok(Some(root))
    }
}

fn ended(line: &[u8]) -> Result<&[u8], Flaw> {
    line.strip_suffix(b"\n").ok_or(if line.is_empty() { Flaw::Empty } else { Flaw::Unended })
}

#[cfg(test)]
mod tests;
