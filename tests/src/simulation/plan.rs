//! One schedule: which job, and what goes wrong how often, all of it drawn from a seed.

use std::time::Duration;

use beacon_aws::QueueName;
use serde_json::{Value, json};

use super::chance::Chance;
use super::client::{Action, Wanted};
use super::connection::LATEST_MS;

/// What a schedule is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Draws everything that is not said here.
    pub seed: u64,
    /// The job.
    pub job: Shape,
    /// When it stops by itself.
    pub stops: Stops,
    /// Receives of questions at a time.
    pub workers: u32,
    /// What goes wrong while faults last.
    pub faults: Faults,
    /// When nothing goes wrong any more.
    pub faults_end: Duration,
    /// What clients do, and when.
    pub actions: Vec<(Duration, Action)>,
    /// Queues that lose all their messages, and when.
    pub purges: Vec<(Duration, QueueName)>,
    /// When the router begins anew and knows nothing of before.
    pub restarts: Vec<Duration>,
    /// The poll at which the first receive of a question dies, whatever the rates say.
    pub first_question_dies_at: Option<u32>,
    /// How long the schedule goes on after the final status, to see whether anything still changes.
    pub afterwards: Duration,
}

/// When a job stops by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stops {
    /// As in a specification.
    pub stop: &'static str,
    /// Its time budget; none for one that is never reached.
    pub timeout: Option<Duration>,
}

impl Stops {
    /// It asks all its questions, whatever comes of them.
    pub const NEVER: Self = Self { stop: "never", timeout: None };

    fn drawn(chance: &Chance) -> Self {
        let minutes = chance.one_of(&[0, 0, 0, 1, 3, 15]);
        Self {
            stop: chance.one_of(&["never", "never", "region_failure", "unreachable"]),
            timeout: (minutes > 0).then(|| Duration::from_secs(60 * minutes)),
        }
    }
}

/// The size of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Entries of the question list.
    pub questions: u32,
    /// Models.
    pub models: u32,
    /// Regions, three at most.
    pub regions: usize,
    /// Repetitions.
    pub samples: u32,
    /// Lanes of a region.
    pub questions_in_flight: u32,
}

/// How often what goes wrong, 0 to 1 of the occasions for it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// A request to table or queue fails before it is sent.
    pub request_unsent: f64,
    /// It is carried out, and the caller is told that it failed.
    pub answer_lost: f64,
    /// It is carried out when nobody waits for it any more.
    pub request_late: f64,
    /// It is refused for its rate.
    pub throttled: f64,
    /// A write is refused for another transaction.
    pub conflict: f64,
    /// A call does not leave the worker.
    pub call_unsent: f64,
    /// A call is lost on the way to the router.
    pub call_lost: f64,
    /// The connection ends while the provider works.
    pub call_broken: f64,
    /// The connection ends when the answer is there.
    pub reply_lost: f64,
    /// The worker's own code panics on a pair.
    pub panic: f64,
    /// A provider takes minutes.
    pub slow: f64,
    /// A provider fails.
    pub provider_failure: f64,
    /// A model answers with nothing.
    pub empty: f64,
    /// A message is lost.
    pub message_lost: f64,
    /// A message is delivered to two functions at once.
    pub message_twice: f64,
    /// A message waits between queue and function.
    pub message_delayed: f64,
    /// A message comes back while its function runs.
    pub message_early: f64,
    /// A function dies at one of its awaits.
    pub kill: f64,
    /// The schedule fires twice.
    pub schedule_twice: f64,
}

const RATES: [f64; 4] = [0.01, 0.05, 0.15, 0.4];

impl Plan {
    /// A schedule in which nothing goes wrong.
    pub fn calm(seed: u64, job: Shape) -> Self {
        Self {
            seed,
            job,
            stops: Stops::NEVER,
            workers: 3,
            faults: Faults::default(),
            faults_end: Duration::ZERO,
            actions: vec![(Duration::ZERO, Action::Submit)],
            purges: Vec::new(),
            restarts: Vec::new(),
            first_question_dies_at: None,
            afterwards: Duration::from_secs(60),
        }
    }

    /// A schedule with faults, as the seed has it.
    pub fn drawn(seed: u64) -> Self {
        let chance = Chance::seeded(seed ^ 0x5eed_f417);
        let faults_end = chance.time(20_000..900_000);
        let faulty_ms = u64::try_from(faults_end.as_millis()).unwrap();
        let purges = (0..chance.one_of(&[0, 0, 1, 2, 4])).map(|_purge| {
            let at = chance.time(0..faulty_ms);
            (at, chance.one_of(&QueueName::ALL))
        });
        let actions = Self::actions(&chance);
        let mut plan = Self {
            actions,
            stops: Stops::drawn(&chance),
            purges: purges.collect(),
            job: Shape::drawn(&chance),
            workers: chance.one_of(&[1, 2, 3, 5]),
            faults: Faults::drawn(&chance),
            faults_end,
            afterwards: Duration::from_secs(chance.one_of(&[30, 120, 800])),
            restarts: Self::restarts(&chance, faulty_ms),
            ..Self::calm(seed, Shape::SMALL)
        };
        if chance.happens(0.08) {
            plan.faults = Faults::late_rows();
        }
        plan
    }

