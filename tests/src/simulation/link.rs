//! The way from worker to router, on which calls are lost.

use std::sync::Arc;
use std::time::Duration;

use beacon_aws::Unsent;
use beacon_inference::{Answer, Link, Lost, Request};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::functions::Who;
use super::router::execution_of;
use super::world::World;

/// One worker's way to the router.
#[derive(Debug)]
pub(super) struct LossyLink {
    pub(super) world: Arc<World>,
    pub(super) who: Who,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Unsent,
    LostOnTheWay,
    /// The connection ends so long after it began, and the router sees that.
    Broken(Duration),
    ReplyLost,
    Panic,
}

impl Link for LossyLink {
    fn send<'a>(
        &'a self,
        request: Request<'a>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Answer, Lost>> {
        async move {
            let carried = timeout(within, self.carry(request)).await;
            carried.unwrap_or(Err(Lost::Silent))
        }
        .boxed()
    }
}

impl LossyLink {
    async fn carry(&self, request: Request<'_>) -> Result<Answer, Lost> {
        let Self { world, who } = self;
        let fate = Fate::draw(world, request);
        world.trace.tell(format_args!("{who}: {} is {fate:?}", told(request)));
        if let Request::Ask { key, .. } = request {
            world.asked(&execution_of(key));
        }
        sleep(world.chance.time(0..40)).await;
        let router = &world.router;
        let answer = match fate {
            Fate::Unsent => return Err(Lost::Unsent(Unsent::Refused, "no connection".into())),
            Fate::LostOnTheWay => return Err(broken()),
            // Without the hook that prints it, because this one is meant.
            Fate::Panic => std::panic::resume_unwind(Box::new("a panic on purpose")),
            Fate::Broken(after) => timeout(after, router.send(world, request)).await.ok().flatten(),
            Fate::ReplyLost => {
                router.send(world, request).await;
                None
            }
            Fate::Delivered => router.send(world, request).await,
        };
        let answer = answer.ok_or_else(broken)?;
        sleep(world.chance.time(0..40)).await;
        Ok(answer)
    }
}

impl Fate {
    fn draw(world: &World, request: Request<'_>) -> Self {
        let faults = &world.plan.faults;
        // A panic is meant for one pair, not for a look on behalf of many.
        if matches!(request, Request::Ask { .. }) && world.faulty(faults.panic) {
            Self::Panic
        } else if world.faulty(faults.call_unsent) {
            Self::Unsent
        } else if world.faulty(faults.call_lost) {
            Self::LostOnTheWay
        } else if world.faulty(faults.call_broken) {
            Self::Broken(world.chance.time(1..9_000))
        } else if world.faulty(faults.reply_lost) {
            Self::ReplyLost
        } else {
            Self::Delivered
        }
    }
}

fn broken() -> Lost {
    Lost::Broken("the connection was lost".into())
}

fn told(request: Request<'_>) -> String {
    match request {
        Request::Ask { key, .. } => format!("ask {key}"),
        Request::Look { key } => format!("look {key}"),
        Request::Stop { key } => format!("stop {key}"),
    }
}
