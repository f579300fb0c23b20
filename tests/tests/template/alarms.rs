//! Alarms and dashboard: each of a metric that there is, and each alarm with what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use beacon_core::cloudwatch::{Metric, NAMESPACE, STACK};
use serde_json::Value;

use crate::deployed::{Deployed, WAYS, owner};
use crate::read;

/// A metric that an alarm or a graph is of, and what it is told apart by.
#[derive(Debug)]
struct Asked {
    namespace: String,
    name: String,
    /// Names with their values; a search finds every value, and has none.
    dimensions: BTreeMap<String, Option<String>>,
}

/// The metrics that AWS has of the template's resources: namespace, dimension, names. After
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>,
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>
/// and <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html>.
const OF_AWS: [(&str, &str, &[&str]); 3] = [
    ("AWS/Lambda", "FunctionName", &["Invocations", "Errors", "Throttles"]),
    ("AWS/SQS", "QueueName", &["ApproximateNumberOfMessagesVisible"]),
    ("AWS/DynamoDB", "TableName", &["ReadThrottleEvents", "WriteThrottleEvents"]),
];

#[test]
fn every_alarm_is_of_a_metric_that_there_is() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        for (id, alarm) in deployed.of_type("AWS::CloudWatch::Alarm") {
            let asked = of_alarm(alarm);
            assert!(!asked.is_empty(), "{id} is of nothing");
            for asked in asked {
                assert_exists(&deployed, id, &asked);
            }
        }
    }
}

#[test]
fn every_alarm_says_what_no_points_mean_and_tells_nobody_without_a_topic() {
    let topic = "arn:aws:sns:us-east-1:000000000000:on-call";
    for (given, actions) in [(&[][..], None), (&[("AlarmTopicArn", topic)], Some(topic))] {
        for (id, alarm) in Deployed::with(given).of_type("AWS::CloudWatch::Alarm") {
            assert!(alarm["TreatMissingData"].is_string(), "{id}");
            assert!(alarm["AlarmDescription"].is_string(), "{id}");
            for kind in ["AlarmActions", "OKActions"] {
                let told = alarm.get(kind).map(|told| told[0].as_str().unwrap());
                assert_eq!(told, actions, "{id}");
            }
        }
    }
}

/// When the alarms of Beacon's own metrics go off: alarm, metric, statistic, comparison, threshold, and
/// what no points mean.
const OF_BEACON: [(&str, &str, &str, &str, f64, &str); 7] = [
    ("ExecutionsMissingAlarm", "ExecutionsMissing", "Maximum", MORE, 0.0, "ignore"),
    ("ExecutionOverTimeAlarm", "ExecutionsOverTime", "Maximum", MORE, 0.0, "ignore"),
    ("StalledLanesAlarm", "StalledLanes", "Maximum", MORE, 0.0, "ignore"),
    ("StatusMismatchAlarm", "StatusMismatch", "Maximum", MORE, 0.0, "ignore"),
    ("RouterSuccessAgeAlarm", "RouterSuccessAge", "Maximum", MORE, 900.0, "notBreaching"),
    ("PassMissingAlarm", "PassDuration", "SampleCount", "LessThanThreshold", 1.0, "breaching"),
    ("HopBoundAlarm", "HopBoundReached", "Sum", MORE, 0.0, "notBreaching"),
];
const MORE: &str = "GreaterThanThreshold";

#[test]
fn every_alarm_goes_off_when_it_is_to() {
    let deployed = Deployed::with(&[]);
    for (id, metric, statistic, comparison, threshold, without) in OF_BEACON {
        let alarm = deployed.properties(id);
        assert_eq!(alarm["MetricName"], metric, "{id}");
        assert_eq!(alarm["Statistic"], statistic, "{id}");
        assert_eq!(alarm["ComparisonOperator"], comparison, "{id}");
        assert_eq!(alarm["Threshold"].as_f64(), Some(threshold), "{id}");
        assert_eq!(alarm["TreatMissingData"], without, "{id}");
    }
    for (id, alarm) in deployed.of_type("AWS::CloudWatch::Alarm") {
        if alarm["Namespace"] == "AWS/SQS" {
            let when = [&alarm["Statistic"], &alarm["ComparisonOperator"]];
            assert_eq!(when, ["Maximum", MORE], "{id}");
            assert_eq!(alarm["Threshold"], 0, "{id}");
        }
    }
}

