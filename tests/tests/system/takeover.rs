//! Lanes whose holder died after it had come in.

use std::collections::BTreeSet;

use beacon_aws::{LaneUpdate, NewJob, ResultWrite, Submit, Table, clock};
use beacon_core::execution::{Answer, Ending, ExecutionRow, Outcome, Served};
use beacon_core::lane::{Ticket, gate};
use beacon_core::prompt::PromptHash;
use beacon_core::spec::{Sampling, parse};
use beacon_core::{
    BootId, ExecutionId, JobId, LaneId, ModelId, Nonce, Position, QuestionIndex, Region, Run,
    Sample,
};
use serde_json::json;

use crate::here::{Here, eventually, ids, main_job};

#[tokio::test]
async fn a_dead_holders_lane_is_taken_over_and_only_the_missing_pairs_asked() {
    let here = Here::idle().await;
    let table = here.table();
    // Of an earlier start, which is dead at once, and of a worker of whom nobody knows.
    let earlier = Some(BootId::new("earlier").unwrap());
    let earlier_row = leave_behind(&table, "earlier", earlier).await;
    let unknown_row = leave_behind(&table, "unknown", None).await;

    let before_ms = u64::try_from(clock::now().as_millisecond()).unwrap();
    let here = here.restarted("[0, 0]").await;
    for (job, kept) in [("earlier", earlier_row), ("unknown", unknown_row)] {
        let view = here.api.final_job(job).await;
        assert_eq!(
            (&view["status"], &view["counts"]["completed"]),
            (&"completed".into(), &6.into())
        );
        let rows = here.api.executions(job).await;
        assert_eq!(ids(&rows).len(), 6);
        let stored = rows.iter().find(|row| row["id"] == kept).unwrap();
        assert_eq!(stored["response"], DEAD_ONES, "{stored}");
        let asked: Vec<String> = {
            let calls = here.calls();
            let begun = calls.begun();
            begun.iter().filter(|id| id.starts_with(job)).map(|id| (*id).to_owned()).collect()
        };
        let missing: BTreeSet<&str> = ids(&rows).into_iter().filter(|id| *id != kept).collect();
        assert_eq!((asked.len(), missing.len()), (5, 5), "{asked:?}");
        assert!(asked.iter().all(|id| missing.contains(id.as_str())), "{asked:?}");
    }
    // Whoever may be alive is waited for: in that time he drops his calls.
    let calls = here.calls();
    let first = |job| calls.first_begin_ms(job).unwrap();
    assert!(first("unknown.") >= before_ms + 3_000);
    // Whoever is surely dead is not.
    assert!(first("earlier.") + 1_000 < first("unknown."));
}

#[tokio::test]
async fn a_row_that_is_there_first_stands() {
    let here = Here::simulated("[400, 600]").await;
    let (status, _) = here.api.submit(&main_job("first")).await;
    assert_eq!(status, 202);
    let called = eventually("a call in flight", async || {
        here.calls().begun().first().map(|id| ExecutionId::parse(id).unwrap())
    })
    .await;
    let row = dead_ones_row(Nonce::new("other").unwrap());
    let stored = here.table().put_result(&called, &row).await.unwrap();
    assert!(matches!(stored, ResultWrite::Stored(_)));

    let view = here.api.final_job("first").await;
    assert_eq!((&view["status"], &view["counts"]["completed"]), (&"completed".into(), &72.into()));
    let rows = here.api.executions("first").await;
    assert_eq!(ids(&rows).len(), 72);
    let kept: Vec<&str> = rows
        .iter()
        .filter(|row| row["response"] == DEAD_ONES)
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(kept, [called.to_string()]);
    here.calls().assert_each_once(72);
}

const DEAD_ONES: &str = "from the dead one";

fn dead_ones_row(holder: Nonce) -> ExecutionRow {
    ExecutionRow {
        run: Run::FIRST,
        holder,
        ending: Ending::Completed(Answer {
            outcome: Outcome::Text,
            response: DEAD_ONES.to_owned(),
            finish_reason: None,
            input_tokens: None,
            output_tokens: None,
            seal: None,
        }),
        prompt_sha256: PromptHash("0".repeat(64)),
        sampling: Sampling { temperature: 0.1, max_tokens: 500, seed: None, top_p: None },
        served: Served::default(),
        attempts: 1,
        key_number: 1,
        maybe_billed: 0,
        cost: None,
        started_at: clock::now(),
        completed_at: clock::now(),
        provider_receipt: None,
    }
}

/// Makes a job of two questions and three models whose lane somebody entered and who wrote one row
/// before he died. Returns the row's id.
pub(crate) async fn leave_behind(table: &Table, job: &str, boot: Option<BootId>) -> String {
    let document = json!({
        "questions": ["math_basic", "identity_basic"],
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "regions": ["US"],
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let job = JobId::new(job).unwrap();
    let submit = table.submit(NewJob::plain(job.clone(), &spec), clock::now()).await.unwrap();
    assert!(matches!(submit, Submit::Created(_)));

    let region = Region::new("us-east").unwrap();
    let nonce = Nonce::new("dead").unwrap();
    let ticket = Ticket {
        run: Run::FIRST,
        position: Position(0),
        question: QuestionIndex(0),
        due: 3,
        nonce: nonce.clone(),
        boot,
        sent_at: None,
        received_at: clock::now(),
    };
    let lane = LaneId { region: region.clone(), k: 0 };
    let entered = table.write_lane(&job, &lane, &gate(&ticket, clock::now())).await.unwrap();
    assert!(matches!(entered, LaneUpdate::Applied(_)));

    let id = ExecutionId {
        job,
        question: QuestionIndex(0),
        model: ModelId::new("mistral-7b").unwrap(),
        region,
        sample: Sample(0),
    };
    let stored = table.put_result(&id, &dead_ones_row(nonce)).await.unwrap();
    assert!(matches!(stored, ResultWrite::Stored(_)));
    id.to_string()
}
