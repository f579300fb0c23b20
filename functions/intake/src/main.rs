//! The intake function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Clock, Door, Meter, Queues, Table, metric_lines, queue_urls, requests_per_minute, router_place,
    start, table_name, trusted_keys,
};
use beacon_intake::{Intake, Signing};
use beacon_router::{Purpose, RouterWay};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, urls, place) = (table_name()?, queue_urls()?, router_place()?);
    let (allowance, trusted) = (requests_per_minute()?, trusted_keys()?);
    let metrics = metric_lines()?;
    let meter = Arc::new(Meter::off());
    let table = Table::new(aws.dynamodb(), name, Arc::clone(&meter)).telling(metrics);
    let intake = Intake {
        door: Arc::new(Door::on_aws(allowance)),
        router: RouterWay::new(place, Purpose::Questions, &table)?.probe,
        table,
        queues: Queues::new(aws.sqs(), urls, meter),
        signing: Signing::new(trusted),
        clock: Clock::System,
    };
    run(service_fn(async |request: Request| Ok::<_, Error>(intake.handle(request).await))).await
}