#[test]
fn every_queue_of_dead_letters_and_every_function_has_its_alarms() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        let alarms = deployed.of_type("AWS::CloudWatch::Alarm");
        let watched: BTreeSet<(String, String)> = alarms
            .iter()
            .flat_map(|(_, alarm)| of_alarm(alarm))
            .filter(|asked| asked.namespace != NAMESPACE)
            .map(|asked| {
                let of = asked.dimensions.into_values().next().flatten().unwrap();
                (asked.name, owner(&of.into()).to_owned())
            })
            .collect();
        let is_watched = |metric: &str, id: &str| {
            assert!(watched.contains(&(metric.to_owned(), id.to_owned())), "{metric} of {id}");
        };
        for (id, _) in deployed.of_type("AWS::SQS::Queue") {
            if id.contains("DeadLetter") {
                is_watched("ApproximateNumberOfMessagesVisible", id);
            }
        }
        for (id, _) in deployed.functions() {
            is_watched("Errors", id);
            is_watched("Throttles", id);
        }
    }
}

#[test]
fn every_graph_is_of_metrics_that_there_are_and_every_metric_is_in_one() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        let mut shown = BTreeSet::new();
        for (id, dashboard) in deployed.of_type("AWS::CloudWatch::Dashboard") {
            let body: Value =
                serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap();
            for widget in body["widgets"].as_array().unwrap() {
                let of = &widget["properties"];
                for asked in of["metrics"].as_array().unwrap().iter().map(of_graph) {
                    assert_exists(&deployed, id, &asked);
                    shown.insert(asked.name);
                }
            }
        }
        for metric in Metric::ALL {
            assert!(shown.contains(&metric.name()), "{} is in no graph", metric.name());
        }
    }
}

/// After <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>, which
/// has `IF(condition, true value, false value)`.
#[test]
fn a_single_failed_write_among_few_is_no_alarm() {
    let deployed = Deployed::with(&[]);
    let alarms = deployed.of_type("AWS::CloudWatch::Alarm");
    let (_, alarm) = alarms.iter().find(|(id, _)| *id == "TableWritesAlarm").unwrap();
    let queries = alarm["Metrics"].as_array().unwrap();
    let told = queries.iter().find(|query| query["ReturnData"] == true).unwrap();
    assert_eq!(told["Expression"], "IF(failed > 1, 100 * ok / (ok + failed), 100)");
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    assert_eq!(alarm["Threshold"], 99.9);
}

#[test]
fn every_alarm_has_a_line_that_says_what_to_do() {
    let deployed = Deployed::with(&[]);
    let alarms = deployed.of_type("AWS::CloudWatch::Alarm").into_iter();
    let alarms: BTreeSet<String> = alarms.map(|(id, _)| id.to_owned()).collect();
    let mut documented = BTreeSet::new();
    for cells in rows("### Alarms") {
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{cells:?}");
        for id in cells[0].split(", ") {
            assert!(documented.insert(id.to_owned()), "{id} has two lines");
        }
    }
    assert_eq!(documented, alarms);
}

#[test]
fn every_metric_has_a_line_with_its_unit_and_what_it_is_told_apart_by() {
    let documented: Vec<[String; 3]> = rows("### Metrics on AWS")
        .into_iter()
        .map(|cells| [cells[0].clone(), cells[1].clone(), cells[2].clone()])
        .collect();
    let told = Metric::ALL.map(|metric| {
        let of = metric.dimension().unwrap_or("–").to_owned();
        [metric.name(), metric.unit().name().to_owned(), of]
    });
    assert_eq!(documented, told);
}

