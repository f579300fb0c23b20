//! The query function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Door, Meter, Table, effective_settings, requests_per_minute, router_place, start, table_name,
};
use beacon_query::Query;
use beacon_router::{Purpose, RouterWay};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, place, allowance) = (table_name()?, router_place()?, requests_per_minute()?);
    let table = Table::new(aws.dynamodb(), name, Arc::new(Meter::off()));
    let query = Query {
        door: Arc::new(Door::on_aws(allowance)),
        router: Some(RouterWay::new(place, Purpose::Questions, &table)?.probe),
        table,
        settings: effective_settings().into_iter().map(Into::into).collect(),
    };
    run(service_fn(async |request: Request| Ok::<_, Error>(query.handle(request).await))).await
}
