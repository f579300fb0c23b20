//! The table's conditions on embedded `DynamoDB`: that they are the core's, and what they let by.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "table/beside.rs"]
mod beside;
#[path = "table/evidence.rs"]
mod evidence;
#[path = "table/lanes.rs"]
mod lanes;
#[path = "table/nonces.rs"]
mod nonces;
#[path = "table/router_calls.rs"]
mod router_calls;
#[path = "table/statuses.rs"]
mod statuses;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use beacon_aws::schema::{self, TableFlaw};
use beacon_aws::{LaneUpdate, Meter, NewJob, ResultWrite, Submit, Table, TableError};
use beacon_core::execution::{Answer, Ending, ExecutionRow, Outcome, Served, may_replace};
use beacon_core::job::Job;
use beacon_core::lane::{HolderIs, LaneCondition, LaneWrite, MarkIs};
use beacon_core::money::Dollars;
use beacon_core::prompt::PromptHash;
use beacon_core::spec::{Sampling, Spec, parse};
use beacon_core::{ExecutionId, JobId, Nonce, Run};
use beacon_infra::{AccessSettings, DataDir, Duty, Local, Stack, StackOptions};
use beacon_tests::written::failure;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;

use lanes::{change, condition, lane_changes};

#[test]
fn a_lane_write_happens_exactly_when_the_core_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let spec = spec(2);
    let jobs = AtomicU32::new(0);
    let mut runner = TestRunner::new(Config { cases: 200, ..Config::default() });
    let checked = runner.run(&(lane_changes(), condition(), change()), |(made, is, change)| {
        let job = jobs.fetch_add(1, Ordering::Relaxed);
        let id = JobId::new(format!("lane-{job}")).unwrap();
        runtime.block_on(async {
            world.table.submit(NewJob::plain(id.clone(), &spec), now()).await.unwrap();
            let mut lane = Job::lanes(&spec, now()).remove(0);
            for change in made {
                let condition = LaneCondition {
                    run: lane.run,
                    state: lane.state,
                    cursor: Some(lane.cursor),
                    holder: HolderIs::Anything,
                    mark: MarkIs::Anything,
                    dispatch_number: None,
                };
                let write = LaneWrite { condition, change };
                let done = world.table.write_lane(&id, &lane.id, &write).await.unwrap();
                prop_assert_eq!(done, LaneUpdate::Applied(lane.clone()));
                lane = write.change.apply(lane);
            }
            let write = LaneWrite { condition: is, change };
            let done = world.table.write_lane(&id, &lane.id, &write).await.unwrap();
            let stored = world.table.lane(&id, &lane.id).await.unwrap().unwrap();
            if write.condition.holds(&lane) {
                prop_assert_eq!(done, LaneUpdate::Applied(lane.clone()));
                prop_assert_eq!(stored, write.change.apply(lane));
            } else {
                prop_assert_eq!(done, LaneUpdate::Refused(Some(lane.clone())));
                prop_assert_eq!(stored, lane);
            }
            Ok::<(), TestCaseError>(())
        })
    });
    runtime.block_on(world.stop());
    checked.unwrap();
}

