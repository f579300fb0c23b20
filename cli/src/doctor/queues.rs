//! The queues, where they are on AWS.

use std::sync::Arc;

use beacon_infra::{Aws, Meter, QueueName, QueueState, Queues, chain};
use tokio::time::{Instant, timeout};

use super::check::Check;
use super::environment::Environment;
use super::patience::{Patience, seconds};
use super::tables::{AWS, AWS_FIX};

const URLS: [&str; 3] =
    ["BEACON_DISPATCH_QUEUE_URL", "BEACON_QUESTION_QUEUE_URL", "BEACON_COMPLETION_QUEUE_URL"];

/// A check for each queue.
pub(crate) async fn checks(
    environment: &Environment,
    aws: Option<&Aws>,
    patience: Patience,
) -> Vec<Check> {
    let unset: Vec<&str> =
        URLS.into_iter().filter(|variable| environment.value(variable).is_none()).collect();
    if unset.len() == URLS.len() {
        let why = if environment.value("BEACON_TABLE").is_some() {
            "no BEACON_*_QUEUE_URL is set: enough for reading, not for running jobs"
        } else {
            "in the process"
        };
        return vec![Check::not_applicable("queues", why)];
    }
    let (Some(aws), Ok(urls)) = (aws, beacon_infra::queue_urls()) else {
        let detail = format!("not set: {}", unset.join(", "));
        return vec![Check::failed("queues", detail, "set all three addresses, or none")];
    };
    let queues = Queues::new(aws.sqs(), urls, Arc::new(Meter::off()));
    let [dispatch, question, completion] = QueueName::ALL;
    let (dispatch, question, completion) = tokio::join!(
        check(&queues, dispatch, URLS[0], patience),
        check(&queues, question, URLS[1], patience),
        check(&queues, completion, URLS[2], patience)
    );
    vec![dispatch, question, completion]
}

async fn check(queues: &Queues, queue: QueueName, variable: &str, patience: Patience) -> Check {
    let begun = Instant::now();
    let name = format!("{} queue", queue.as_str());
    let limit = patience.at_most(AWS);
    let check = match timeout(limit, queues.state(queue)).await {
        Err(_elapsed) => {
            Check::failed(&name, format!("no answer within {}", seconds(limit)), AWS_FIX)
        }
        Ok(Err(error)) => Check::failed(&name, chain(&error), AWS_FIX),
        Ok(Ok(None)) => {
            let fix = format!("correct {variable}, or deploy the queue");
            Check::failed(&name, format!("the queue that {variable} names does not exist"), fix)
        }
        Ok(Ok(Some(state))) => of(&name, queue, variable, state),
    };
    check.since(begun)
}

fn of(name: &str, queue: QueueName, variable: &str, state: QueueState) -> Check {
    let kind = |fifo| if fifo { "FIFO" } else { "standard" };
    if state.fifo != queue.is_fifo() {
        let (is, must) = (kind(state.fifo), kind(queue.is_fifo()));
        let detail = format!("the queue that {variable} names is {is}, and must be {must}");
        return Check::failed(name, detail, format!("correct {variable}"));
    }
    let QueueState { visible, in_flight, .. } = state;
    Check::ok(name, format!("{}, {visible} messages wait, {in_flight} in flight", kind(state.fifo)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    #[test]
    fn each_queue_must_be_of_its_kind() {
        for (queue, fifo, status) in [
            (QueueName::Question, true, Status::Ok),
            (QueueName::Question, false, Status::Failed),
            (QueueName::Dispatch, false, Status::Ok),
            (QueueName::Completion, true, Status::Failed),
        ] {
            let state = QueueState { fifo, visible: 0, in_flight: 0 };
            assert_eq!(of("q", queue, "V", state).status, status, "{queue:?} {fifo}");
        }
    }
}
