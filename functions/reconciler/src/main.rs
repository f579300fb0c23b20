//! The reconciler function on AWS: configuration, clients, and the runtime's loop.

use std::sync::Arc;

use beacon_aws::{
    Clock, DeadQuestions, Meter, Queues, Table, dead_questions_url, queue_urls, router_place,
    start, table_name,
};
use beacon_core::reconcile::Occasion;
use beacon_reconciler::{Reconciler, ScheduleEvent};
use beacon_router::{Purpose, RouterWay};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = start().await?;
    let (name, urls) = (table_name()?, queue_urls()?);
    let (dead, place) = (dead_questions_url()?, router_place()?);
    let meter = Arc::new(Meter::off());
    let table = Table::new(aws.dynamodb(), name, Arc::clone(&meter));
    let reconciler = Reconciler {
        link: RouterWay::new(place, Purpose::Questions, &table)?.link,
        table,
        queues: Queues::new(aws.sqs(), urls, meter),
        dead: DeadQuestions::new(aws.sqs(), dead),
        boot: None,
        clock: Clock::System,
    };
    run(service_fn(async |event: LambdaEvent<ScheduleEvent>| {
        Ok::<_, Error>(reconciler.handle(event.payload, Occasion::Schedule).await?)
    }))
    .await
}
