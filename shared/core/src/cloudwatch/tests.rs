//! Figures become documents that `CloudWatch` Logs makes the right metrics of.

#![expect(clippy::float_cmp, reason = "those here are small and whole")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::execution::Counted;
use crate::id::{LaneId, Nonce, Position, QuestionIndex, Run};
use crate::job::EndCause;
use crate::lane::{Closing, Lane, PairRow, Ticket, close, finish, gate, testing};
use crate::money::Dollars;

#[test]
fn every_metric_is_listed_once() {
    let names: BTreeSet<String> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    // The last one's number is one less than there are.
    assert_eq!((names.len(), Metric::PassTroubles as usize), (Metric::ALL.len(), names.len() - 1));
    let told: BTreeSet<String> =
        one_of_each().iter().map(|figure| figure.metric().name()).collect();
    assert_eq!(told, names);
}

#[test]
fn a_figure_is_told_apart_as_its_metric_is() {
    for figure in one_of_each() {
        let (metric, of, _) = figure.parts();
        assert_eq!(of.is_some(), metric.dimension().is_some(), "{figure:?}");
    }
}

#[test]
fn figures_of_one_moment_share_a_document() {
    let figures = [
        Figure::Executions(ExecutionStatus::Completed, 2),
        Figure::CompletedExecutions(Outcome::Text, 2),
        Figure::ExecutionDuration(us_east(), Duration::from_millis(1500)),
        Figure::ExecutionDuration(us_east(), Duration::from_millis(40)),
        Figure::Cost(Dollars::from_nanos(12_500_000)),
    ];
    let line = one(&documents(&stack(), &figures, at(7)));
    let count = |name: &str| json!({"Name": name, "Unit": "Count"});
    let directive = |of: Option<&str>, metric: Json| {
        let dimensions: Vec<&str> = ["Stack"].into_iter().chain(of).collect();
        json!({"Namespace": "Beacon", "Dimensions": [dimensions], "Metrics": [metric]})
    };
    let expected = json!({
        "_aws": {"Timestamp": 7000, "CloudWatchMetrics": [
            directive(None, json!({"Name": "Cost", "Unit": "None"})),
            directive(Some("Status"), count("Executions")),
            directive(Some("Outcome"), count("CompletedExecutions")),
            directive(Some("Region"), json!({"Name": "ExecutionDuration", "Unit": "Milliseconds"})),
        ]},
        "Stack": "lab", "Status": "completed", "Outcome": "text", "Region": "us-east",
        "Executions": 2, "CompletedExecutions": 2, "ExecutionDuration": [1500, 40], "Cost": 0.0125,
    });
    assert_eq!(line, expected);
}

#[test]
fn what_is_told_apart_otherwise_is_in_another_document() {
    let figures = [
        Figure::Executions(ExecutionStatus::Completed, 2),
        Figure::Executions(ExecutionStatus::Failed, 1),
        Figure::MaybeBilled(3),
    ];
    let lines = documents(&stack(), &figures, at(0));
    assert_eq!(lines.len(), 2);
    let sums = sums(&lines);
    assert_eq!(sums["Executions completed"], 2.0);
    assert_eq!(sums["Executions failed"], 1.0);
    assert_eq!(sums["MaybeBilled "], 3.0);
}

#[test]
fn a_document_holds_a_hundred_values_of_a_metric() {
    let taken = |ms| Figure::ExecutionDuration(us_east(), Duration::from_millis(ms));
    let figures: Vec<Figure> = (0..250).map(taken).collect();
    let lines = documents(&stack(), &figures, at(0));
    assert_eq!(lines.len(), 3);
    assert_eq!(sums(&lines)["ExecutionDuration us-east"], f64::from(249 * 250 / 2));
}

#[test]
fn what_is_no_number_is_not_told() {
    assert_eq!(documents(&stack(), &[Figure::RegionBalance(Percent(f64::NAN))], at(0)), [""; 0]);
    assert_eq!(documents(&stack(), &[], at(0)), [""; 0]);
}

proptest! {
    /// Whatever is told at once, each document is well formed and nothing is lost or told twice.
    #[test]
    fn documents_hold_each_figure_once(picks in prop::collection::vec(0..24_usize, 0..400)) {
        let all = one_of_each();
        let figures: Vec<Figure> = picks.iter().map(|pick| all[*pick].clone()).collect();
        let mut expected: BTreeMap<String, f64> = BTreeMap::new();
        for figure in &figures {
            let (metric, of, value) = figure.parts();
            let value = match value {
                Value::Whole(number) => f64::from(u32::try_from(number).unwrap()),
                Value::Real(number) => number,
            };
            *expected.entry(key(&metric.name(), of.as_deref())).or_default() += value;
        }
        let lines = documents(&stack(), &figures, at(1));
        let found = sums(&lines);
        prop_assert_eq!(found.len(), expected.len());
        for (name, sum) in &expected {
            prop_assert!((found[name] - sum).abs() < 1e-6, "{}: {:?}", name, found[name]);
        }
    }
}

#[test]
fn a_finish_tells_the_rows_of_its_run() {
    let before = held(&lane("us-east", 2, 4));
    let pairs = [
        PairRow { cost: Some(Dollars::from_nanos(5)), ..pair(1, ExecutionStatus::Completed) },
        PairRow { spared: true, ..pair(1, ExecutionStatus::Completed) },
        PairRow { maybe_billed: 2, ..pair(1, ExecutionStatus::Failed) },
        // Of an earlier run: it was told there.
        PairRow { spared: true, ..pair(0, ExecutionStatus::Completed) },
    ];
    let after = finish(&ticket(), &before, 0, &pairs, None, at(9)).change.apply(before.clone());
    let taken = || Figure::ExecutionDuration(us_east(), Duration::from_millis(30));
    let expected = [
        Figure::Executions(ExecutionStatus::Completed, 2),
        Figure::Executions(ExecutionStatus::Failed, 1),
        Figure::CompletedExecutions(Outcome::Empty, 2),
        taken(),
        taken(),
        Figure::Cost(Dollars::from_nanos(5)),
        Figure::ExecutionsWithoutCost(1),
        Figure::DuplicatesPrevented(2),
        Figure::MaybeBilled(2),
    ];
    assert_eq!(counted(&before, &after, &pairs), expected);
}

