//! Key strings, built and read in this one module.

use beacon_core::idempotency::IdempotencyKey;
use beacon_core::prompt::hex;
use beacon_core::seal::KeyId;
use beacon_core::spec::SpecHash;
use beacon_core::verdict::RulesVersion;
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
/// Prefix of the sort keys of what is said of answers.
pub(super) const VERDICTS: &str = "V#";
/// Shards of the index of what is open.
pub(super) const OPEN_SHARDS: u8 = 4;

pub(super) fn job(job: &JobId) -> String {
    format!("JOB#{job}")
}

pub(super) fn idempotency(key: &IdempotencyKey) -> String {
    format!("KEY#{}", key.sha256())
}

/// Sort key of a nonce that a key has signed.
pub(super) const NONCE: &str = "NONCE";

/// A nonce that a key has signed, which may be any text.
pub(super) fn nonce(key: &KeyId, nonce: &str) -> String {
    let hash = Sha256::new().chain_update(key.as_bytes()).chain_update(nonce);
    format!("NONCE#{}", hex(&hash.finalize()))
}

/// Sort key of a session.
pub(super) const SESSION: &str = "SESSION";

/// A browser's session, by the hash of what its cookie holds.
pub(super) fn session(hash: &str) -> String {
    format!("SESSION#{hash}")
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

/// Prefix of the sort keys of a question's judgements and labels, beside its rows.
pub(super) fn verdicts(question: QuestionIndex) -> String {
    format!("{VERDICTS}{:06}#", question.0)
}

/// What the classifier says of all pairs of a question in one region, by these rules.
pub(super) fn judgements(question: QuestionIndex, rules: &RulesVersion) -> String {
    format!("{}RULES#{}", verdicts(question), rules.0)
}

/// What a person says of one pair.
pub(super) fn label(id: &ExecutionId) -> (String, String) {
    let sk = format!("{}LABEL#{}#{:03}", verdicts(id.question), escape(&id.model), id.sample.0);
    (executions(&id.job, &id.region), sk)
}

/// What such a sort key names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OfVerdicts {
    Judgements(QuestionIndex, RulesVersion),
    Label(QuestionIndex, ModelId, Sample),
}

pub(super) fn verdicts_of(sk: &str) -> Option<OfVerdicts> {
    let (question, what) = sk.strip_prefix(VERDICTS)?.split_once('#')?;
    let question = QuestionIndex(question.parse().ok()?);
    if let Some(rules) = what.strip_prefix("RULES#") {
        return Some(OfVerdicts::Judgements(question, RulesVersion(rules.to_owned())));
    }
    let (model, sample) = what.strip_prefix("LABEL#")?.split_once('#')?;
    Some(OfVerdicts::Label(question, unescape(model)?, Sample(sample.parse().ok()?)))
}

/// A run's analysis: what it is of, and where the rest of it is.
pub(super) fn analysis(run: Run) -> String {
    format!("ANALYSIS#{run}")
}

/// What the keys of all parts of a run's analyses begin with that had seen so many asks; they come after
/// those of fewer.
pub(super) fn asked(run: Run, asked: u32) -> String {
    format!("ANALYSIS#{run}#{asked:010}")
}

/// Aggregates of an analysis, of so many questions from this one on.
pub(super) fn aggregates(run: Run, seen: u32, from: &str, first: QuestionIndex) -> String {
    format!("{}-{from}#A#{:06}", asked(run, seen), first.0)
}

/// A part of an analysis's findings.
pub(super) fn findings(run: Run, seen: u32, from: &str, part: u16) -> String {
    format!("{}-{from}#F#{part:05}", asked(run, seen))
}

/// Prefix of the sort keys of a job's roots, later runs last.
pub(super) const ROOTS: &str = "ROOT#";

/// The root over the receipts of a job as a run left it.
pub(super) fn root(run: Run) -> String {
    format!("{ROOTS}{:010}", run.0)
}

/// Some leaves under that root.
pub(super) fn leaves(run: Run, part: usize) -> String {
    format!("LEAVES#{:010}#{part:05}", run.0)
}

