//! The query function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Aws, Door, Meter, RouterProbe, Table, effective_settings, http_client, log_as_json,
    required_access, router_settings, table_name,
};
use beacon_query::Query;
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let (name, router, access) = (table_name()?, router_settings()?, required_access()?);
    let aws = Aws::from_environment().await;
    let query = Query {
        door: Door::on_aws(access),
        table: Table::new(aws.dynamodb(), name, Arc::new(Meter::off())),
        router: Some(RouterProbe::new(http_client()?, router.base)),
        settings: effective_settings().into_iter().map(Into::into).collect(),
    };
    run(service_fn(async |request: Request| Ok::<_, Error>(query.handle(request).await))).await
}
