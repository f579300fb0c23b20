//! A panic in one pair, and what a pair becomes that nobody asks any more.

use std::sync::Arc;

use beacon_aws::{Clock, HttpLink, RouterSettings, fresh_nonce};
use beacon_core::execution::{Counted, ExecutionStatus};
use beacon_core::job::{Selection, StopRule};
use beacon_core::lane::Ticket;
use beacon_core::message::QuestionMessage;
use beacon_core::money::Dollars;
use beacon_core::spec::{Sampling, Stop};
use beacon_core::{
    DispatchNumber, JobId, LaneId, ModelId, Position, QuestionId, QuestionIndex, Region, Run,
    Sample, VariantName,
};

use super::*;

#[tokio::test]
async fn a_panic_becomes_a_row_with_its_code() {
    let (message, ticket) = (message(), ticket());
    let (asking, id) = (asking(&message, &ticket, None), id(&message));
    let row = caught(async { panic!("on purpose") }, || {
        asking.panicked(&id, Some(earlier()), &Progress::default())
    })
    .await;
    let failure = row.ending.failure().unwrap();
    assert_eq!(failure.code, FailureCode::WorkerPanic);
    assert!(failure.maybe_billed);
    assert_eq!((row.key_number, row.maybe_billed), (3, 1));
    assert_eq!(row.prompt_sha256, message.prompt().sha256());
}

#[test]
fn an_answer_that_was_not_believed_is_charged_for_once() {
    let (message, ticket) = (message(), ticket());
    let asking = asking(&message, &ticket, None);
    let row = |stage, cost| {
        let failure = Failure {
            stage,
            code: FailureCode::RegionMismatch,
            message: "asked elsewhere".to_owned(),
            retryable: false,
            maybe_billed: true,
            provider_id: None,
            http_status: None,
            attempts: 1,
        };
        let reply = Reply { cost, ..Reply::without_provider(Ending::Failed(failure)) };
        let row = asking.row(reply, 1, 1, Timestamp::UNIX_EPOCH);
        (row.cost, row.maybe_billed)
    };
    let cost = Some(Dollars::from_nanos(7));
    assert_eq!(row(Stage::Verification, cost), (cost, 0));
    assert_eq!(row(Stage::Verification, None), (None, 1));
    // What is known is of an attempt before.
    assert_eq!(row(Stage::RouterInference, cost), (cost, 1));
}

#[tokio::test]
async fn calls_of_holders_before_are_counted_where_nobody_asks_any_more() {
    // Nobody listens there, so nobody tells what became of them.
    let base = "http://127.0.0.1:1".to_owned();
    let settings = RouterSettings { base, timeout: Duration::from_secs(1), authorization: None };
    let link = Arc::new(HttpLink::new(&settings).unwrap());
    let router = Router::new(settings, link);
    let (message, ticket) = (message(), ticket());
    let table = [
        // Holders before, attempts of this one, what it knows of them: key, attempts, maybe billed.
        (None, 0, 0, (2, 0, 0)),
        (Some(2), 0, 0, (3, 1, 2)),
        (Some(2), 1, 0, (3, 1, 0)),
        (Some(2), 1, 1, (3, 1, 1)),
    ];
    for (holders, attempts, known, expected) in table {
        let behind = holders.map(|holders| Behind { since: None, holders });
        let (asking, id) = (asking(&message, &ticket, behind), id(&message));
        let progress = Progress::default();
        progress.set_behind(known);
        progress.attempt(attempts);
        let row = router.leave(&asking, &id, Some(earlier()), &EndCause::Cancel, &progress).await;
        let told = (row.key_number, row.attempts, row.maybe_billed);
        assert_eq!(told, expected, "{holders:?} {attempts} {known}");
        assert_eq!(row.ending.failure().unwrap().maybe_billed, expected.2 > 0);
    }
    // What became of the earlier run's call is still to be asked.
    let open = StoredRow { is_open: true, ..earlier() };
    let (alone, its_id) = (asking(&message, &ticket, None), id(&message));
    let quiet = Progress::default();
    let row = router.leave(&alone, &its_id, Some(open), &EndCause::Cancel, &quiet).await;
    assert_eq!((row.stored().is_open, row.key_number, row.maybe_billed), (true, 2, 0));
    // A call of its own is out as well.
    let behind = Some(Behind { since: None, holders: 1 });
    let (asking, id, progress) =
        (asking(&message, &ticket, behind), id(&message), Progress::default());
    progress.set_behind(1);
    progress.attempt(1);
    progress.set_out(Some(Sent { key_number: 3, begun: Clock::System.now() }));
    let row = router.leave(&asking, &id, Some(earlier()), &EndCause::Cancel, &progress).await;
    assert_eq!((row.key_number, row.maybe_billed), (3, 2));
}

#[test]
fn every_model_and_sample_that_the_run_is_for_is_a_pair() {
    let mut message = QuestionMessage { samples: 3, ..message() };
    let ids = |message: &QuestionMessage| {
        message.pairs().map(|(_, id)| id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&message).len(), 6);
    message.selection.models = vec![ModelId::new("b").unwrap()];
    assert_eq!(ids(&message).len(), 3);
    assert!(message.pairs().all(|(index, id)| index == 1 && id.model.as_str() == "b"));
}

/// The row of a run whose second call failed.
fn earlier() -> StoredRow {
    let counted = Counted {
        run: Run::FIRST,
        status: ExecutionStatus::Failed,
        outcome: None,
        simulated: false,
        duration_ms: 1,
    };
    StoredRow { counted, key_number: 2, is_open: false, maybe_billed: 0, cost: None }
}

fn ticket() -> Ticket {
    Ticket {
        run: Run::FIRST,
        position: Position(0),
        question: QuestionIndex(0),
        due: 2,
        nonce: fresh_nonce(),
        boot: None,
        sent_at: None,
        received_at: Clock::System.now(),
    }
}

fn asking<'a>(
    message: &'a QuestionMessage,
    ticket: &'a Ticket,
    behind: Option<Behind>,
) -> Asking<'a> {
    let prompt = message.prompt();
    Asking { message, prompt, sha256: prompt.sha256(), ticket, behind, clock: Clock::System }
}

fn id(message: &QuestionMessage) -> ExecutionId {
    ExecutionId {
        job: message.job_id.clone(),
        question: message.question,
        model: message.models[0].clone(),
        region: message.lane.region.clone(),
        sample: Sample(0),
    }
}

fn message() -> QuestionMessage {
    let model = |name: &str| ModelId::new(name).unwrap();
    QuestionMessage {
        job_id: JobId::new("j").unwrap(),
        run: Run::FIRST,
        lane: LaneId { region: Region::new("us-east").unwrap(), k: 0 },
        dispatch_number: DispatchNumber(0),
        position: Position(0),
        question: QuestionIndex(0),
        due: 2,
        question_id: QuestionId::new("q").unwrap(),
        variant: VariantName::base(),
        text: "?".into(),
        system: None,
        models: vec![model("a"), model("b")],
        samples: 1,
        sampling: Sampling { temperature: 0.1, max_tokens: 5, seed: None, top_p: None },
        selection: Selection::default(),
        deadline: Timestamp::MAX,
        stop: StopRule { policy: Stop::Never, after: 3 },
        limit: None,
        page_end: Position(1),
        hop: 0,
    }
}
