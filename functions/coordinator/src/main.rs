//! The coordinator function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use beacon_aws::{Clock, Meter, Table, metric_lines, signer, start, table_name};
use beacon_coordinator::Coordinator;
use beacon_core::time_budget;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, signer) = (table_name()?, signer()?);
    let metrics = metric_lines()?;
    let table = Table::new(aws.dynamodb(), name, Arc::new(Meter::off())).telling(metrics);
    let (clock, longest) = (Clock::System, time_budget::ANALYSIS);
    let coordinator = Coordinator { table, signer, clock, longest };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(coordinator.handle(event.payload).await)
    }))
    .await
}
