//! The way in through random schedules: whatever becomes of calls, none stays in the way of those
//! after them.

use futures_util::FutureExt as _;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::breaker::LONGEST_OPEN_MS;
use crate::slots::Concurrency;

const NOW: u64 = 1_795_000_000_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;
/// Longest that a provider asks to wait in a schedule.
const HOLD: Duration = Duration::from_secs(20);

/// A route, and a clock that can be set.
struct Scene {
    route: Arc<Route>,
    slots: Slots,
    now_ms: u64,
    out: Vec<Entered>,
}

impl Scene {
    fn new() -> Self {
        let model = Model { id: beacon_core::ModelId::new("m").unwrap(), upstream: "m".to_owned() };
        let concurrency = Concurrency { calls: 4, queue: 2, patience: HOLD };
        Self {
            route: Arc::new(Route::new(model, Rates::default(), None)),
            slots: Slots::new(Some(concurrency)),
            now_ms: NOW,
            out: Vec::new(),
        }
    }

    /// A call that gets in at once, or goes away.
    fn enter(&self) -> Option<Entered> {
        let way = Entrance {
            slots: &self.slots,
            tokens: 100,
            until: Instant::now() + Duration::from_secs(600),
            clock: Clock::Runtime { origin_ms: self.now_ms, began: Instant::now() },
        };
        // A test that never waits has used up what the runtime lets a task do at a time.
        tokio::task::unconstrained(self.route.enter(way)).now_or_never()?.ok()
    }

    fn step(&mut self, random: &mut SmallRng) {
        match random.random_range(0..12) {
            0..4 => self.out.extend(self.enter()),
            4..8 if !self.out.is_empty() => {
                let entered = self.out.swap_remove(random.random_range(0..self.out.len()));
                let _turned = entered.settle(&outcome(random), 0.1);
            }
            8 if !self.out.is_empty() => {
                drop(self.out.swap_remove(random.random_range(0..self.out.len())));
            }
            9 => self.now_ms += random.random_range(0..5_000),
            10 => {
                let ahead: bool = random.random();
                self.now_ms = if ahead { self.now_ms + DAY } else { self.now_ms - DAY };
            }
            11 => self.reload(random),
            _ => self.now_ms += 1,
        }
    }

    /// What another configuration of the same model changes.
    fn reload(&self, random: &mut SmallRng) {
        let mut known = self.route.known();
        let sleep = Sleep { cold_start: HOLD, after: Duration::from_secs(5) };
        known.waking.set_sleep(random.random::<bool>().then_some(sleep));
        let requests_per_minute = random.random::<bool>().then_some(30);
        known.pace.set_rates(Rates { requests_per_minute, tokens_per_minute: None });
    }
}

fn outcome(random: &mut SmallRng) -> Result<Answer, Failure> {
    let failure = |code| Err(Failure::new(code, ""));
    match random.random_range(0..8) {
        0 | 1 => Ok(answer()),
        2 => failure(FailureCode::Http(400)),
        3 => {
            let throttled = Failure::new(FailureCode::Http(429), "").with_status(429);
            Err(Failure {
                retry_after: Some(random.random_range(Duration::ZERO..HOLD)),
                ..throttled
            })
        }
        4 => failure(FailureCode::Http(503)),
        5 => failure(FailureCode::Unreachable),
        6 => failure(FailureCode::Timeout),
        _ => failure(FailureCode::ConnectionLost),
    }
}

fn answer() -> Answer {
    let usage = Usage { input_tokens: Some(u64::MAX), output_tokens: Some(u64::MAX) };
    Answer {
        usage: Some(usage),
        ..Answer::new(beacon_core::wire::AnswerKind::Text, "4".to_owned())
    }
}

/// After a random schedule, when all calls have ended and every wait is over, the first call gets in,
/// and answered it lets the next ones in.
fn schedule(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut scene = Scene::new();
    for _step in 0..random.random_range(20..60) {
        scene.step(&mut random);
        assert!(scene.slots.in_flight() <= 4, "seed {seed}");
    }
    scene.out.clear();
    assert_eq!(scene.slots.in_flight(), 0, "seed {seed}: a slot is lost");
    scene.now_ms += LONGEST_OPEN_MS + 1;
    for call in 0..5 {
        let entered = scene.enter();
        let entered =
            entered.unwrap_or_else(|| panic!("seed {seed}, call {call}: {:?}", scene.route));
        let _turned = entered.settle(&Ok(answer()), 0.1);
        scene.now_ms += 11_000;
    }
    assert!(scene.route.known().breaker.lets_through(), "seed {seed}");
}

#[tokio::test]
async fn fifty_thousand_random_schedules_leave_nobody_in_the_way() {
    for seed in 0..50_000 {
        schedule(seed);
    }
}
