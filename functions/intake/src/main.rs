//! The intake function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Aws, Clock, Door, Meter, Queues, RouterProbe, Table, http_client, log_as_json, queue_urls,
    required_access, router_settings, table_name,
};
use beacon_intake::Intake;
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let (name, urls, router) = (table_name()?, queue_urls()?, router_settings()?);
    let access = required_access()?;
    let aws = Aws::from_environment().await;
    let meter = Arc::new(Meter::off());
    let intake = Intake {
        door: Arc::new(Door::on_aws(access)),
        table: Table::new(aws.dynamodb(), name, Arc::clone(&meter)),
        queues: Queues::new(aws.sqs(), urls, meter),
        router: RouterProbe::new(http_client()?, router.base),
        clock: Clock::System,
    };
    intake.ask_at_start().await;
    run(service_fn(async |request: Request| Ok::<_, Error>(intake.handle(request).await))).await
}
