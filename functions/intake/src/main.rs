//! The intake function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Aws, Clock, Door, Meter, Queues, Table, log_as_json, metric_lines, queue_urls, required_access,
    router_place, table_name,
};
use beacon_intake::Intake;
use beacon_router::{Purpose, RouterWay};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let (name, urls, place) = (table_name()?, queue_urls()?, router_place()?);
    let access = required_access()?;
    let metrics = metric_lines()?;
    let aws = Aws::from_environment().await;
    let meter = Arc::new(Meter::off());
    let table = Table::new(aws.dynamodb(), name, Arc::clone(&meter)).telling(metrics);
    let intake = Intake {
        door: Arc::new(Door::on_aws(access)),
        router: RouterWay::new(place, Purpose::Questions, &table)?.probe,
        table,
        queues: Queues::new(aws.sqs(), urls, meter),
        clock: Clock::System,
    };
    intake.ask_at_start().await;
    run(service_fn(async |request: Request| Ok::<_, Error>(intake.handle(request).await))).await
}
