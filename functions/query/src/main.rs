//! The query function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{Aws, Meter, Table, log_as_json, table_name};
use beacon_query::Query;
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json()?;
    let name = table_name()?;
    let aws = Aws::from_environment().await;
    let query = Query { table: Table::new(aws.dynamodb(), name, Arc::new(Meter::off())) };
    run(service_fn(async |request: Request| Ok::<_, Error>(query.handle(request).await))).await
}
