//! The functions as they are deployed, each instance with its own clients, link and clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use beacon_aws::{Clock, DeadQuestions, Door, Meter, Queues, RouterProbe, RouterSettings, Table};
use beacon_coordinator::Coordinator;
use beacon_core::time_budget;
use beacon_dispatch::Dispatch;
use beacon_inference::{Inference, Router};
use beacon_intake::{Intake, Signing};
use beacon_reconciler::Reconciler;
use jiff::SignedDuration;

use super::connection::{Connection, Service, dynamodb, sqs};
use super::link::LossyLink;
use super::mortal::Doom;
use super::tables::TABLE;
use super::world::World;
use crate::signed::signer;

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Dispatch,
    Inference,
    Coordinator,
    Reconciler,
}

/// One instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) role: Role,
    pub(super) number: u32,
}

impl Who {
    /// The function that it is an instance of; clients do what intake does for them.
    pub(super) fn function(self) -> &'static str {
        match self.role {
            Role::Client => "intake",
            Role::Dispatch => "dispatch",
            Role::Inference => "inference",
            Role::Coordinator => "coordinator",
            Role::Reconciler => "reconciler",
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Client => "client",
            Role::Dispatch => "dispatch",
            Role::Inference => "inference",
            Role::Coordinator => "coordinator",
            Role::Reconciler => "reconciler",
        };
        write!(f, "{role}-{}", self.number)
    }
}

/// A function that is fed from a queue.
#[derive(Debug)]
pub(super) enum Function {
    Dispatch(Dispatch),
    Inference(Inference),
    Coordinator(Coordinator),
}

impl Function {
    pub(super) async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        match self {
            Self::Dispatch(dispatch) => dispatch.handle(event).await,
            Self::Inference(inference) => inference.handle(event).await,
            Self::Coordinator(coordinator) => coordinator.handle(event).await,
        }
    }
}

/// What every instance is made of.
pub(super) struct Parts {
    pub(super) table: Table,
    pub(super) queues: Queues,
    pub(super) clock: Clock,
    /// Kills what runs on them.
    pub(super) doom: Doom,
}

impl World {
    pub(super) fn parts(self: &Arc<Self>, who: Who) -> Parts {
        let doom = Doom::default();
        let connection = |service| {
            let (world, doom) = (Arc::clone(self), doom.clone());
            Connection { world, who, service, doom }
        };
        let meter = Arc::new(Meter::off());
        let tables = dynamodb(connection(Service::Table));
        let queues = sqs(connection(Service::Queues));
        // No two machines' clocks agree.
        let ahead = SignedDuration::try_from(self.chance.time(0..6_000)).unwrap()
            - SignedDuration::from_secs(3);
        Parts {
            table: Table::new(tables, TABLE.to_owned(), Arc::clone(&meter)),
            queues: Queues::new(queues, self.urls.clone(), meter),
            clock: Clock::Runtime { origin: self.origin, began: self.began, ahead },
            doom,
        }
    }

    /// The function that a queue feeds, and what kills it.
    pub(super) fn function(self: &Arc<Self>, who: Who) -> Option<(Function, Doom)> {
        let Parts { table, queues, clock, doom } = self.parts(who);
        let function = match who.role {
            Role::Dispatch => Some(Function::Dispatch(Dispatch { table, queues, clock })),
            Role::Inference => {
                let settings = RouterSettings {
                    base: "http://router.simulated".into(),
                    timeout: Duration::from_secs(600),
                    authorization: None,
                };
                let link = Arc::new(LossyLink { world: Arc::clone(self), who });
                let router = Router::new(settings, link);
                Some(Function::Inference(Inference {
                    table,
                    queues,
                    router,
                    signer: signer(),
                    boot: None,
                    clock,
                }))
            }
            Role::Coordinator => Some(Function::Coordinator(Coordinator {
                table,
                signer: signer(),
                clock,
                longest: time_budget::ANALYSIS,
            })),
            Role::Client | Role::Reconciler => None,
        };
        function.map(|function| (function, doom))
    }

    /// The intake, for cancels and retries: it asks no router for those.
    pub(super) fn intake(self: &Arc<Self>, who: Who) -> (Intake, Doom) {
        let Parts { table, queues, clock, doom } = self.parts(who);
        let door = Arc::new(Door::on_aws(None));
        let router = RouterProbe::new(self.http.clone(), "http://router.simulated".into());
        (Intake { door, table, queues, router, signing: Signing::new(None), clock }, doom)
    }

    pub(super) fn reconciler(self: &Arc<Self>, number: u32) -> (Reconciler, Doom) {
        let who = Who { role: Role::Reconciler, number };
        let Parts { table, queues, clock, doom } = self.parts(who);
        let connection = Connection {
            world: Arc::clone(self),
            who,
            service: Service::Queues,
            doom: doom.clone(),
        };
        let dead = DeadQuestions::new(sqs(connection), self.dead_questions.clone());
        let link = Arc::new(LossyLink { world: Arc::clone(self), who });
        (Reconciler { table, queues, dead, link, boot: None, clock }, doom)
    }
}
