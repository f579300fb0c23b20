//! What clients do, through the intake's requests.

use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{ApiError, NewJob, Submit};
use beacon_core::job::Selection;
use beacon_core::message::DispatchMessage;
use beacon_core::spec::{Spec, parse};
use beacon_core::{JobId, ModelId, Nonce, QuestionId, Region};
use beacon_intake::Retry;
use tokio::time::sleep;

use super::functions::{Parts, Role, Who};
use super::invariants::first_retry_is_new;
use super::mortal::{Life, Mortal};
use super::world::World;

/// One thing that a client does at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Submits the job, again and again until it is accepted.
    Submit,
    /// Cancels the job, again and again until that is acknowledged or the job has ended.
    Cancel,
    /// When the job has ended: asks for a new run of it, again and again until it is accepted.
    Retry(Wanted),
}

/// What is asked of a new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything that is not completed.
    Everything,
    /// The same of the first model.
    FirstModel,
    /// The same of the first question.
    FirstQuestion,
    /// The same of the first region.
    FirstRegion,
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
            Action::Cancel => self.cancel(who).await,
            Action::Retry(wanted) => self.retry(who, wanted).await,
        }
        self.acted();
    }

    async fn cancel(self: &Arc<Self>, who: Who) {
        loop {
            let (intake, doom) = self.intake(who);
            let job = Self::job_id();
            let run = self.witness.run(&job);
            let cancel = intake.cancel(&job, None);
            let life = Mortal::new(cancel, self.death(), doom).await;
            self.trace.tell(format_args!("{who}: cancels, {life:?}"));
            match life {
                Life::Ended(Ok(_), _) => {
                    self.witness.acknowledged(&job, run, self.now());
                    return;
                }
                Life::Ended(Err(ApiError::JobIsFinal { .. }), _) => return,
                Life::Ended(Err(_), _) | Life::Died => sleep(PAUSE).await,
            }
        }
    }

    async fn retry(self: &Arc<Self>, who: Who, wanted: Wanted) {
        let request = Nonce::new(format!("retry-{}", who.number)).unwrap();
        let selection = wanted.selection();
        let mut is_first = true;
        loop {
            self.until_the_end().await;
            let (intake, doom) = self.intake(who);
            let (by, why) = (None, Some("to see".to_owned()));
            let asked = Retry { selection: selection.clone(), by, why, request: request.clone() };
            let job = Self::job_id();
            let retry = intake.retry(&job, asked);
            let life = Mortal::new(retry, self.death(), doom).await;
            self.trace.tell(format_args!("{who}: retries, {life:?}"));
            if let Life::Ended(Ok(retried), _) = &life {
                self.witness.note(first_retry_is_new(is_first, retried.existing));
            }
            is_first = false;
            match life {
                Life::Ended(Ok(_) | Err(ApiError::NothingToRetry(_)), _) => return,
                Life::Ended(Err(_), _) | Life::Died => sleep(PAUSE).await,
            }
        }
    }

    /// The job has a final status, or something is wrong.
    async fn until_the_end(&self) {
        while !self.witness.is_over() {
            sleep(PAUSE).await;
        }
    }

    async fn submit(self: &Arc<Self>, who: Who) {
        let document = self.plan.job.specification(self.plan.stops, Self::job_id().as_str());
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

impl Wanted {
    fn selection(self) -> Selection {
        let mut selection = Selection::default();
        match self {
            Self::Everything => {}
            Self::FirstModel => selection.models = vec![ModelId::new("m0").unwrap()],
            Self::FirstQuestion => selection.questions = vec![QuestionId::new("q0").unwrap()],
            Self::FirstRegion => selection.regions = vec![Region::new("us-east").unwrap()],
        }
        selection
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
