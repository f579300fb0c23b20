//! One schedule, from the submit to the quiet after the final status.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use beacon_aws::{QueueName, schema};
use beacon_core::reconcile::Occasion;
use beacon_reconciler::{Reconciler, ScheduleEvent};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout_at};

use super::connection::direct;
use super::delivery::EventSource;
use super::functions::{Role, Who};
use super::invariants::{Invariant, Violation};
use super::mortal::{Doom, Mortal};
use super::plan::Plan;
use super::tables::TABLE;
use super::verdict::Verdict;
use super::world::World;

/// How often the reconciler looks.
const SCHEDULE: Duration = Duration::from_secs(60);
/// Within this, and as much a question, a job ends once nothing goes wrong any more: a holder's
/// longest life, the reconciler's minute, a message's longest hiding.
const PATIENCE: Duration = Duration::from_secs(40 * 60);
const PATIENCE_OF_QUESTION: Duration = Duration::from_secs(30);
/// Instances of dispatch and of coordinator.
const INSTANCES: u32 = 2;

/// Runs a schedule.
pub fn run(plan: Plan) -> Verdict {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(schedule(plan))
}

async fn schedule(plan: Plan) -> Verdict {
    let world = World::new(plan);
    schema::create_table(&direct(world.tables.clone()), TABLE).await.unwrap();
    let mut tasks = begin(&world);
    let ended = timeout_at(world.began + limit(&world.plan), over(&world, &mut tasks)).await;
    if ended.is_err() {
        let what = format!("job did not end in {:?}", limit(&world.plan));
        world.witness.note(Err(Violation { invariant: Invariant::EveryJobEnds, what }));
    }
    if world.witness.violations().is_empty() {
        sleep(world.plan.afterwards).await;
        while !world.is_quiet() && world.witness.violations().is_empty() {
            sleep(Duration::from_secs(1)).await;
        }
        world.check_the_end(&World::job_id()).await;
    }
    tasks.abort_all();
    let polls = world.polls_of_first_question.load(Ordering::Relaxed);
    Verdict {
        seed: world.plan.seed,
        violations: world.witness.violations(),
        trace: world.trace.lines(),
        polls_of_first_question: (polls > 0).then_some(polls),
        calls: world.router.calls().len(),
        asked: world.asked_of_aws(),
    }
}

fn limit(plan: &Plan) -> Duration {
    let last = plan.actions.iter().map(|(at, _)| *at).max().unwrap_or_default();
    let begin = plan.faults_end.max(last);
    let runs = u32::try_from(plan.actions.len()).unwrap();
    begin + (PATIENCE + PATIENCE_OF_QUESTION * plan.job.questions) * runs
}

/// Ends when the job has its final status, or something is wrong.
async fn over(world: &World, tasks: &mut JoinSet<()>) {
    while !(world.witness.is_over() && world.all_acted()) && world.witness.violations().is_empty() {
        tokio::select! {
            biased;
            Some(Err(error)) = tasks.join_next() => panic!("the simulation itself failed: {error}"),
            () = world.witness.news.notified() => {}
        }
    }
}

fn begin(world: &Arc<World>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let queues = world.queues.clone();
    tasks.spawn(async move { match queues.keep_time().await {} });
    let fed = [
        (Role::Dispatch, QueueName::Dispatch, INSTANCES, 10),
        (Role::Inference, QueueName::Question, world.plan.workers, 1),
        (Role::Coordinator, QueueName::Completion, INSTANCES, 10),
    ];
    for (role, queue, instances, batch_size) in fed {
        for number in 0..instances {
            let (world, who) = (Arc::clone(world), Who { role, number });
            tasks.spawn(EventSource { world, who, queue, batch_size }.poll());
        }
    }
    tasks.spawn(keep_schedule(Arc::clone(world)));
    for (at, queue) in world.plan.purges.clone() {
        tasks.spawn(purge(Arc::clone(world), at, queue));
    }
    for at in world.plan.restarts.clone() {
        tasks.spawn(restart(Arc::clone(world), at));
    }
    for (number, (at, action)) in (0..).zip(world.plan.actions.clone()) {
        tasks.spawn(Arc::clone(world).act(number, at, action));
    }
    tasks
}

async fn keep_schedule(world: Arc<World>) {
    let reconcilers = [0, 1].map(|number| Arc::new(world.reconciler(number)));
    loop {
        sleep(SCHEDULE + world.chance.time(0..2_000)).await;
        let twice = world.faulty(world.plan.faults.schedule_twice);
        for reconciler in reconcilers.iter().take(if twice { 2 } else { 1 }) {
            let reconcile = reconcile(Arc::clone(&world), Arc::clone(reconciler));
            tokio::spawn(Arc::clone(&world).while_busy(reconcile));
        }
    }
}

async fn reconcile(world: Arc<World>, instance: Arc<(Reconciler, Doom)>) {
    let (reconciler, doom) = &*instance;
    let event = ScheduleEvent { time: world.origin + world.now() };
    let handled = reconciler.handle(event, Occasion::Schedule);
    let life = Mortal::new(handled, world.death(), doom.clone()).await;
    world.trace.tell(format_args!("reconciler: {life:?}"));
}

async fn purge(world: Arc<World>, at: Duration, queue: QueueName) {
    sleep_until(world.began + at).await;
    world.trace.tell(format_args!("the {} queue is purged", queue.as_str()));
    world.operate("PurgeQueue", json!({ "QueueUrl": world.url(queue) })).await;
}

async fn restart(world: Arc<World>, at: Duration) {
    sleep_until(world.began + at).await;
    world.trace.tell(format_args!("the router begins anew"));
    world.router.restart(&world);
}