#[tokio::test]
async fn a_completed_row_never_changes_and_another_only_in_a_later_run() {
    let world = World::new().await;
    let completed = |run| row(run, Ending::Completed(answer(&format!("of run {run}"))));
    let failed = |run| row(run, Ending::Failed(failure()));
    let other = |row| ExecutionRow { holder: Nonce::new("other").unwrap(), ..row };
    let (stands, replaced) = (false, true);
    for (index, (first, second, expected)) in [
        (completed(1), completed(1), stands),
        (completed(1), completed(2), stands),
        (completed(1), failed(2), stands),
        (failed(1), completed(1), stands),
        (failed(1), failed(1), stands),
        (failed(2), completed(1), stands),
        (failed(1), completed(2), replaced),
        (failed(1), failed(2), replaced),
    ]
    .into_iter()
    .enumerate()
    {
        let id = ExecutionId::parse(&format!("result.{index}.us-east.0.m")).unwrap();
        let write = world.table.put_result(&id, &first).await.unwrap();
        assert_eq!(write, ResultWrite::Stored(first.stored()));
        let second = other(second);
        let of_first = Some((first.run, first.ending.status()));
        assert_eq!(may_replace(of_first, second.run), expected == replaced, "case {index}");
        let write = world.table.put_result(&id, &second).await.unwrap();
        let (kept, told) = if expected == replaced {
            (&second, ResultWrite::Stored(second.stored()))
        } else {
            let stored = first.stored();
            (&first, ResultWrite::Dropped { stored, holder: first.holder.clone() })
        };
        assert_eq!(write, told, "case {index}");
        assert_eq!(world.table.row(&id).await.unwrap().as_ref(), Some(kept), "case {index}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_repeated_request_finds_its_own_row_stored() {
    let world = World::new().await;
    let id = ExecutionId::parse("twice.0.us-east.0.m").unwrap();
    let row = row(1, Ending::Completed(answer("once")));
    for _sent in 0..2 {
        let write = world.table.put_result(&id, &row).await.unwrap();
        assert_eq!(write, ResultWrite::Stored(row.stored()));
    }
    world.stop().await;
}

#[tokio::test]
async fn an_item_that_the_table_never_takes_is_told_from_a_request_that_failed() {
    let world = World::new().await;
    let id = ExecutionId::parse("large.0.us-east.0.m").unwrap();
    let row = row(1, Ending::Completed(answer(&"x".repeat(500 * 1024))));
    let error = world.table.put_result(&id, &row).await.unwrap_err();
    assert!(matches!(error, TableError::NotStorable { .. }), "{error:?}");
    world.stop().await;
}

#[tokio::test]
async fn rows_read_back_as_written() {
    let world = World::new().await;
    let long = format!("{}\u{0}\"\\ 四川 {}", "x".repeat(200 * 1024), "é".repeat(1000));
    for (index, ending) in [
        Ending::Completed(answer(&long)),
        Ending::Completed(Answer { outcome: Outcome::Empty, ..answer("") }),
        Ending::Failed(failure()),
        Ending::TimedOut(failure()),
        Ending::Cancelled(failure()),
    ]
    .into_iter()
    .enumerate()
    {
        let id = ExecutionId::parse(&format!("back.{index}.us-east.3.a~2Fb~3Ac")).unwrap();
        let row = row(1, ending);
        world.table.put_result(&id, &row).await.unwrap();
        assert_eq!(world.table.row(&id).await.unwrap(), Some(row));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_specification_larger_than_an_item_reads_back() {
    let world = World::new().await;
    // Hashes do not compress, so this takes several chunks.
    let text = |n: u32| {
        let parts =
            (0..1000).map(|m| beacon_core::spec::SpecHash::of(format!("{n} {m}").as_bytes()).0);
        parts.collect::<String>()[..30_000].to_owned()
    };
    let questions: Vec<_> =
        (0..60).map(|n| json!({"id": format!("q{n}"), "text": text(n)})).collect();
    let document = json!({"questions": questions, "models": ["m"], "regions": ["US"]});
    let spec = parse(&document, &[]).unwrap().spec;
    let id = JobId::new("large").unwrap();
    let Submit::Created(job) = world.table.submit(NewJob::plain(id, &spec), now()).await.unwrap()
    else {
        panic!("it existed")
    };
    assert!(job.spec_chunks > 1);
    assert_eq!(world.table.spec(&job).await.unwrap(), spec);
    world.stop().await;
}

#[tokio::test]
async fn the_largest_job_is_one_transaction() {
    let world = World::new().await;
    let document = json!({
        "questions": (0..90).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect::<Vec<_>>(),
        "models": ["m"],
        "regions": ["US"],
        "questions_in_flight": 90,
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let id = JobId::new("wide").unwrap();
    world.table.submit(NewJob::plain(id.clone(), &spec), now()).await.unwrap();
    let (job, lanes) = world.table.job_and_lanes(&id).await.unwrap().unwrap();
    assert_eq!((job.expected, lanes.len()), (90, 90));
    assert_eq!(world.table.open_jobs().await.unwrap(), [id]);
    world.stop().await;
}

#[tokio::test]
async fn jobs_of_the_first_release_can_be_read() {
    let world = World::new().await;
    let (id, spec) = (JobId::new("old").unwrap(), spec(2));
    world.table.submit(NewJob::plain(id.clone(), &spec), now()).await.unwrap();
    let (job, lanes) = world.table.job_and_lanes(&id).await.unwrap().unwrap();
    let client = world.local.dynamodb();
    let lane = &lanes[0].id;
    for (sk, attributes) in [
        ("JOB".to_owned(), "questions, models, samples, has_jobspec"),
        (format!("LANE#{}#{}", lane.region, lane.k), "breakdown"),
    ] {
        let update = client
            .update_item()
            .table_name(Local::TABLE)
            .key("pk", AttributeValue::S("JOB#old".to_owned()))
            .key("sk", AttributeValue::S(sk))
            .update_expression(format!("REMOVE {attributes}"));
        update.send().await.unwrap();
    }
    let (old, old_lanes) = world.table.job_and_lanes(&id).await.unwrap().unwrap();
    assert_eq!((old.expected, old.status, old.models.len()), (job.expected, job.status, 0));
    assert_eq!(old_lanes, lanes);
    world.stop().await;
}

#[tokio::test]
async fn a_table_that_is_not_beacons_is_told_with_all_its_flaws() {
    let world = World::new().await;
    let client = world.local.dynamodb();
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let definition = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let keys = |partition| [key(partition, KeyType::Hash), key("created_at", KeyType::Range)];
    let index = GlobalSecondaryIndex::builder()
        .index_name(schema::OPEN)
        .set_key_schema(Some(keys("shard").into()))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    let attributes = ["id", "created_at", "shard"].map(definition);
    let create = client.create_table().table_name("other").billing_mode(BillingMode::PayPerRequest);
    let create = create.set_attribute_definitions(Some(attributes.into()));
    let create = create.set_key_schema(Some(keys("id").into()));
    create.global_secondary_indexes(index.build().unwrap()).send().await.unwrap();
    let other = vec![
        TableFlaw::Keys("id, created_at".into()),
        TableFlaw::NoIndex(schema::BY_MONTH),
        TableFlaw::IndexKeys {
            name: schema::OPEN,
            found: "shard, created_at".into(),
            expected: "open_shard, created_at".into(),
        },
    ];
    for (name, expected) in
        [(Local::TABLE, vec![]), ("missing", vec![TableFlaw::Missing]), ("other", other)]
    {
        assert_eq!(schema::flaws(&client, name).await.unwrap(), expected, "{name}");
    }
    world.stop().await;
}

/// The embedded table.
struct World {
    local: Local,
    table: Table,
    stack: Stack,
    _data: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = StackOptions {
            data: DataDir::open(data.path()).unwrap(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            duty: Duty::Read,
            access: AccessSettings::default(),
        };
        let stack = Stack::start(options).await.unwrap();
        let running = stack.running();
        let local = Local { dynamodb: running.dynamodb.clone(), sqs: running.sqs.clone() };
        let name = Local::TABLE.to_owned();
        let table = Table::new(local.dynamodb(), name, Arc::new(Meter::off()));
        Self { local, table, stack, _data: data }
    }

    async fn stop(self) {
        self.stack.stop().await;
    }
}

fn spec(questions: u32) -> Spec {
    let questions: Vec<_> =
        (0..questions).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let document = json!({"questions": questions, "models": ["m"], "regions": ["US"]});
    parse(&document, &[]).unwrap().spec
}

fn row(run: u32, ending: Ending) -> ExecutionRow {
    ExecutionRow {
        run: Run(run),
        holder: Nonce::new("n").unwrap(),
        ending,
        prompt_sha256: PromptHash("0".repeat(64)),
        sampling: Sampling { temperature: 0.1, max_tokens: 500, seed: Some(7), top_p: Some(0.9) },
        served: Served {
            provider_id: None,
            model: Some("m".into()),
            region: Some("us-east".into()),
            simulated: true,
        },
        attempts: 2,
        key_number: 3,
        maybe_billed: 1,
        cost: Some(Dollars::from_nanos(12_500)),
        started_at: now(),
        completed_at: now(),
        provider_receipt: None,
    }
}

fn answer(text: &str) -> Answer {
    Answer {
        outcome: Outcome::Text,
        response: text.to_owned(),
        finish_reason: Some("stop".into()),
        input_tokens: Some(3),
        output_tokens: Some(4),
        seal: None,
    }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_123).unwrap()
}