/// Partition and sort key of which job was signed for last.
pub(super) const LAST_ROOT: &str = "LAST_ROOT";

/// Partition of the public keys.
pub(super) const SIGNERS: &str = "SIGNERS";

/// Prefix of their sort keys.
pub(super) const SIGNER: &str = "KEY#";

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

/// Partition of the same index that a job is in whose answers are to be analysed.
pub(super) fn unanalysed_shard(job: &JobId) -> String {
    unanalysed(shard_of(job.as_str()))
}

pub(super) fn unanalysed(shard: u8) -> String {
    format!("ANALYSE#{shard}")
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
    use beacon_analysis::classify::Classifier;

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
    fn what_is_said_of_an_answer_lies_beside_its_row_and_says_what_it_is() {
        let id = ExecutionId::parse("j.12.us-east.3.qwen2~2E5-1~2E5b").unwrap();
        let (pk, sk) = label(&id);
        assert_eq!((pk, sk.as_str()), (execution(&id).0, "V#000012#LABEL#qwen2~2E5-1~2E5b#003"));
        let labelled = OfVerdicts::Label(id.question, id.model.clone(), id.sample);
        assert_eq!(verdicts_of(&sk), Some(labelled));
        let version = |text: &str| RulesVersion(text.to_owned());
        let of = |text| judgements(id.question, &version(text));
        let judged = OfVerdicts::Judgements(id.question, version("2026-11-26"));
        assert_eq!(verdicts_of(&of("2026-11-26")), Some(judged));
        // Later versions come later.
        assert!(of("2026-11-26") < of("2026-11-26.1") && of("2026-11-26.1") < of("2026-12-01"));
        assert!(sk < verdicts(QuestionIndex(13)) && of("9") < verdicts(QuestionIndex(13)));
        assert_eq!(verdicts_of("V#000012#OTHER#a#1"), None);
    }

    #[test]
    fn versions_of_rules_sort_as_they_follow() {
        // A date, and of a second one on the same day one digit: .9 comes after .10 in a text.
        let version = &Classifier::built_in().rules().0;
        let (date, more) = version.split_once('.').unwrap_or((version, "1"));
        date.parse::<jiff::civil::Date>().unwrap();
        assert_eq!((date.len(), more.len()), (10, 1), "{version}");
        assert!(more.bytes().all(|byte| byte.is_ascii_digit()), "{version}");
    }

    #[test]
    fn an_analysis_lies_apart_from_what_is_read_with_the_job() {
        let (run, first) = (Run(1), QuestionIndex(7));
        for sk in [analysis(run), aggregates(run, 0, "0", first), findings(run, 0, "0", 0)] {
            assert!(sk.as_str() < JOB, "{sk}");
            assert!(!sk.starts_with(BILLS) && !sk.starts_with(VERDICTS), "{sk}");
        }
    }

    #[test]
    fn parts_of_earlier_analyses_lie_together_before_those_of_later_ones() {
        let earlier = [aggregates(Run(1), 9, "z", QuestionIndex(7)), findings(Run(1), 9, "z", 3)];
        for sk in earlier {
            assert!(asked(Run(1), 0) < sk && sk < asked(Run(1), 10), "{sk}");
        }
        let later = [aggregates(Run(1), 10, "", QuestionIndex(0)), findings(Run(2), 0, "", 0)];
        for sk in later.into_iter().chain([findings(Run(10), 0, "", 0), analysis(Run(1))]) {
            assert!(!(asked(Run(1), 0)..=asked(Run(1), 10)).contains(&sk), "{sk}");
        }
    }

    #[test]
    fn a_job_and_its_lanes_lie_together_and_apart_from_the_specification() {
        let lane = lane(&LaneId { region: Region::new("z-9").unwrap(), k: 89 });
        assert!(JOB < LATE && LATE < lane.as_str());
        assert!(JOBSPEC > AFTER_LANES);
        assert!(JOB < lane.as_str() && lane.as_str() < AFTER_LANES && AFTER_LANES < "SPEC#");
    }
}
