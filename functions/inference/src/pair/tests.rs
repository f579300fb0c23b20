//! A panic in one pair.

use beacon_aws::{Clock, fresh_nonce};
use beacon_core::job::{Selection, StopRule};
use beacon_core::lane::Ticket;
use beacon_core::message::QuestionMessage;
use beacon_core::spec::{Sampling, Stop};
use beacon_core::{
    DispatchNumber, JobId, LaneId, ModelId, Position, QuestionId, QuestionIndex, Region, Run,
    Sample, VariantName,
};

use super::*;

#[tokio::test]
async fn a_panic_becomes_a_row_with_its_code() {
    let message = message();
    let prompt = message.prompt();
    let ticket = Ticket {
        run: Run::FIRST,
        position: Position(0),
        question: QuestionIndex(0),
        due: 2,
        nonce: fresh_nonce(),
        boot: None,
        sent_at: None,
        received_at: Clock::System.now(),
    };
    let asking = Asking {
        message: &message,
        prompt,
        sha256: prompt.sha256(),
        ticket: &ticket,
        behind: None,
        clock: Clock::System,
    };
    let id = ExecutionId {
        job: message.job_id.clone(),
        question: message.question,
        model: message.models[0].clone(),
        region: message.lane.region.clone(),
        sample: Sample(0),
    };
    let row =
        caught(async { panic!("on purpose") }, || asking.panicked(&id, 2, &Progress::default()))
            .await;
    let failure = row.ending.failure().unwrap();
    assert_eq!(failure.code, FailureCode::WorkerPanic);
    assert!(failure.maybe_billed);
    assert_eq!((row.key_number, row.maybe_billed), (3, 1));
    assert_eq!(row.prompt_sha256, prompt.sha256());
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
        page_end: Position(1),
        hop: 0,
    }
}
