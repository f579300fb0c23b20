//! The queues: what each keeps in order, whom each gives its dead letters, who feeds on them.

use beacon_aws::QueueName;
use serde_json::{Value, json};

use crate::deployed::{Deployed, number, owner};

fn id(queue: QueueName) -> String {
    let mut id = format!("{}Queue", queue.as_str());
    id[..1].make_ascii_uppercase();
    id
}

fn is_fifo(queue: &Value) -> bool {
    queue.get("FifoQueue") == Some(&json!(true))
}

#[test]
fn a_queue_keeps_order_where_the_code_needs_it() {
    let deployed = Deployed::with(&[]);
    for name in QueueName::ALL {
        let queue = deployed.properties(&id(name));
        assert_eq!(is_fifo(queue), name.is_fifo(), "{name:?}");
    }
    let question = deployed.properties("QuestionQueue");
    // The sender's ids say what is the same message; a body sent anew must not be swallowed.
    assert_eq!(question["ContentBasedDeduplication"], false);
    let throughput = [&question["DeduplicationScope"], &question["FifoThroughputLimit"]];
    assert_eq!(throughput, ["messageGroup", "perMessageGroupId"]);
}

#[test]
fn a_queues_dead_letters_go_to_a_queue_of_their_own() {
    let deployed = Deployed::with(&[]);
    for name in QueueName::ALL {
        let id = id(name);
        let queue = deployed.properties(&id);
        let redrive = &queue["RedrivePolicy"];
        assert!(number(redrive, "maxReceiveCount") >= 5, "{id}");
        let dead = owner(&redrive["deadLetterTargetArn"]);
        assert_eq!(dead, id.replace("Queue", "DeadLetterQueue"));
        let dead = deployed.properties(dead);
        assert_eq!(is_fifo(dead), is_fifo(queue), "{id}");
        let named = queue["QueueName"].as_str().unwrap();
        let takes = &dead["RedriveAllowPolicy"];
        let source = format!("arn:aws:sqs:us-east-1:000000000000:{named}");
        let of_this = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [source] });
        assert_eq!(*takes, of_this, "{id}");
        assert_eq!(queue["RedriveAllowPolicy"], json!({ "redrivePermission": "denyAll" }), "{id}");
    }
}

#[test]
fn every_queue_is_encrypted_and_reached_over_tls_alone() {
    let deployed = Deployed::with(&[]);
    let queues = deployed.of_type("AWS::SQS::Queue");
    assert_eq!(queues.len(), 6);
    let policies = deployed.of_type("AWS::SQS::QueuePolicy");
    for (id, queue) in queues {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        assert_eq!(is_fifo(queue), queue["QueueName"].as_str().unwrap().ends_with(".fifo"), "{id}");
        let of_this = policies.iter().filter(|(_, policy)| policy["Queues"] == json!([id]));
        let statements: Vec<_> =
            of_this.map(|(_, policy)| &policy["PolicyDocument"]["Statement"]).collect();
        let denied = json!([{
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": format!("{id}.Arn"),
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }]);
        assert_eq!(statements, [&denied], "{id}");
    }
}

#[test]
fn a_queue_feeds_its_function_which_says_which_messages_failed() {
    let deployed = Deployed::with(&[]);
    let mut fed: Vec<_> = deployed
        .of_type("AWS::Lambda::EventSourceMapping")
        .into_iter()
        .map(|(id, mapping)| {
            assert_eq!(
                mapping["FunctionResponseTypes"],
                json!(["ReportBatchItemFailures"]),
                "{id}"
            );
            assert!(number(&mapping["ScalingConfig"], "MaximumConcurrency") >= 2, "{id}");
            let (queue, function) = (&mapping["EventSourceArn"], &mapping["FunctionName"]);
            (owner(queue), owner(function), number(mapping, "BatchSize"))
        })
        .collect();
    fed.sort_unstable();
    let expected = [
        ("CompletionQueue", "CoordinatorFunction", 10),
        ("DispatchQueue", "DispatchFunction", 10),
        ("QuestionQueue", "InferenceFunction", 1),
    ];
    assert_eq!(fed, expected);
}

/// Inference asks dispatch for pages, dispatch sends inference questions; nothing else goes round.
#[test]
fn only_the_page_requests_loop_may_go_round() {
    let deployed = Deployed::with(&[]);
    let mut may: Vec<&str> = deployed
        .functions()
        .into_iter()
        .filter(|(_, function)| function.get("RecursiveLoop") == Some(&json!("Allow")))
        .map(|(id, _)| id)
        .collect();
    may.sort_unstable();
    assert_eq!(may, ["DispatchFunction", "InferenceFunction"]);
}
