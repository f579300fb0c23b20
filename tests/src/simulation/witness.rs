//! Sees every write that reaches the table, and every call that reaches the provider, and holds
//! them against the invariants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beacon_aws::{Meter, Table};
use beacon_core::execution::{Counted, ExecutionRow};
use beacon_core::job::Job;
use beacon_core::lane::{Lane, Tallies, shown};
use beacon_core::message::position_of;
use beacon_core::spec::Spec;
use beacon_core::view::JobView;
use beacon_core::{ExecutionId, JobId, LaneId, QuestionId, QuestionIndex, Run, Sample};
use futures_util::FutureExt;
use tokio::sync::Notify;

use super::connection::direct;
use super::functions::{Role, Who};
use super::history::History;
use super::invariants::{self, Call, Change, Checked, Violation};
use super::tables::{Answered, TABLE, Tables};
use super::world::World;

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Witness {
    /// Without faults, and without time.
    pub(super) table: Table,
    seen: Mutex<Seen>,
    /// A violation, or a final status.
    pub(super) news: Notify,
}

#[derive(Debug, Default)]
struct Seen {
    violations: Vec<Violation>,
    ended: bool,
    /// When a cancel of the job's run was acknowledged.
    acknowledged: Option<Duration>,
    history: History,
}

/// What an item is, by its keys.
enum Kind {
    Job,
    Lane,
    Row,
    Other,
}

impl Witness {
    pub(super) fn new(tables: Tables) -> Self {
        let table = Table::new(direct(tables), TABLE.to_owned(), Arc::new(Meter::off()));
        Self { table, seen: Mutex::default(), news: Notify::new() }
    }

    pub(super) fn note(&self, checked: Checked) {
        if let Err(violation) = checked {
            self.lock().violations.push(violation);
            self.news.notify_one();
        }
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.lock().violations.clone()
    }

    /// The run that a job is in.
    pub(super) fn run(&self, job: &JobId) -> Option<Run> {
        self.look(job).map(|(job, _lanes)| job.run)
    }

    /// A cancel was acknowledged that was asked for in this run; where the run is over by then, the
    /// cancel may be one of its or of the next, and concerns nothing.
    pub(super) fn acknowledged(&self, job: &JobId, asked_in: Option<Run>, at: Duration) {
        let now_in = self.run(job);
        let mut seen = self.lock();
        if !seen.ended && now_in == asked_in {
            seen.acknowledged.get_or_insert(at);
        }
    }

    /// Whether the schedule need not go on: the job has its final status, or something is wrong.
    pub(super) fn is_over(&self) -> bool {
        let seen = self.lock();
        seen.ended || !seen.violations.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job and its lanes as they are at this moment.
    fn look(&self, job: &JobId) -> Option<(Job, Vec<Lane>)> {
        at_once(self.table.job_and_lanes(job)).unwrap()
    }
}

impl World {
    /// A request to the table was carried out.
    pub(super) fn applied(&self, who: Who, operation: &str, answered: &Answered) {
        let Answered { status, changes, .. } = answered;
        let told: Vec<String> = changes.iter().map(|change| self.told(change)).collect();
        self.trace.tell(format_args!("{who}: {operation} {status} {}", told.join(" | ")));
        for change in changes {
            self.changed(who, change);
        }
    }

    fn changed(&self, who: Who, change: &Change) {
        let note = |checked| self.witness.note(checked);
        let Some(job) = job_of(change) else { return };
        let kind = Kind::of(change);
        if let Kind::Other = kind {
            return;
        }
        let Some((job, lanes)) = self.witness.look(&job) else { return };
        match kind {
            Kind::Row => {
                note(invariants::completed_row_is_kept(change));
                note(invariants::row_is_written_once_a_run(change));
                note(invariants::row_says_how_it_ended(change));
                note(invariants::row_is_signed_if_completed(change));
                note(invariants::stopped_call_is_of_an_ended_job(&job, change));
                note(invariants::row_counts_dropped_calls(&self.router.calls(), change));
                self.witness.lock().history.row_changed(change, self.now());
                note(invariants::nothing_changes_after_the_end(&job, change));
            }
            Kind::Lane => {
                let held = self.witness.lock().history.lane_changed(who, change);
                note(held);
                if self.witness.lock().acknowledged.is_some() {
                    note(invariants::no_question_opens(change));
                }
                note(invariants::nothing_changes_after_the_end(&job, change));
                note(invariants::every_pair_is_counted(&JobView::new(&job, &lanes, self.origin)));
                let mut lanes = lanes.iter().filter(|_lane| who.role == Role::Inference);
                if let Some(lane) = lanes.find(|lane| format!("LANE#{}", lane.id) == change.sk) {
                    note(invariants::stop_comes_before_its_finish(&job, lane));
                }
            }
            Kind::Job if invariants::is_of_analysis(change) => {}
            Kind::Job => {
                note(invariants::final_status_is_kept(change));
                note(invariants::final_status_comes_last(&job, &lanes));
                note(invariants::final_status_is_right(&job, &lanes));
                note(invariants::every_pair_is_counted(&JobView::new(&job, &lanes, self.origin)));
                self.ended_if_final(&job);
            }
            Kind::Other => {}
        }
    }

    fn ended_if_final(&self, job: &Job) {
        if job.status.is_final() {
            let calls = self.router.calls();
            self.witness.note(invariants::nothing_is_in_flight(&job.id, &calls));
            let deadline = job.deadline.duration_since(self.origin);
            let deadline = Duration::try_from(deadline).unwrap_or_default();
            let kept = invariants::deadline_is_kept(deadline, self.plan.quiet(), self.now());
            self.witness.note(kept);
            let acknowledged = self.witness.lock().acknowledged.take();
            if let Some(at) = acknowledged {
                let ended = invariants::stopped_calls_end(&job.id, &calls, at, self.now());
                self.witness.note(ended);
            }
        }
        self.witness.lock().ended = job.status.is_final();
        self.witness.news.notify_one();
    }

