//! Evidence as it is stored: receipts, the root over them, proofs, and the keys that verify all of it.

use std::cmp::Reverse;

use beacon_aws::{ApiError, KnownKey, Leaf, NoEvidence, Place, StoredRoot, json, text};
use beacon_core::job::Job;
use beacon_core::view::Source;
use beacon_core::{ExecutionId, JobId, Run};
use beacon_evidence::merkle;
use beacon_evidence::published::{PublishedKey, PublishedKeys};
use beacon_evidence::receipt::Receipt;
use beacon_evidence::root::{Proof, RootAnswer};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;
use crate::parameters::{Parameters, invalid};

impl Query {
    pub(crate) async fn receipt(&self, id: &ExecutionId) -> Result<Response<Body>, ApiError> {
        Ok(canonical(&self.receipt_of_execution(id).await?.canonical()))
    }

    /// The receipt of an execution.
    ///
    /// # Errors
    /// Where it has none, with why, and where the table does not answer.
    pub async fn receipt_of_execution(&self, id: &ExecutionId) -> Result<Receipt, ApiError> {
        let (_, receipt) = self.signed(id).await?.map_err(|why| no_receipt(id, why))?;
        Ok(receipt)
    }

    /// The root over a job's receipts, of the last run that was signed for, and the proof that this receipt is
    /// under it.
    ///
    /// # Errors
    /// Without a root, with why, for what was completed after its run, and where the table does not answer.
    pub async fn proof_of_receipt(
        &self,
        source: &Source<'_>,
        receipt: &Receipt,
    ) -> Result<(RootAnswer, Proof), ApiError> {
        let id = &receipt.body.execution_id;
        let stored = self.root_of(&id.job, None).await?;
        let mut regions = (0_u16..).zip(&source.spec.regions);
        let region = regions.find(|(_, prompts)| prompts.region == id.region);
        let (region, _) = region.ok_or_else(|| ApiError::NoSuchExecution(id.to_string()))?;
        let proof = self.proof_at(&stored, id, region, receipt).await?;
        Ok((RootAnswer::new(stored.root), proof))
    }

    pub(crate) async fn root(&self, parameters: &Parameters) -> Result<Response<Body>, ApiError> {
        let stored = match parameters.job_id()? {
            Some(job) => self.root_of(&job, parameters.run()?).await?,
            None if parameters.run()?.is_some() => return Err(run_of_no_job()),
            None => self.last_root().await?,
        };
        Ok(canonical(&RootAnswer::new(stored.root).canonical()))
    }

    pub(crate) async fn proof(&self, parameters: &Parameters) -> Result<Response<Body>, ApiError> {
        let (run, index) = (parameters.run()?, parameters.index()?);
        let proof = match (parameters.execution_id()?, index) {
            (Some(_), Some(_)) => {
                return Err(invalid("index", "stands beside `execution_id`; give one".to_owned()));
            }
            (Some(id), None) => self.proof_of(&id, parameters, run).await?,
            (None, Some(index)) => {
                let stored = match parameters.job_id()? {
                    Some(job) => self.root_of(&job, run).await?,
                    None if run.is_some() => return Err(run_of_no_job()),
                    None => self.last_root().await?,
                };
                self.table.proof(&stored, index).await?.ok_or_else(|| {
                    let size = stored.root.body.tree_size;
                    NoEvidence::Proof(format!("the tree has {size} leaves, counted from 0"))
                })?
            }
            (None, None) if parameters.has_ipfs_cid() => {
                let problem = "nothing of Beacon is on IPFS; ask by `execution_id` or `index`, or for the whole \
                               with GET /api/v1/jobs/{id}/bundle";
                return Err(invalid("ipfs_cid", problem.to_owned()));
            }
            (None, None) => return Err(NoEvidence::IndexMissing.into()),
        };
        Ok(canonical(&proof.canonical()))
    }

    pub(crate) async fn keys(&self) -> Result<Response<Body>, ApiError> {
        json(StatusCode::OK, &self.published_keys().await?)
    }

    /// The public keys that receipts and roots were signed with, the newest first.
    ///
    /// # Errors
    /// Where the table does not answer.
    pub async fn published_keys(&self) -> Result<PublishedKeys, ApiError> {
        let mut known = self.table.public_keys().await?;
        known.sort_by_key(|key| Reverse(key.first_used_at));
        let key =
            |KnownKey { public_key, first_used_at }| PublishedKey::new(public_key, first_used_at);
        Ok(PublishedKeys { keys: known.into_iter().map(key).collect() })
    }

