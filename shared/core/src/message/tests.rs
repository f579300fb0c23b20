//! Pages of a lane, and the ids that its messages carry.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::{SpecHash, parse};

#[test]
fn ids_fit_into_sqs_and_change_with_the_dispatch_number() {
    let spec = spec(3, 1);
    let (job, lanes) = job(&spec);
    let first = &lanes[0];
    let again = Lane { dispatch_number: first.dispatch_number.next(), ..first.clone() };
    let asks = |lane| Asks { job: &job, spec: &spec, lane, work: None };
    let (a, b) = (asks(first).at(Position(1)).unwrap(), asks(&again).at(Position(1)).unwrap());
    assert_eq!(a.group_id(), b.group_id());
    assert_ne!(a.deduplication_id(), b.deduplication_id());
    assert!(a.group_id().len() <= 128 && a.deduplication_id().len() <= 128);
}

proptest! {
    /// Following the requests for the next page, every question is sent exactly once and in order,
    /// by fewer hops than the bound.
    #[test]
    fn pages_cover_every_question_of_a_lane_once(questions in 1_u32..1500, lanes in 1_u16..5) {
        let spec = spec(questions, lanes);
        let (job, lanes) = job(&spec);
        let mut seen = BTreeSet::new();
        for lane in &lanes {
            let (k, length) = (lane.id.k, lane.length);
            let asks = Asks { job: &job, spec: &spec, lane, work: None };
            let mut next = Some(DispatchMessage::first(job.id.clone(), lane.id.clone()));
            let mut position = 0;
            while let Some(page) = next.take() {
                prop_assert!(page.hop <= max_hops(length));
                for message in asks.page(page.from, page.hop) {
                    prop_assert_eq!(message.position, Position(position));
                    prop_assert_eq!(position_of(&spec, message.question), (k, message.position));
                    prop_assert!(seen.insert(message.question));
                    position += 1;
                    let asked = message.next_page(length);
                    prop_assert!(asked.is_none() || next.is_none());
                    next = next.or(asked);
                }
            }
            prop_assert_eq!(position, length);
        }
        prop_assert_eq!(seen.len(), spec.questions.len());
    }
}

fn spec(questions: u32, lanes: u16) -> Spec {
    let questions: Vec<_> =
        (0..questions).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let document = json!({
        "questions": questions,
        "models": ["m"],
        "regions": ["US"],
        "questions_in_flight": lanes,
    });
    parse(&document, &[]).unwrap().spec
}

fn job(spec: &Spec) -> (Job, Vec<Lane>) {
    let (id, hash) = (JobId::new("j").unwrap(), SpecHash(String::new()));
    (Job::new(id, spec, hash, 1, now()), Job::lanes(spec, now()))
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