    /// Most of them early: jobs are over soon.
    fn restarts(chance: &Chance, faulty_ms: u64) -> Vec<Duration> {
        let restarts = 0..chance.one_of(&[0, 0, 1, 2, 6]);
        restarts
            .map(|_restart| chance.time(0..chance.one_of(&[20_000, 20_000, faulty_ms])))
            .collect()
    }

    /// When nothing goes wrong any more, and nothing arrives that went wrong before.
    pub(super) fn quiet(&self) -> Duration {
        let late = self.faults.request_late > 0.0;
        self.faults_end + Duration::from_millis(if late { LATEST_MS } else { 0 })
    }

    /// Sometimes it is submitted twice, cancelled, and run again once or twice.
    fn actions(chance: &Chance) -> Vec<(Duration, Action)> {
        let mut actions = vec![(Duration::ZERO, Action::Submit)];
        if chance.happens(0.3) {
            actions.push((chance.time(0..60_000), Action::Submit));
        }
        for _cancel in 0..chance.one_of(&[0, 0, 1, 1, 2]) {
            let most = chance.one_of(&[5_000, 30_000, 300_000, 1_500_000]);
            actions.push((chance.time(0..most), Action::Cancel));
        }
        for _retry in 0..chance.one_of(&[0, 0, 1, 1, 2]) {
            let all = Wanted::Everything;
            let wanted = [all, all, Wanted::FirstModel, Wanted::FirstQuestion, Wanted::FirstRegion];
            actions.push((chance.time(0..200_000), Action::Retry(chance.one_of(&wanted))));
        }
        actions
    }

    /// One question to two models in one region, whose first receive dies at this poll.
    pub fn killed_at(seed: u64, poll: u32) -> Self {
        let first_question_dies_at = Some(poll);
        let job = Shape { questions: 1, regions: 1, ..Shape::SMALL };
        Self { first_question_dies_at, ..Self::calm(seed, job) }
    }
}

impl Shape {
    /// Two questions, models and regions.
    pub const SMALL: Self =
        Self { questions: 2, models: 2, regions: 2, samples: 1, questions_in_flight: 1 };
    /// A lane of more than one page.
    const LONG: Self = Self { questions: 205, models: 1, regions: 1, ..Self::SMALL };

    fn drawn(chance: &Chance) -> Self {
        if chance.happens(0.01) {
            return Self::LONG;
        }
        Self {
            questions: chance.one_of(&[1, 2, 2, 3, 4]),
            models: chance.one_of(&[1, 2, 2, 3]),
            regions: chance.one_of(&[1, 2, 2, 3]),
            samples: chance.one_of(&[1, 1, 1, 2]),
            questions_in_flight: chance.one_of(&[1, 1, 2]),
        }
    }

    /// The specification of a job of this size.
    pub(super) fn specification(self, stops: Stops, id: &str) -> Value {
        let questions = (0..self.questions)
            .map(|n| json!({ "id": format!("q{n}"), "text": format!("Question {n}?") }));
        let models = (0..self.models).map(|n| format!("m{n}"));
        json!({
            "id": id,
            "questions": questions.collect::<Vec<_>>(),
            "models": models.collect::<Vec<_>>(),
            "regions": &["us-east", "eu-west", "asia-pacific"][..self.regions],
            "samples": self.samples,
            "questions_in_flight": self.questions_in_flight.min(self.questions),
            "stop": stops.stop,
            "timeout": stops.timeout.map_or(86_400, |timeout| timeout.as_secs()),
        })
    }
}

impl Faults {
    /// Rows arrive when their worker is gone, and while the next one asks, whose call may end
    /// otherwise. All of this at once is seldom drawn.
    fn late_rows() -> Self {
        Self {
            request_late: 0.15,
            call_broken: 0.4,
            slow: 0.4,
            provider_failure: 0.2,
            kill: 0.05,
            message_early: 0.3,
            ..Self::default()
        }
    }

    /// Each kind with a rate of its own, and most schedules without most kinds: faults that are
    /// always there hide those that need a quiet moment.
    fn drawn(chance: &Chance) -> Self {
        let share = chance.one_of(&[0.1, 0.3, 0.6]);
        let rate = || if chance.happens(share) { chance.one_of(&RATES) } else { 0.0 };
        Self {
            request_unsent: rate(),
            answer_lost: rate(),
            request_late: rate(),
            throttled: rate(),
            conflict: rate(),
            call_unsent: rate(),
            call_lost: rate(),
            call_broken: rate(),
            reply_lost: rate(),
            panic: rate(),
            slow: rate(),
            provider_failure: rate(),
            empty: rate(),
            message_lost: rate(),
            message_twice: rate(),
            message_delayed: rate(),
            message_early: rate(),
            kill: rate(),
            schedule_twice: rate(),
        }
    }
}