#[test]
fn a_close_tells_the_pairs_that_have_no_row() {
    let before = lane("us-east", 3, 4);
    let Closing::Write(write) = close(&before, Run::FIRST, &EndCause::Cancel, at(3)) else {
        panic!("nobody holds it")
    };
    let after = write.change.apply(before.clone());
    let expected = [Figure::Executions(ExecutionStatus::Cancelled, 12)];
    assert_eq!(counted(&before, &after, &[]), expected);
    assert_eq!(counted(&after, &after, &[]), []);
}

#[test]
fn regions_are_compared_by_their_shares() {
    let of = |shares: &[(&str, u32, u64)]| {
        let lanes = shares.iter().map(|(region, questions, completed)| {
            let mut lane = lane(region, *questions, 1);
            lane.tallies.completed = *completed;
            lane
        });
        region_balance(&lanes.collect::<Vec<Lane>>()).map(|Percent(percent)| percent)
    };
    assert_eq!(of(&[("us-east", 4, 4), ("eu-west", 8, 2)]), Some(25.0));
    // Two lanes of a region are one region.
    assert_eq!(of(&[("us-east", 4, 4), ("eu-west", 2, 2), ("eu-west", 2, 0)]), Some(50.0));
    assert_eq!(of(&[("us-east", 4, 1), ("eu-west", 4, 0)]), Some(0.0));
    assert_eq!(of(&[("us-east", 4, 0), ("eu-west", 4, 0)]), None);
    assert_eq!(of(&[("us-east", 4, 4)]), None);
}

fn one_of_each() -> Vec<Figure> {
    let second = Duration::from_secs(1);
    vec![
        Figure::Executions(ExecutionStatus::Completed, 2),
        Figure::CompletedExecutions(Outcome::Text, 2),
        Figure::ExecutionDuration(us_east(), second),
        Figure::DuplicatesPrevented(1),
        Figure::LateResultsDropped(1),
        Figure::MaybeBilled(1),
        Figure::Cost(Dollars::from_nanos(250_000_000)),
        Figure::ExecutionsWithoutCost(1),
        Figure::GateRejections(Reason::from(&GateRejection::Passed)),
        Figure::HopBoundReached,
        Figure::TableWritesOk(7),
        Figure::TableWritesFailed(1),
        Figure::JobsFinished(JobStatus::Failed),
        Figure::RegionBalance(Percent(12.5)),
        Figure::OpenJobs(3),
        Figure::StalledLanes(1),
        Figure::ExecutionsMissing(1),
        Figure::ExecutionsOverTime(1),
        Figure::RouterSuccessAge(second),
        Figure::StatusMismatch(1),
        Figure::JobsAudited(4),
        Figure::DeadLetters(1),
        Figure::PassDuration(second),
        Figure::PassTroubles(1),
    ]
}

/// Σ by metric and the value of its dimension, from documents that are as they should be.
fn sums(lines: &[String]) -> BTreeMap<String, f64> {
    let schema: Json = serde_json::from_str(include_str!("emf.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for line in lines {
        let document: Json = serde_json::from_str(line).unwrap();
        assert!(schema.is_valid(&document), "{line}");
        for directive in document["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            let dimensions: Vec<&str> =
                directive["Dimensions"][0].as_array().unwrap().iter().map(text).collect();
            assert_eq!(text(&document[dimensions[0]]), "lab");
            let of = dimensions.get(1).map(|name| text(&document[*name]));
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = text(&metric["Name"]);
                let many = document[name].as_array();
                let one = || document[name].as_f64().unwrap();
                let value = many.map_or_else(one, |values| {
                    values.iter().map(|value| value.as_f64().unwrap()).sum()
                });
                *sums.entry(key(name, of)).or_default() += value;
            }
        }
    }
    sums
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap()
}

fn key(metric: &str, of: Option<&str>) -> String {
    format!("{metric} {}", of.unwrap_or_default())
}

fn one(lines: &[String]) -> Json {
    let [line] = lines else { panic!("{lines:?}") };
    serde_json::from_str(line).unwrap()
}

fn stack() -> StackName {
    StackName::new("lab").unwrap()
}

fn us_east() -> Region {
    Region::new("us-east").unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn lane(region: &str, questions: u32, pairs: u32) -> Lane {
    let id = LaneId { region: Region::new(region).unwrap(), k: 0 };
    Lane::new(id, questions, pairs, pairs, at(0))
}

/// The lane once its first question is open.
fn held(lane: &Lane) -> Lane {
    gate(&ticket(), at(1)).change.apply(lane.clone())
}

fn ticket() -> Ticket {
    Ticket {
        run: Run::FIRST,
        position: Position(0),
        question: QuestionIndex(0),
        due: 4,
        nonce: Nonce::new("n").unwrap(),
        boot: None,
        sent_at: None,
        received_at: at(1),
    }
}

fn pair(run: u32, status: ExecutionStatus) -> PairRow {
    let outcome = (status == ExecutionStatus::Completed).then_some(Outcome::Empty);
    let counted = Counted { run: Run(run), status, outcome, simulated: false, duration_ms: 30 };
    testing::pair(counted)
}
