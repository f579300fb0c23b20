//! The inference function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use beacon_aws::{
    Aws, Clock, Meter, Queues, Table, log_as_json, queue_urls, router_settings, table_name,
};
use beacon_inference::{HttpLink, Inference, Router};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let (name, urls, settings) = (table_name()?, queue_urls()?, router_settings()?);
    tracing::info!(hybrid_base = settings.base, "Hybrid Router enabled");
    let aws = Aws::from_environment().await;
    let meter = Arc::new(Meter::off());
    let link = Arc::new(HttpLink::new(&settings)?);
    let inference = Inference {
        table: Table::new(aws.dynamodb(), name, Arc::clone(&meter)),
        queues: Queues::new(aws.sqs(), urls, meter),
        router: Router::new(settings, link),
        boot: None,
        clock: Clock::System,
    };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(inference.handle(event.payload).await)
    }))
    .await
}
