//! The root of a final job: one signature over the receipts of all its completed executions.

use beacon_aws::{Leaf, Place, SpecifiedJob, TableError, at_length};
use beacon_core::job::{is_closed, total};
use beacon_core::{ExecutionId, QuestionIndex, Region};
use beacon_evidence::SOFTWARE;
use beacon_evidence::hash::Hash;
use beacon_evidence::merkle::{self, PART};
use beacon_evidence::receipt::Receipt;
use beacon_evidence::root::Root;
use tracing::info;

use crate::Coordinator;
use crate::analysis::Invocation;

/// Pairs that are read at a time. Were the answers and the providers' receipts of all of them as long as any
/// may be, they would be 740 MB.
const PAIRS: usize = 2_000;

/// How far the signing came.
pub(crate) enum Signed {
    /// The run has its root.
    Whole,
    /// The time is up. Leaves that are stored stay, and the next one goes on behind them.
    Part,
    /// The lanes are not those that the run left.
    Outdated,
}

impl Coordinator {
    /// Signs for a final job as its run left it, unless that was done. Whoever does it again, be it while
    /// the job is retried, finds the same leaves: a completed row never changes, and those of later runs
    /// are left out.
    pub(crate) async fn sign_root(
        &self,
        read: &SpecifiedJob,
        invocation: &Invocation,
    ) -> Result<Signed, TableError> {
        let SpecifiedJob { job, lanes, .. } = read;
        if let Some(stored) = self.table.root(&job.id, job.run).await? {
            // It may be that whoever stored it was killed then.
            self.table.remember_root(&stored.root).await?;
            return Ok(Signed::Whole);
        }
        let Some(finished_at) = job.finished_at.filter(|_| is_closed(job, lanes)) else {
            return Ok(Signed::Outdated);
        };
        let Some(leaves) = self.leaves(read, invocation).await? else { return Ok(Signed::Part) };
        self.table.make_known(&self.signer, self.clock.now()).await?;
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
        let key = self.signer.key();
        let root =
            at_length(|| Root::sign(job, finished_at, &total(lanes), &hashes, SOFTWARE, key));
        if self.table.put_root(&root, &leaves).await? {
            info!(
                job_id = %job.id, run = %job.run, receipts = leaves.len(),
                root_hash = %root.body.root_hash, key_id = %key.id(),
                "receipts are signed for"
            );
        }
        Ok(Signed::Whole)
    }

    /// All leaves, or none where the time is up before. Each full part is stored as soon as it is there, one
    /// of them in any case, so that no limit of time keeps a job from its end.
    async fn leaves(
        &self,
        read: &SpecifiedJob,
        invocation: &Invocation,
    ) -> Result<Option<Vec<Leaf>>, TableError> {
        let SpecifiedJob { job, spec, .. } = read;
        let questions = u32::try_from(spec.questions.len()).unwrap_or(u32::MAX);
        let step = u32::try_from(PAIRS / spec.pairs_of_question().max(1)).unwrap_or(1).max(1);
        let mut leaves = self.table.leaves_so_far(&job.id, job.run).await?;
        let stored_before = leaves.len() / PART;
        let mut stored = stored_before;
        // Of the question in which the last part ends some leaves may be stored, and come again.
        let begin = leaves.last().map_or(Place::FIRST, |leaf| leaf.place);
        let mut again = leaves.iter().rev().take_while(|leaf| leaf.place == begin).count();
        for (index, prompts) in (0_u16..).zip(&spec.regions).skip(usize::from(begin.region)) {
            let mut from = if index == begin.region { begin.question.0 } else { 0 };
            while from < questions {
                let until = questions.min(from.saturating_add(step));
                let (first, next) = (QuestionIndex(from), QuestionIndex(until));
                let rows = self.table.rows_from(&job.id, &prompts.region, first, next).await?;
                at_length(|| {
                    let of_rows =
                        rows.into_iter().filter_map(|((question, model, sample), row)| {
                            let region: Region = prompts.region.clone();
                            let id = ExecutionId {
                                job: job.id.clone(),
                                question,
                                model,
                                region,
                                sample,
                            };
                            let receipt =
                                Receipt::of_job(&id, spec, &row).filter(|_| row.run <= job.run)?;
                            let hash = merkle::leaf(&receipt.canonical());
                            Some(Leaf { hash, place: Place { region: index, question } })
                        });
                    leaves.extend(of_rows.skip(std::mem::take(&mut again)));
                });
                for part in leaves.chunks_exact(PART).skip(stored) {
                    self.table.put_leaves(&job.id, job.run, stored, part).await?;
                    stored += 1;
                }
                if stored > stored_before && invocation.is_over() {
                    return Ok(None);
                }
                from = until;
            }
        }
        Ok(Some(leaves))
    }
}
