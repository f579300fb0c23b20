//! The reconciler function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Aws, Clock, DeadQuestions, HttpLink, Meter, Queues, Table, dead_questions_url, log_as_json,
    queue_urls, router_settings, table_name,
};
use beacon_core::reconcile::Occasion;
use beacon_reconciler::{Reconciler, ScheduleEvent};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let (name, urls) = (table_name()?, queue_urls()?);
    let (dead, router) = (dead_questions_url()?, router_settings()?);
    let aws = Aws::from_environment().await;
    let meter = Arc::new(Meter::off());
    let reconciler = Reconciler {
        table: Table::new(aws.dynamodb(), name, Arc::clone(&meter)),
        queues: Queues::new(aws.sqs(), urls, meter),
        dead: DeadQuestions::new(aws.sqs(), dead),
        link: Arc::new(HttpLink::new(&router)?),
        boot: None,
        clock: Clock::System,
    };
    run(service_fn(async |event: LambdaEvent<ScheduleEvent>| {
        Ok::<_, Error>(reconciler.handle(event.payload, Occasion::Schedule).await?)
    }))
    .await
}
