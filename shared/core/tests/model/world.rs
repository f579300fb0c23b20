//! What does not change on a path: the specification, the moments that time is reduced to, and the
//! values that states refer to.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use beacon_core::job::{Job, JobWrite, RunRecord};
use beacon_core::lane::{Holder, Lane, LaneWrite, Mark, WorkList};
use beacon_core::message::{DispatchMessage, QuestionMessage};
use beacon_core::reconcile::Step;
use beacon_core::spec::{Spec, SpecHash, parse};
use beacon_core::{ExecutionId, JobId, Nonce, Position, QuestionId, QuestionIndex, Sample};
use jiff::Timestamp;
use serde_json::json;

use super::pool::{Memo, Pool, Ref};
use super::scope::Scope;
use super::state::State;

/// When everything happens that has a time.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// A run's time budget, seconds: the most that a job may have.
const TIMEOUT: u32 = 24 * 60 * 60;
/// From it on, whatever stood still since [`NOW`] is idle, and its holder is dead.
pub(crate) const LATER: Duration = Duration::from_secs(3600);

/// Nonces that can be in use at the same time.
const NONCES: u8 = 32;

/// A question message, and what follows from it.
#[derive(Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) message: QuestionMessage,
    pub(crate) lane: usize,
    /// The models of its pairs.
    pub(crate) models: Vec<usize>,
    /// The places of the rows of its pairs.
    pub(crate) places: Vec<usize>,
}

impl Deref for Question {
    type Target = QuestionMessage;

    fn deref(&self) -> &QuestionMessage {
        &self.message
    }
}

pub(crate) struct World {
    pub(crate) scope: Scope,
    pub(crate) spec: Spec,
    pub(crate) job: Ref<Job>,
    pub(crate) first_lanes: Vec<Ref<Lane>>,
    nonces: Vec<Nonce>,
    jobs: Pool<Job>,
    lanes: Pool<Lane>,
    works: Pool<WorkList>,
    questions: Pool<Question>,
    dispatches: Pool<DispatchMessage>,
    lane_writes: Pool<LaneWrite>,
    job_writes: Pool<JobWrite>,
    plans: Pool<Vec<Step>>,
    pub(crate) planned: Memo<super::reconciler::Seen, Ref<Vec<Step>>>,
    pub(crate) judged: Memo<super::property::Judged, bool>,
    /// States that are known to come to an end by themselves.
    pub(crate) ending: RwLock<HashSet<u64>>,
}

impl World {
    pub(crate) fn new(scope: Scope) -> Self {
        let spec = spec(&scope);
        let job = Job::new(JobId::new("j").unwrap(), &spec, SpecHash(String::new()), 1, NOW);
        let lanes = Job::lanes(&spec, NOW);
        let (jobs, lane_pool) = (Pool::new(key_of_job), Pool::new(key_of_lane));
        let Scope { takeovers, redispatches, .. } = scope;
        let first = lanes.into_iter().map(|lane| Lane { takeovers, redispatches, ..lane });
        Self {
            job: jobs.keep(timeless_job(job)),
            first_lanes: first.map(|lane| lane_pool.keep(lane)).collect(),
            nonces: (0..NONCES).map(|n| Nonce::new(format!("n{n}")).unwrap()).collect(),
            scope,
            spec,
            jobs,
            lanes: lane_pool,
            works: Pool::new(|work| u64::from(work.length())),
            questions: Pool::new(key_of_question),
            dispatches: Pool::new(|message| u64::from(message.dispatch_number.0)),
            lane_writes: Pool::new(key_of_lane_write),
            job_writes: Pool::new(|write| hash(write.condition.status)),
            plans: Pool::new(|steps| steps.len() as u64),
            planned: Memo::new(),
            judged: Memo::new(),
            ending: RwLock::default(),
        }
    }

    pub(crate) fn nonce(&self, number: u8) -> &Nonce {
        &self.nonces[usize::from(number)]
    }

    /// A nonce that nothing in the state knows of is as good as one that never was.
    pub(crate) fn fresh_nonce(&self, state: &State) -> u8 {
        let used: HashSet<&Nonce> = state.nonces(self).into_iter().collect();
        let unused = |number: &u8| !used.contains(self.nonce(*number));
        (0..NONCES).find(unused).unwrap()
    }

    pub(crate) fn keep_job(&self, job: Job) -> Ref<Job> {
        self.jobs.keep(timeless_job(job))
    }

    pub(crate) fn keep_lane(&self, lane: Lane) -> Ref<Lane> {
        self.lanes.keep(timeless_lane(lane))
    }

    pub(crate) fn keep_work(&self, work: WorkList) -> Ref<WorkList> {
        self.works.keep(work)
    }

