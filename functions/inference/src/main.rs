//! The inference function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use beacon_aws::{
    Clock, Meter, Queues, Table, metric_lines, queue_urls, router_place, signer, start, table_name,
};
use beacon_inference::{Inference, Router};
use beacon_router::{Purpose, RouterWay};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, urls, place) = (table_name()?, queue_urls()?, router_place()?);
    let (metrics, signer) = (metric_lines()?, signer()?);
    let meter = Arc::new(Meter::off());
    let table = Table::new(aws.dynamodb(), name, Arc::clone(&meter)).telling(metrics);
    let way = RouterWay::new(place, Purpose::Calls, &table)?;
    tracing::info!(hybrid_base = way.settings.base, "Hybrid Router enabled");
    let inference = Inference {
        table,
        queues: Queues::new(aws.sqs(), urls, meter),
        router: Router::new(way.settings, way.link),
        signer,
        boot: None,
        clock: Clock::System,
    };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(inference.handle(event.payload).await)
    }))
    .await
}