    /// A worker is about to ask.
    pub(super) fn asked(&self, id: &ExecutionId) {
        let Some((job, _lanes)) = self.witness.look(&id.job) else { return };
        let checked = self.witness.lock().history.asked(id, job.run, self.now());
        self.witness.note(checked);
    }

    /// A call is about to begin at the provider, after these. The run that its job is in.
    pub(super) fn call_begins(&self, before: &[Call], id: &ExecutionId) -> Run {
        self.trace.tell(format_args!("provider: {id} begins"));
        self.witness.note(invariants::no_call_overlaps(before, id));
        self.witness.run(&id.job).expect("who is asked about has a job")
    }

    /// What must be true when all is over.
    pub(super) async fn check_the_end(&self, job: &JobId) {
        let note = |checked| self.witness.note(checked);
        let Some((job, lanes)) = self.witness.look(job) else { return };
        let spec = self.witness.table.spec(&job).await.unwrap();
        let calls = self.router.calls();
        let mut pairs: BTreeMap<LaneId, Vec<Tallies>> = BTreeMap::new();
        for lane in &lanes {
            pairs.insert(lane.id.clone(), vec![Tallies::default(); spec.models.len()]);
        }
        for (model, id, question) in pairs_of(&job, &spec) {
            let row = self.witness.table.row(&id).await.unwrap();
            let (k, _position) = position_of(&spec, id.question);
            let of_pair = |lane: &&Lane| lane.id.region == id.region && lane.id.k == k;
            let Some(lane) = lanes.iter().find(of_pair) else { continue };
            let stored = row.as_ref().map(|row| (row.run, row.ending.status()));
            let shown = shown(lane, &job.runs, &id, &question, stored);
            note(invariants::pair_is_accounted_for(&id, &shown, row.is_some()));
            let counted = row.as_ref().map(ExecutionRow::counted);
            let status = shown.status(stored.map(|(_, status)| status));
            let outcome = counted.and_then(|row| row.outcome);
            let (run, simulated, duration_ms) = (lane.run, false, 0);
            let counted = Counted { run, status, outcome, simulated, duration_ms };
            let tallies = pairs.get_mut(&lane.id).and_then(|models| models.get_mut(model));
            let tallies = tallies.unwrap();
            *tallies = tallies.with(counted);
        }
        for lane in &lanes {
            note(invariants::tallies_are_the_pairs(lane, &pairs[&lane.id]));
        }
        note(invariants::calls_are_answered_once(&calls));
        let rows = self.witness.lock().history.billed().clone();
        note(invariants::dropped_calls_are_counted(&calls, &rows));
        note(invariants::lanes_count_what_rows_do(&lanes, &rows));
        note(invariants::nothing_is_in_flight(&job.id, &calls));
    }

    fn told(&self, change: &Change) -> String {
        let Some(item) = &change.after else { return format!("{} is gone", change.sk) };
        let text = |name: &str| item.text(name).unwrap_or("?").to_owned();
        let number = |name: &str| item.number(name).unwrap_or_default();
        match Kind::of(change) {
            Kind::Job => format!("job {} run {}", text("status"), number("run")),
            Kind::Lane => {
                let holder = item.text_in("holder", "nonce").map(|nonce| self.trace.holder(nonce));
                let holder = holder.unwrap_or_else(|| "nobody".into());
                let (state, cursor) = (text("state"), number("cursor"));
                let dispatch = number("dispatch_number");
                format!("{} {state} at {cursor}, {holder}, dispatch {dispatch}", change.sk)
            }
            Kind::Row => {
                let holder = self.trace.holder(&text("holder"));
                format!("{} {} {} by {holder}", change.pk, change.sk, text("status"))
            }
            Kind::Other => change.sk.split('#').next().unwrap_or_default().to_owned(),
        }
    }
}

impl Kind {
    fn of(change: &Change) -> Self {
        match change.sk.split('#').next() {
            Some("JOB") if change.sk == "JOB" => Self::Job,
            Some("LANE") => Self::Lane,
            Some("Q") => Self::Row,
            Some(_) | None => Self::Other,
        }
    }
}

/// Every pair of a job, with the index of its model and the id of its question.
fn pairs_of<'a>(
    job: &'a Job,
    spec: &'a Spec,
) -> impl Iterator<Item = (usize, ExecutionId, QuestionId)> + 'a {
    let questions = (0..).map(QuestionIndex).zip(&spec.questions);
    questions.flat_map(move |(question, entry)| {
        spec.regions.iter().flat_map(move |prompts| {
            spec.models.iter().enumerate().flat_map(move |(index, model)| {
                (0..spec.samples).map(Sample).map(move |sample| {
                    let (job, region) = (job.id.clone(), prompts.region.clone());
                    let id = ExecutionId { job, question, model: model.clone(), region, sample };
                    (index, id, entry.id.clone())
                })
            })
        })
    })
}

/// What a direct read brings. The SDK hands pages over within itself, but waits for nobody else, so
/// nothing else happens meanwhile.
fn at_once<F: Future>(read: F) -> F::Output {
    let mut read = std::pin::pin!(tokio::task::unconstrained(read));
    let ready = (0..100).find_map(|_poll| read.as_mut().now_or_never());
    ready.expect("a direct read does not wait")
}

fn job_of(change: &Change) -> Option<JobId> {
    JobId::new(change.pk.strip_prefix("JOB#")?.split('#').next()?).ok()
}