    pub(crate) fn keep_question(&self, lane: usize, message: QuestionMessage) -> Ref<Question> {
        let models: Vec<usize> = message.pairs().map(|(model, _)| model).collect();
        let places = models.iter().map(|model| self.pair(lane, message.question, *model)).collect();
        self.questions.keep(Question { message, lane, models, places })
    }

    pub(crate) fn keep_dispatch(&self, message: DispatchMessage) -> Ref<DispatchMessage> {
        self.dispatches.keep(message)
    }

    pub(crate) fn keep_lane_write(&self, write: LaneWrite) -> Ref<LaneWrite> {
        self.lane_writes.keep(write)
    }

    pub(crate) fn keep_job_write(&self, write: JobWrite) -> Ref<JobWrite> {
        self.job_writes.keep(write)
    }

    pub(crate) fn keep_plan(&self, steps: Vec<Step>) -> Ref<Vec<Step>> {
        self.plans.keep(steps)
    }

    /// The place of a pair's row: region by region, question by question, model by model.
    pub(crate) fn pair(&self, lane: usize, question: QuestionIndex, model: usize) -> usize {
        let question = usize::try_from(question.0).unwrap();
        (lane * self.scope.questions + question) * self.scope.models + model
    }

    /// All pairs of a lane, each with the place of its row, its model and its question's id.
    pub(crate) fn pairs(&self, lane: usize) -> Vec<(usize, usize, ExecutionId, QuestionId)> {
        let region = &self.first_lanes[lane].id.region;
        let questions =
            self.spec.questions.iter().zip(0..).map(|(q, index)| (q, QuestionIndex(index)));
        let pairs = questions.flat_map(|(entry, question)| {
            self.spec.models.iter().enumerate().map(move |(index, model)| {
                let (job, model, region) = (self.job.id.clone(), model.clone(), region.clone());
                let id = ExecutionId { job, question, model, region, sample: Sample(0) };
                (self.pair(lane, question, index), index, id, entry.id.clone())
            })
        });
        pairs.collect()
    }

    pub(crate) fn is_known_to_end(&self, state: u64) -> bool {
        self.ending.read().unwrap_or_else(PoisonError::into_inner).contains(&state)
    }

    pub(crate) fn knows_to_end(&self, states: Vec<u64>) {
        self.ending.write().unwrap_or_else(PoisonError::into_inner).extend(states);
    }
}

fn spec(scope: &Scope) -> Spec {
    let document = json!({
        "questions": (["math_basic", "geography_basic"][..scope.questions]),
        "models": (["m0", "m1"][..scope.models]),
        "regions": (["US", "EU"][..scope.regions]),
        "timeout": TIMEOUT,
        "stop": if scope.stops { "region_failure" } else { "never" },
        "stop_after": 1,
    });
    parse(&document, &[]).unwrap().spec
}

/// Without its log, which nothing decides by, and with all that it says of times at [`NOW`].
fn timeless_job(mut job: Job) -> Job {
    job.transitions.clear();
    job.started_at = job.started_at.map(|_| NOW);
    job.finished_at = job.finished_at.map(|_| NOW);
    job.deadline = NOW + Duration::from_secs(job.timeout_seconds);
    if let Some(ending) = &mut job.ending {
        ending.at = NOW;
    }
    job.runs = job.runs.into_iter().map(|record| RunRecord { at: NOW, ..record }).collect();
    job
}

fn timeless_lane(mut lane: Lane) -> Lane {
    lane.moved_at = NOW;
    lane.holder = lane.holder.map(|holder| Holder { since: NOW, before: 0, ..holder });
    lane.mark = lane.mark.map(|mark| Mark { at: NOW, ..mark });
    let marks = lane.earlier_marks.into_iter();
    lane.earlier_marks = marks.map(|mark| Mark { at: NOW, ..mark }).collect();
    lane
}

fn key_of_job(job: &Job) -> u64 {
    hash((job.status, job.run, job.started_at, job.ending.as_ref().map(|ending| &ending.cause)))
}

fn key_of_lane(lane: &Lane) -> u64 {
    let Lane { id, run, state, cursor, holder, mark, tallies, dispatch_number, takeovers, .. } =
        lane;
    let holder = holder.as_ref().map(|holder| &holder.nonce);
    let mark = mark.as_ref().map(|mark| &mark.cause);
    hash((id, run, state, cursor, holder, mark, tallies, (dispatch_number, takeovers)))
}

fn key_of_question(question: &Question) -> u64 {
    let message = &question.message;
    let Position(position) = message.position;
    hash((&message.lane, message.run, position, message.dispatch_number))
}

fn key_of_lane_write(write: &LaneWrite) -> u64 {
    hash((write.condition.run, write.condition.cursor, write.change.cursor, write.change.state))
}

pub(crate) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
