//! Timeouts, each inside the next: attempt ≤ router < client < function − 20 s, and function ≤
//! visibility. The first counts from a cold model, which takes most of it.

use std::time::Duration;

/// Connecting to the router.
pub const CONNECT: Duration = Duration::from_secs(10);
/// One attempt at a provider, a cold start included.
pub const ATTEMPT: Duration = Duration::from_secs(420);
/// All attempts and waits of the router.
pub const ROUTER: Duration = Duration::from_secs(600);
/// The worker's wait for the router.
pub const CLIENT: Duration = Duration::from_secs(620);
/// A run of the inference function.
pub const FUNCTION: Duration = Duration::from_secs(660);
/// The question queue's visibility timeout.
pub const VISIBILITY: Duration = Duration::from_secs(690);
/// The visibility timeout of the dispatch queue, whose function only talks to the table and the queues.
pub const SHORT_VISIBILITY: Duration = Duration::from_secs(90);
/// A run of the coordinator, which analyses what is final: the longest that Lambda allows.
pub const COORDINATOR: Duration = Duration::from_secs(900);
/// The completion queue's visibility timeout.
pub const COMPLETION_VISIBILITY: Duration = Duration::from_secs(930);
/// After this long the coordinator leaves an analysis at a place from where the next one goes on.
pub const ANALYSIS: Duration = Duration::from_secs(780);
/// A holder older than this is dead, whatever the queue says.
pub const HOLDER: Duration = Duration::from_secs(FUNCTION.as_secs() + 60);

/// A holder looks at its own nonce this often while it waits.
pub const LOOK: Duration = Duration::from_secs(2);
/// A holder starts no call, and keeps none, later than this after the *start* of its last
/// successful look.
pub const FENCE: Duration = Duration::from_millis(2500);
/// How long a worker that took over waits, so that the calls of the holder before are over.
pub const TAKEOVER_WAIT: Duration = Duration::from_secs(3);
/// What a worker lowers its message's visibility to, so that a crash costs about a minute.
pub const HELD_VISIBILITY: Duration = Duration::from_secs(60);
/// When a message comes back whose question its worker had to leave.
pub const GIVEN_BACK: Duration = Duration::from_secs(5);
/// How long a worker tries to store an answer that it has.
pub const STORE: Duration = Duration::from_secs(30);
/// How often it renews the visibility.
pub const RENEW: Duration = Duration::from_secs(20);

const _NESTED: () = {
    assert!(CONNECT.as_secs() < ATTEMPT.as_secs());
    assert!(ATTEMPT.as_secs() <= ROUTER.as_secs());
    assert!(ROUTER.as_secs() < CLIENT.as_secs());
    assert!(CLIENT.as_secs() < FUNCTION.as_secs() - 20);
    assert!(FUNCTION.as_secs() <= VISIBILITY.as_secs());
    assert!(ANALYSIS.as_secs() + 60 < COORDINATOR.as_secs());
    assert!(COORDINATOR.as_secs() < COMPLETION_VISIBILITY.as_secs());
    assert!(LOOK.as_millis() < FENCE.as_millis());
    assert!(FENCE.as_millis() < TAKEOVER_WAIT.as_millis());
};
