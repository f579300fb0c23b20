//! The reconciler function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{Aws, Clock, Meter, Queues, Table, log_as_json, queue_urls, table_name};
use beacon_core::reconcile::Occasion;
use beacon_reconciler::{Reconciler, ScheduleEvent};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let (name, urls) = (table_name()?, queue_urls()?);
    let aws = Aws::from_environment().await;
    let meter = Arc::new(Meter::off());
    let reconciler = Reconciler {
        table: Table::new(aws.dynamodb(), name, Arc::clone(&meter)),
        queues: Queues::new(aws.sqs(), urls, meter),
        clock: Clock::System,
    };
    run(service_fn(async |event: LambdaEvent<ScheduleEvent>| {
        Ok::<_, Error>(reconciler.handle(event.payload, Occasion::Schedule).await?)
    }))
    .await
}
