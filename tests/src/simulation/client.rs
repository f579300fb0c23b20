//! What clients do, through the intake's requests.

use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{NewJob, Submit};
use beacon_core::JobId;
use beacon_core::message::DispatchMessage;
use beacon_core::spec::{Spec, parse};
use tokio::time::sleep;

use super::functions::{Parts, Role, Who};
use super::mortal::{Life, Mortal};
use super::world::World;

/// One thing that a client does at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Submits the job, again and again until it is accepted.
    Submit,
}

/// Between two tries of a client.
const PAUSE: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn job_id() -> JobId {
        JobId::new("job").unwrap()
    }

    /// Does what the plan has a client do.
    pub(super) async fn act(self: Arc<Self>, number: u32, at: Duration, action: Action) {
        sleep(at).await;
        let who = Who { role: Role::Client, number };
        match action {
            Action::Submit => self.submit(who).await,
        }
    }

    async fn submit(self: &Arc<Self>, who: Who) {
        let document = self.plan.job.specification(Self::job_id().as_str());
        let spec = parse(&document, &[]).unwrap().spec;
        let parts = self.parts(who);
        loop {
            let life = Mortal::new(accept(&parts, &spec), self.death(), parts.doom.clone()).await;
            self.trace.tell(format_args!("{who}: submits, {life:?}"));
            match life {
                Life::Ended(true, _) => return,
                Life::Ended(false, _) | Life::Died => sleep(PAUSE).await,
            }
        }
    }
}

/// As the intake does. A dispatch that fails is the reconciler's.
async fn accept(parts: &Parts, spec: &Spec) -> bool {
    let id = World::job_id();
    match parts.table.submit(NewJob::plain(id, spec), parts.clock.now()).await {
        Ok(Submit::Created(job)) => {
            for lane in spec.lanes() {
                let message = DispatchMessage::first(job.id.clone(), lane);
                let _reconciled = parts.queues.send_dispatch(&message).await;
            }
            true
        }
        Ok(Submit::Exists { same, .. } | Submit::Repeated { same, .. }) => {
            assert!(same, "the same job was submitted");
            true
        }
        Err(_again) => false,
    }
}
