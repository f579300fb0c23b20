//! The portal function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    AccessSettings, Clock, Door, Meter, Queues, Table, effective_settings, metric_lines,
    queue_urls, requests_per_minute, required_tokens, router_place, start, table_name,
    trusted_keys,
};
use beacon_intake::{Intake, Signing};
use beacon_portal::Portal;
use beacon_query::Query;
use beacon_router::{Purpose, RouterWay};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, urls, place) = (table_name()?, queue_urls()?, router_place()?);
    let (allowance, tokens, trusted) =
        (requests_per_minute()?, required_tokens()?, trusted_keys()?);
    let meter = Arc::new(Meter::off());
    let table = Table::new(aws.dynamodb(), name, Arc::clone(&meter)).telling(metric_lines()?);
    let router = RouterWay::new(place, Purpose::Questions, &table)?.probe;
    let door = Arc::new(Door::on_aws(allowance));
    let intake = Intake {
        door: Arc::clone(&door),
        table: table.clone(),
        queues: Queues::new(aws.sqs(), urls, meter),
        router: router.clone(),
        signing: Signing::new(trusted),
        clock: Clock::System,
    };
    let settings = effective_settings().into_iter().map(Into::into).collect();
    let query = Arc::new(Query { door, table, router: Some(router), settings });
    let allowance = allowance.unwrap_or(AccessSettings::REQUESTS_PER_MINUTE);
    let portal = Portal::new(tokens, allowance, query, Some(Arc::new(intake)));
    run(service_fn(async |request: Request| Ok::<_, Error>(portal.handle(request).await))).await
}
