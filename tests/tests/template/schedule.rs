//! What runs by itself and what it writes: the reconciler's schedule, and every function's log.

use std::collections::BTreeSet;

use beacon_reconciler::ScheduleEvent;
use serde_json::json;

use crate::deployed::{Deployed, WAYS, number, owner};

#[test]
fn the_reconciler_is_fired_every_minute() {
    let deployed = Deployed::with(&[]);
    let rule = deployed.properties("ReconcilerSchedule");
    assert_eq!(rule["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(rule["State"], "ENABLED");
    let targets = rule["Targets"].as_array().unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["Arn"], "ReconcilerFunction.Arn");
    // The rule's own event has the time; another would take its place.
    assert!(targets[0].get("Input").is_none() && targets[0].get("InputTransformer").is_none());
    let permission = deployed.properties("ReconcilerMayBeScheduled");
    assert_eq!(permission["FunctionName"], "ReconcilerFunction");
    assert_eq!(permission["Principal"], "events.amazonaws.com");
    assert_eq!(permission["SourceArn"], "ReconcilerSchedule.Arn");
    // A pass that failed is not repeated: the next one is due.
    let invocations = deployed.properties("ReconcilerInvocations");
    assert_eq!(number(invocations, "MaximumRetryAttempts"), 0);
}

/// As "Creating a rule that runs on a schedule" of the `EventBridge` user guide shows it.
#[test]
fn a_schedules_event_is_one_that_the_reconciler_reads() {
    let event = json!({
        "version": "0",
        "id": "89d1a02d-5ec7-412e-82f5-13505f849b41",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2016-12-30T18:44:49Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/SampleRule"],
        "detail": {},
    });
    let event: ScheduleEvent = serde_json::from_value(event).unwrap();
    assert_eq!(event.time.to_string(), "2016-12-30T18:44:49Z");
}

#[test]
fn every_function_logs_lines_of_json_that_are_kept_for_so_long() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        let functions = deployed.functions();
        let mut groups = BTreeSet::new();
        for (id, function) in &functions {
            let logging = &function["LoggingConfig"];
            let group = deployed.properties(owner(&logging["LogGroup"]));
            assert!(groups.insert(owner(&logging["LogGroup"])), "{id} shares its log");
            assert_eq!(number(group, "RetentionInDays"), 30, "{id}");
            // Lambda's own lines are JSON too, and it leaves none of the function's out: how much is
            // logged says `BEACON_LOG` alone.
            assert_eq!(logging["LogFormat"], "JSON", "{id}");
            assert_eq!(logging["ApplicationLogLevel"], "TRACE", "{id}");
            assert_eq!(function["Environment"]["Variables"]["BEACON_LOG"], "info", "{id}");
        }
        let stage = deployed.properties("ApiStage");
        let api = owner(&stage["AccessLogSettings"]["DestinationArn"]);
        assert_eq!(number(deployed.properties(api), "RetentionInDays"), 30);
        assert_eq!(deployed.of_type("AWS::Logs::LogGroup").len(), functions.len() + 1);
    }
}
