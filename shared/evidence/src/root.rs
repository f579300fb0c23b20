//! The root of a job: one signature over all receipts of a run, and how many executions ended without one.

use beacon_core::job::{Job, JobStatus};
use beacon_core::lane::Tallies;
use beacon_core::seal::{KeyId, Signature};
use beacon_core::spec::SpecHash;
use beacon_core::{ExecutionId, JobId, Run};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hash::Hash;
use crate::key::{PublicKey, SecretKey};
use crate::merkle::{self, NotIncluded, Sibling};
use crate::receipt::{canonical, milliseconds};

/// The `format` of a root.
pub const FORMAT: &str = "beacon-root-v1";
/// The `format` of the API's answer to who asks for a root.
pub const ANSWER_FORMAT: &str = "beacon-root-answer-v1";
/// The `format` of a proof.
pub const PROOF_FORMAT: &str = "beacon-proof-v1";

/// What a root says of a run of a job that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RootBody")]
pub struct Body {
    /// [`FORMAT`].
    pub format: String,
    /// The job.
    pub job_id: JobId,
    /// The run that had ended.
    pub run: Run,
    /// SHA-256 of the job's specification, as its manifest has it.
    pub spec_sha256: SpecHash,
    /// How the run ended.
    pub status: JobStatus,
    /// When it ended, to the millisecond.
    #[serde(with = "milliseconds")]
    #[schemars(with = "Timestamp")]
    pub finished_at: Timestamp,
    /// Executions of the job.
    pub expected: u64,
    /// Those that completed, in this run or in one before.
    pub completed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those whose time ran out.
    pub timed_out: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// Those that the simulated provider made up, failures among them.
    pub simulated: u64,
    /// Leaves of the tree: completed executions that have a receipt.
    pub tree_size: u64,
    /// Of the tree over the receipts (RFC 9162): each leaf is a receipt's canonical JSON, in the order of
    /// regions in the specification, and in a region of questions, of models as execution ids write them,
    /// and of samples.
    pub root_hash: Hash,
    /// Name and version of what signed.
    pub software: String,
    /// The key that signed.
    pub key_id: KeyId,
}

/// A root, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Root {
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
    /// Of the canonical JSON of the rest.
    pub signature: Signature,
}

impl Root {
    /// Signs the root of a job that has ended, over so many leaves.
    pub fn sign(
        job: &Job,
        finished_at: Timestamp,
        tallies: &Tallies,
        leaves: &[Hash],
        software: &str,
        key: &SecretKey,
    ) -> Self {
        let body = Body {
            format: FORMAT.to_owned(),
            job_id: job.id.clone(),
            run: job.run,
            spec_sha256: job.spec_hash.clone(),
            status: job.status,
            finished_at,
            expected: job.expected,
            completed: tallies.completed,
            failed: tallies.failed,
            timed_out: tallies.timed_out,
            cancelled: tallies.cancelled,
            simulated: tallies.simulated,
            tree_size: leaves.len() as u64,
            root_hash: merkle::root(leaves),
            software: software.to_owned(),
            key_id: key.id(),
        };
        let signature = key.sign(&canonical(&body));
        Self { body, signature }
    }

    /// Its one text.
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Whether its signature is this key's.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(&canonical(&self.body), &self.signature)
    }
}

/// A root as the API answers it, with the names that the predecessor's clients read beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootAnswer {
    /// [`ANSWER_FORMAT`].
    pub format: String,
    /// The root's `root_hash`.
    pub merkle_root: Hash,
    /// The same.
    pub root: Hash,
    /// The root's `tree_size`.
    pub sequence: u64,
    /// The root's `finished_at`.
    #[serde(with = "milliseconds")]
    #[schemars(with = "Timestamp")]
    pub updated_at: Timestamp,
    /// The root itself.
    pub signed_root: Root,
}

impl RootAnswer {
    /// The answer with this root.
    pub fn new(signed_root: Root) -> Self {
        let Body { root_hash, tree_size, finished_at, .. } = signed_root.body;
        Self {
            format: ANSWER_FORMAT.to_owned(),
            merkle_root: root_hash,
            root: root_hash,
            sequence: tree_size,
            updated_at: finished_at,
            signed_root,
        }
    }

    /// Its one text.
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }
}

/// Shows that a receipt is a leaf of a root's tree. In the predecessor's shape, with the root beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// [`PROOF_FORMAT`].
    pub format: String,
    /// Whose receipt the leaf is, where it was asked for by that; null where by its index.
    pub execution_id: Option<ExecutionId>,
    /// The hash of the leaf: SHA-256 of a nought byte and the receipt's canonical JSON.
    pub leaf_hash: Hash,
    /// From 0.
    pub leaf_index: u64,
    /// The hashes beside the way from the leaf to the root, the leaf's own sibling first.
    pub siblings: Vec<Hash>,
    /// Of each sibling, whether it is on the right.
    pub directions: Vec<bool>,
    /// What they lead to: the root's own `root_hash`.
    pub root_hash: Hash,
    /// The signed root.
    pub root: Root,
}

/// What of a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadProof {
    /// It names a root hash that its root does not have.
    #[error("`root_hash` is not that of `root`")]
    OtherRoot,
    /// There must be a direction for each sibling.
    #[error("there are {siblings} siblings and {directions} directions")]
    Lengths {
        /// Of the one.
        siblings: usize,
        /// Of the other.
        directions: usize,
    },
    /// The path does not lead from the leaf to the root.
    #[error(transparent)]
    NotIncluded(#[from] NotIncluded),
}

impl Proof {
    /// A proof that a leaf is in a root's tree.
    pub fn new(
        execution_id: Option<ExecutionId>,
        leaf_index: u64,
        leaf_hash: Hash,
        path: &[Sibling],
        root: Root,
    ) -> Self {
        Self {
            format: PROOF_FORMAT.to_owned(),
            execution_id,
            leaf_hash,
            leaf_index,
            siblings: path.iter().map(|sibling| sibling.hash).collect(),
            directions: path.iter().map(|sibling| sibling.is_right).collect(),
            root_hash: root.body.root_hash,
            root,
        }
    }

    /// Whether the leaf is in the root's tree. Says nothing of the root's signature.
    pub fn check(&self) -> Result<(), BadProof> {
        let Body { tree_size, root_hash, .. } = &self.root.body;
        if self.root_hash != *root_hash {
            return Err(BadProof::OtherRoot);
        }
        let (siblings, directions) = (self.siblings.len(), self.directions.len());
        if siblings != directions {
            return Err(BadProof::Lengths { siblings, directions });
        }
        let path = self.siblings.iter().zip(&self.directions);
        let path: Vec<Sibling> =
            path.map(|(hash, is_right)| Sibling { hash: *hash, is_right: *is_right }).collect();
        Ok(merkle::verify(self.leaf_index, *tree_size, self.leaf_hash, &path, root_hash)?)
    }

    /// Its one text.
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }
}
