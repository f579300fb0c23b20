//! Key strings, built and read in this one module.

use beacon_core::idempotency::IdempotencyKey;
use beacon_core::prompt::hex;
use beacon_core::spec::SpecHash;
use beacon_core::wire::CallKey;
use beacon_core::{
    ExecutionId, JobId, LaneId, ModelId, Nonce, ProviderId, QuestionIndex, Region, Run, Sample,
};
use beacon_core::{escape, unescape};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

/// Partition key attribute.
pub(super) const PK: &str = "pk";
/// Sort key attribute.
pub(super) const SK: &str = "sk";
/// Sort key of a job's item.
pub(super) const JOB: &str = "JOB";
/// Prefix of the sort keys of answers that came too late; between [`JOB`] and the lanes.
pub(super) const LATE: &str = "JOB#LATE#";
/// Sort key of the predecessor's document that a job came as.
pub(super) const JOBSPEC: &str = "SUBMITTED";
/// Sort key of what a job's models cost.
pub(super) const PRICES: &str = "PRICES";
/// Sort key of an idempotency key's item.
pub(super) const KEY: &str = "KEY";
/// Sort keys of a job and its lanes lie between [`JOB`] and this.
pub(super) const AFTER_LANES: &str = "LANE$";
/// Prefix of the sort keys of executions' rows.
pub(super) const ROWS: &str = "Q#";
/// Shards of the index of what is open.
pub(super) const OPEN_SHARDS: u8 = 4;

pub(super) fn job(job: &JobId) -> String {
    format!("JOB#{job}")
}

pub(super) fn idempotency(key: &IdempotencyKey) -> String {
    format!("KEY#{}", key.sha256())
}

/// One for each holder whose answer came too late, so that a repeated request counts once.
pub(super) fn late(id: &ExecutionId, holder: &Nonce) -> String {
    format!("{LATE}{}#{}#{holder}", id.region, execution(id).1)
}

pub(super) fn job_of(pk: &str) -> Option<JobId> {
    JobId::new(pk.strip_prefix("JOB#")?).ok()
}

pub(super) fn spec(hash: &SpecHash, chunk: u16) -> String {
    format!("SPEC#{}#{chunk:05}", hash.0)
}

pub(super) fn lane(lane: &LaneId) -> String {
    format!("LANE#{}#{}", lane.region, lane.k)
}

/// A lane's work list in a run after the first; not among the lanes, which are read together.
pub(super) fn work(lane: &LaneId, run: Run) -> String {
    format!("WORK#{}#{}#{run}", lane.region, lane.k)
}

/// Partition and sort key of what the reconciler did last.
pub(super) const RECONCILER: &str = "RECONCILER";

/// Sort key of a router's call.
pub(super) const CALL: &str = "CALL";

/// A router's call. Keys are longer than a partition key is to be, and say what is asked.
pub(super) fn call(key: &CallKey) -> String {
    format!("CALL#{}", hex(&Sha256::digest(key.as_str())))
}

/// Partition and sort key of since when routers share their calls.
pub(super) const CALLS: &str = "CALLS";

/// Sort key of what routers tell each other of a model at a provider.
pub(super) const BREAKER: &str = "BREAKER";

/// A model at a provider.
pub(super) fn route(provider: &ProviderId, model: &ModelId) -> String {
    format!("ROUTE#{provider}#{}", escape(model))
}

/// Prefix of the sort keys of calls whose fate was not known.
pub(super) const BILLS: &str = "BILL#";

/// A call whose fate was not known, by its idempotency key.
pub(super) fn bill(key: &str) -> String {
    format!("{BILLS}{key}")
}

pub(super) fn lane_of(sk: &str) -> Option<LaneId> {
    let (region, k) = sk.strip_prefix("LANE#")?.split_once('#')?;
    Some(LaneId { region: Region::new(region).ok()?, k: k.parse().ok()? })
}

pub(super) fn executions(job: &JobId, region: &Region) -> String {
    format!("JOB#{job}#{region}")
}

/// Prefix of the sort keys of a question's rows.
pub(super) fn question(question: QuestionIndex) -> String {
    format!("{ROWS}{:06}#", question.0)
}

pub(super) fn execution(id: &ExecutionId) -> (String, String) {
    let sk = format!("{}{}#{:03}", question(id.question), escape(&id.model), id.sample.0);
    (executions(&id.job, &id.region), sk)
}

pub(super) fn execution_of(sk: &str) -> Option<(QuestionIndex, ModelId, Sample)> {
    let mut parts = sk.strip_prefix(ROWS)?.split('#');
    let question = QuestionIndex(parts.next()?.parse().ok()?);
    let model = unescape(parts.next()?)?;
    Some((question, model, Sample(parts.next()?.parse().ok()?)))
}

/// Partition of the index of what is open that a job without a final status is in.
pub(super) fn open_shard(job: &JobId) -> String {
    open(shard_of(job.as_str()))
}

/// Partition of the same index that a call is in whose fate is not known.
pub(super) fn open_bill_shard(key: &str) -> String {
    open_bills(shard_of(key))
}

pub(super) fn open_bills(shard: u8) -> String {
    format!("BILLS#{shard}")
}

fn shard_of(text: &str) -> u8 {
    text.bytes().fold(0_u8, u8::wrapping_add) % OPEN_SHARDS
}

pub(super) fn open(shard: u8) -> String {
    format!("OPEN#{shard}")
}

/// Partition of the index of jobs by creation month, UTC.
pub(super) fn month(at: Timestamp) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    format!("{:04}-{:02}", date.year(), date.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        let id = ExecutionId::parse("j.12.us-east.3.qwen2~2E5-1~2E5b").unwrap();
        let (pk, sk) = execution(&id);
        assert_eq!((pk.as_str(), sk.as_str()), ("JOB#j#us-east", "Q#000012#qwen2~2E5-1~2E5b#003"));
        assert_eq!(execution_of(&sk), Some((id.question, id.model, id.sample)));
        let lane_id = LaneId { region: Region::new("eu-west").unwrap(), k: 7 };
        assert_eq!(lane_of(&lane(&lane_id)), Some(lane_id));
        let job_id = JobId::new("a-b_c").unwrap();
        assert_eq!(job_of(&job(&job_id)), Some(job_id));
    }

    #[test]
    fn a_job_and_its_lanes_lie_together_and_apart_from_the_specification() {
        let lane = lane(&LaneId { region: Region::new("z-9").unwrap(), k: 89 });
        assert!(JOB < LATE && LATE < lane.as_str());
        assert!(JOBSPEC > AFTER_LANES);
        assert!(JOB < lane.as_str() && lane.as_str() < AFTER_LANES && AFTER_LANES < "SPEC#");
    }
}
