//! Sees every write that reaches the table, and every call that reaches the provider, and holds
//! them against the invariants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use beacon_aws::{Meter, Table};
use beacon_core::job::Job;
use beacon_core::lane::Lane;
use beacon_core::message::position_of;
use beacon_core::view::JobView;
use beacon_core::{ExecutionId, JobId, LaneId, QuestionIndex};
use futures_util::FutureExt;
use tokio::sync::Notify;

use super::connection::direct;
use super::functions::Who;
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
                self.witness.lock().history.row_changed(change, self.now());
                note(invariants::nothing_changes_after_the_end(&job, change));
            }
            Kind::Lane => {
                let held = self.witness.lock().history.lane_changed(who, change);
                note(held);
                note(invariants::nothing_changes_after_the_end(&job, change));
                note(invariants::every_pair_is_counted(&JobView::new(&job, &lanes, self.origin)));
            }
            Kind::Job => {
                note(invariants::final_status_is_kept(change));
                note(invariants::final_status_comes_last(&job, &lanes));
                note(invariants::every_pair_is_counted(&JobView::new(&job, &lanes, self.origin)));
                self.ended_if_final(&job);
            }
            Kind::Other => {}
        }
    }

    fn ended_if_final(&self, job: &Job) {
        if job.status.is_final() {
            self.witness.note(invariants::nothing_is_in_flight(&job.id, &self.router.calls()));
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

    /// A call is about to begin at the provider, after these.
    pub(super) fn call_begins(&self, before: &[Call], id: &ExecutionId) {
        self.trace.tell(format_args!("provider: {id} begins"));
        self.witness.note(invariants::no_call_overlaps(before, id));
    }

    /// What must be true when all is over.
    pub(super) async fn check_the_end(&self, job: &JobId) {
        let note = |checked| self.witness.note(checked);
        let Some((job, lanes)) = self.witness.look(job) else { return };
        let spec = self.witness.table.spec(&job).await.unwrap();
        let mut rows: BTreeMap<LaneId, Vec<_>> = BTreeMap::new();
        for region in spec.regions.iter().map(|prompts| &prompts.region) {
            let (first, last) = (QuestionIndex(0), QuestionIndex(999_999));
            let found = self.witness.table.rows_from(&job.id, region, first, last).await;
            for ((question, _, _), row) in found.unwrap() {
                let (k, _position) = position_of(&spec, question);
                rows.entry(LaneId { region: region.clone(), k }).or_default().push(row);
            }
        }
        for lane in &lanes {
            let of_lane = rows.get(&lane.id).map(Vec::as_slice).unwrap_or_default();
            note(invariants::tallies_are_the_rows(lane, of_lane));
        }
        note(invariants::every_pair_has_its_row(&job, &rows));
        let calls = self.router.calls();
        note(invariants::calls_are_answered_once(&calls, job.run.0));
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
