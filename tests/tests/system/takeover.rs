//! Lanes whose holder died after it had come in.

use std::collections::BTreeSet;

use beacon_aws::{LaneUpdate, ResultWrite, Submit, Table, clock};
use beacon_core::execution::{Answer, Ending, ExecutionRow, Outcome, Served};
use beacon_core::lane::{Ticket, gate};
use beacon_core::prompt::PromptHash;
use beacon_core::spec::parse;
use beacon_core::{
    BootId, ExecutionId, JobId, LaneId, ModelId, Nonce, Position, QuestionIndex, Region, Run,
    Sample,
};
use serde_json::json;

use crate::here::{Here, ids};

#[tokio::test]
async fn a_dead_holders_lane_is_taken_over_and_only_the_missing_pairs_asked() {
    let here = Here::idle().await;
    let table = here.table();
    // Of an earlier start, which is dead at once, and of a worker of whom nobody knows.
    let earlier = Some(BootId::new("earlier").unwrap());
    let earlier_row = leave_behind(&table, "earlier", earlier).await;
    let unknown_row = leave_behind(&table, "unknown", None).await;

    let here = here.restarted("[0, 0]").await;
    let restarted_ms = u64::try_from(clock::now().as_millisecond()).unwrap();
    for (job, kept) in [("earlier", earlier_row), ("unknown", unknown_row)] {
        let view = here.api.final_job(job).await;
        assert_eq!(
            (&view["status"], &view["counts"]["completed"]),
            (&"completed".into(), &6.into())
        );
        let rows = here.api.executions(job).await;
        assert_eq!(ids(&rows).len(), 6);
        let stored = rows.iter().find(|row| row["id"] == kept).unwrap();
        assert_eq!(stored["response"], "from the dead one", "{stored}");
        let asked: Vec<String> = {
            let calls = here.calls();
            let begun = calls.begun();
            begun.iter().filter(|id| id.starts_with(job)).map(|id| (*id).to_owned()).collect()
        };
        let missing: BTreeSet<&str> = ids(&rows).into_iter().filter(|id| *id != kept).collect();
        assert_eq!((asked.len(), missing.len()), (5, 5), "{asked:?}");
        assert!(asked.iter().all(|id| missing.contains(id.as_str())), "{asked:?}");
    }
    // Whoever may be alive is waited for: he drops his calls in that time.
    let calls = here.calls();
    let (dead, unknown) =
        (calls.first_begin_ms("earlier.").unwrap(), calls.first_begin_ms("unknown.").unwrap());
    assert!(unknown >= dead + 1_000, "{dead} {unknown} {restarted_ms}");
}

/// Makes a job of two questions and three models whose lane somebody entered and who wrote one row
/// before he died. Returns the row's id.
async fn leave_behind(table: &Table, job: &str, boot: Option<BootId>) -> String {
    let document = json!({
        "questions": ["math_basic", "identity_basic"],
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "regions": ["US"],
    });
    let spec = parse(&document, &[]).unwrap().spec;
    let job = JobId::new(job).unwrap();
    let submit = table.submit(job.clone(), &spec, clock::now()).await.unwrap();
    assert!(matches!(submit, Submit::Created(_)));

    let region = Region::new("us-east").unwrap();
    let nonce = Nonce::new("dead").unwrap();
    let ticket =
        Ticket { run: Run::FIRST, position: Position(0), nonce: nonce.clone(), boot, waited_ms: 0 };
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
    let row = ExecutionRow {
        run: Run::FIRST,
        holder: nonce,
        ending: Ending::Completed(Answer {
            outcome: Outcome::Text,
            response: "from the dead one".to_owned(),
            finish_reason: None,
            input_tokens: None,
            output_tokens: None,
            cost: None,
            simulated: false,
        }),
        prompt_sha256: PromptHash("0".repeat(64)),
        sampling: spec.sampling.clone(),
        served: Served::default(),
        attempts: 1,
        started_at: clock::now(),
        completed_at: clock::now(),
    };
    let stored = table.put_result(&id, &row).await.unwrap();
    assert!(matches!(stored, ResultWrite::Stored(_)));
    id.to_string()
}