fn of_alarm(alarm: &Value) -> Vec<Asked> {
    let Some(queries) = alarm["Metrics"].as_array() else { return vec![of_properties(alarm)] };
    let metrics = queries.iter().filter(|query| query.get("MetricStat").is_some());
    let told: Vec<&Value> = queries.iter().filter(|query| query["ReturnData"] == true).collect();
    assert!(told.len() == 1 && told[0].get("Expression").is_some(), "{alarm}");
    // Every metric that is asked for is in the expression.
    let expression = told[0]["Expression"].as_str().unwrap();
    let words: Vec<&str> = expression.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let ids: Vec<&str> = metrics.clone().map(|query| query["Id"].as_str().unwrap()).collect();
    assert!(ids.iter().all(|id| words.contains(id)), "{alarm}");
    metrics.map(|query| of_properties(&query["MetricStat"]["Metric"])).collect()
}

fn of_properties(of: &Value) -> Asked {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{of}")).to_owned();
    let dimensions = of["Dimensions"].as_array().unwrap().iter();
    Asked {
        namespace: text(&of["Namespace"]),
        name: text(&of["MetricName"]),
        dimensions: dimensions.map(|one| (text(&one["Name"]), Some(text(&one["Value"])))).collect(),
    }
}

/// A graph's entry: namespace, name, dimensions one after the other, or a search for all values of
/// one.
fn of_graph(entry: &Value) -> Asked {
    let parts = entry.as_array().unwrap();
    if let Some(expression) = parts[0]["expression"].as_str() {
        return of_search(expression);
    }
    let texts: Vec<String> = parts.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let [namespace, name, dimensions @ ..] = texts.as_slice() else { panic!("{entry}") };
    let dimensions = dimensions.chunks(2).map(|pair| (pair[0].clone(), Some(pair[1].clone())));
    Asked { namespace: namespace.clone(), name: name.clone(), dimensions: dimensions.collect() }
}

fn of_search(expression: &str) -> Asked {
    let between = |from: &str, to: char| {
        let (_, rest) = expression.split_once(from).unwrap_or_else(|| panic!("{expression}"));
        rest.split_once(to).unwrap().0.to_owned()
    };
    let schema = between("SEARCH('{", '}');
    let mut names = schema.split(',').map(str::to_owned);
    let namespace = names.next().unwrap();
    let stack = between(&format!("{STACK}=\""), '"');
    let dimensions = names.map(|name| {
        let value = (name == STACK).then(|| stack.clone());
        (name, value)
    });
    Asked { namespace, name: between("MetricName=\"", '"'), dimensions: dimensions.collect() }
}

/// A metric of Beacon's own is one that the code tells, told apart as the code does; one of AWS is of
/// a resource that is deployed.
fn assert_exists(deployed: &Deployed, of: &str, asked: &Asked) {
    let Asked { namespace, name, dimensions } = asked;
    if namespace == NAMESPACE {
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == *name);
        let metric = metric.unwrap_or_else(|| panic!("{of}: nothing tells {asked:?}"));
        let told: BTreeSet<&str> = [STACK].into_iter().chain(metric.dimension()).collect();
        let names: BTreeSet<&str> = dimensions.keys().map(String::as_str).collect();
        assert_eq!(names, told, "{of}: {asked:?}");
        assert_eq!(dimensions[STACK].as_deref(), Some("beacon"), "{of}: {asked:?}");
        return;
    }
    let known = OF_AWS.iter().find(|(of_aws, ..)| of_aws == namespace);
    let (_, dimension, names) = known.unwrap_or_else(|| panic!("{of}: {asked:?}"));
    assert!(names.contains(&name.as_str()), "{of}: {asked:?}");
    let value = dimensions.get(*dimension).and_then(Option::as_deref);
    let value =
        value.filter(|_| dimensions.len() == 1).unwrap_or_else(|| panic!("{of}: {asked:?}"));
    // A function that is not always deployed is named by its name.
    let by_name = |properties: &Value| properties["FunctionName"] == value;
    let exists = deployed.resources.contains_key(owner(&value.into()))
        || Deployed::with(&[]).functions().iter().any(|(_, properties)| by_name(properties));
    assert!(exists, "{of}: {asked:?}");
}

/// The cells of the table below a heading of docs/operations.md, without code marks and the head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = read("docs/operations.md");
    let section = text.split(&format!("\n{heading}\n")).nth(1).unwrap();
    let section = section.split("\n#").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split(" | ").map(|cell| cell.trim().replace('`', "")).collect()
    };
    lines.map(cells).collect()
}
