//! What a function that `cargo lambda` starts needs of the running stack, as its environment.

use beacon_aws::{QueueUrls, RouterSettings, Signer};

use crate::clients::Local;

/// The parts of the stack that functions reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached<'a> {
    pub(crate) local: &'a Local,
    pub(crate) queues: &'a QueueUrls,
    pub(crate) dead_questions: &'a str,
    pub(crate) router: &'a RouterSettings,
    pub(crate) token: &'a str,
    pub(crate) signer: &'a Signer,
}

/// Lines of `NAME=value`. What a router elsewhere wants to be shown is not among them.
pub(crate) fn variables(reached: Reached<'_>) -> String {
    let Reached { local, queues, dead_questions, router, token, signer } = reached;
    let timeout = router.timeout.as_secs().to_string();
    let signing_key = signer.key().text();
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", local.dynamodb.as_str()),
        ("AWS_ENDPOINT_URL_SQS", &local.sqs),
        ("AWS_REGION", Local::REGION),
        ("AWS_ACCESS_KEY_ID", Local::KEY),
        ("AWS_SECRET_ACCESS_KEY", Local::KEY),
        ("BEACON_TABLE", Local::TABLE),
        ("BEACON_DISPATCH_QUEUE_URL", &queues.dispatch),
        ("BEACON_QUESTION_QUEUE_URL", &queues.question),
        ("BEACON_COMPLETION_QUEUE_URL", &queues.completion),
        ("BEACON_QUESTION_DEAD_LETTER_QUEUE_URL", dead_questions),
        ("HYBRID_ROUTER_URL", &router.base),
        ("HYBRID_ROUTER_TIMEOUT", &timeout),
        ("BEACON_ADMIN_TOKENS", token),
        ("BEACON_SIGNING_KEY", &signing_key),
    ];
    variables.map(|(name, value)| format!("{name}={value}\n")).concat()
}
