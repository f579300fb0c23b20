//! The dispatch function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use beacon_aws::{Clock, Meter, Queues, Table, queue_urls, start, table_name};
use beacon_dispatch::Dispatch;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, urls) = (table_name()?, queue_urls()?);
    let meter = Arc::new(Meter::off());
    let dispatch = Dispatch {
        table: Table::new(aws.dynamodb(), name, Arc::clone(&meter)),
        queues: Queues::new(aws.sqs(), urls, meter),
        clock: Clock::System,
    };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(dispatch.handle(event.payload).await)
    }))
    .await
}