    async fn proof_of(
        &self,
        id: &ExecutionId,
        parameters: &Parameters,
        run: Option<Run>,
    ) -> Result<Proof, ApiError> {
        if parameters.job_id()?.is_some_and(|job| job != id.job) {
            return Err(invalid("job_id", "is another job than that of `execution_id`".to_owned()));
        }
        let stored = self.root_of(&id.job, run).await?;
        self.proof_under(&stored, id).await
    }

    /// The proof of an execution of the root's job.
    async fn proof_under(&self, stored: &StoredRoot, id: &ExecutionId) -> Result<Proof, ApiError> {
        let no_proof = |why: &str| ApiError::from(NoEvidence::Proof(format!("`{id}` {why}")));
        let (region, receipt) = self.signed(id).await?.map_err(no_proof)?;
        self.proof_at(stored, id, region, &receipt).await
    }

    async fn proof_at(
        &self,
        stored: &StoredRoot,
        id: &ExecutionId,
        region: u16,
        receipt: &Receipt,
    ) -> Result<Proof, ApiError> {
        let place = Place { region, question: id.question };
        let leaf = Leaf { hash: merkle::leaf(&receipt.canonical()), place };
        let proof = self.table.proof_of(stored, id, leaf).await?;
        proof.ok_or_else(|| {
            let run = stored.root.body.run;
            NoEvidence::Proof(format!("`{id}` was completed after run {run}")).into()
        })
    }

    /// The receipt of an execution and its region's index in the specification; or why there is none.
    async fn signed(
        &self,
        id: &ExecutionId,
    ) -> Result<Result<(u16, Receipt), &'static str>, ApiError> {
        let Some(job) = self.table.job(&id.job).await? else {
            return Ok(Err("is of a job that is not there"));
        };
        let spec = self.table.spec(&job).await?;
        let regions = (0_u16..).zip(&spec.regions);
        let index = regions.into_iter().find(|(_, prompts)| prompts.region == id.region);
        let (Some((index, _)), Some(_)) = (index, spec.question_of(id)) else {
            return Ok(Err("is no execution of its job"));
        };
        let Some(row) = self.table.row(id).await? else {
            return Ok(Err("has not ended: a receipt is signed when it is completed"));
        };
        let why = match row.ending.failure() {
            Some(_) => "is not completed: what brought no answer has no receipt",
            None => "was completed under a release of Beacon that signed no receipts",
        };
        Ok(Receipt::of_job(id, &spec, &row).map(|receipt| (index, receipt)).ok_or(why))
    }

    /// The root of a run of a job; of the last that has one where none is named.
    ///
    /// # Errors
    /// Without such a job or root, with why, and where the table does not answer.
    pub async fn root_of(&self, id: &JobId, run: Option<Run>) -> Result<StoredRoot, ApiError> {
        let job = self.table.job(id).await?.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        let stored = match run {
            Some(run) => self.table.root(id, run).await?,
            None => self.table.latest_root(id).await?,
        };
        stored.ok_or_else(|| no_root(job, run))
    }

    async fn last_root(&self) -> Result<StoredRoot, ApiError> {
        let none = || ApiError::from(NoEvidence::Root("nothing was signed for yet".to_owned()));
        let (job, run) = self.table.last_root().await?.ok_or_else(none)?;
        self.table.root(&job, run).await?.ok_or_else(none)
    }
}

/// Why a job has no root of a run, or none at all.
fn no_root(job: Job, run: Option<Run>) -> ApiError {
    if let Some(run) = run.filter(|run| *run > job.run) {
        let (id, had) = (job.id, job.run);
        return NoEvidence::Root(format!("the job `{id}` has no run {run}; its last is {had}"))
            .into();
    }
    if run.is_none_or(|run| run == job.run) {
        if !job.status.is_final() {
            return ApiError::NotEnded { job: job.id, status: job.status };
        }
        // Whoever analyses it signs for it before.
        if job.analysis.due.is_some() {
            return NoEvidence::RootNotYet(job.id).into();
        }
    }
    let told = match run {
        Some(run) => format!("run {run} of the job `{}` was not signed for", job.id),
        None => format!("the job `{}` ended under a release of Beacon that signed nothing", job.id),
    };
    NoEvidence::Root(told).into()
}

fn no_receipt(id: &ExecutionId, why: &'static str) -> ApiError {
    NoEvidence::Receipt { id: id.clone(), why }.into()
}

fn run_of_no_job() -> ApiError {
    invalid("run", "is one of a job; give `job_id` too".to_owned())
}

/// An answer that is canonical JSON, byte by byte.
fn canonical(bytes: &[u8]) -> Response<Body> {
    text(StatusCode::OK, "application/json", String::from_utf8_lossy(bytes).into_owned())
}
