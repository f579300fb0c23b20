//! Pages of a lane, and the ids that its messages carry.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::id::Nonce;
use crate::job::{Actor, RunRecord};
use crate::spec::{SpecHash, parse};
use crate::wire::ProviderView;

#[test]
fn ids_fit_into_sqs_and_change_with_the_dispatch_number() {
    let spec = spec(3, 1);
    let (job, lanes) = job(&spec);
    let first = &lanes[0];
    let again = Lane { dispatch_number: first.dispatch_number.next(), ..first.clone() };
    let at_1 = |lane| asks(&job, &spec, lane, None).at(Position(1)).unwrap();
    let (a, b) = (at_1(first), at_1(&again));
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
            let asks = asks(&job, &spec, lane, None);
            let mut next = Some(DispatchMessage::first(job.id.clone(), lane.id.clone()));
            let mut position = 0;
            while let Some(page) = next.take() {
                prop_assert!(page.hop <= max_hops(length));
                for message in asks.page(page.from, page.hop) {
                    prop_assert_eq!(message.position, Position(position));
                    prop_assert_eq!(position_of(&spec, message.question), (k, message.position));
                    prop_assert!(seen.insert(message.question));
                    position += 1;
                    let asked = due(message.next_page(length));
                    prop_assert!(asked.is_none() || next.is_none());
                    next = next.or(asked);
                }
            }
            prop_assert_eq!(position, length);
        }
        prop_assert_eq!(seen.len(), spec.questions.len());
    }
}

#[test]
fn a_message_says_until_when_and_of_what_a_run_asks() {
    let spec = spec(3, 1);
    let (mut job, mut lanes) = job(&spec);
    let first = asks(&job, &spec, &lanes[0], None).at(Position(2)).unwrap();
    assert_eq!((first.question, first.due, first.page_end), (QuestionIndex(2), 4, Position(3)));
    assert_eq!((first.deadline, first.stop), (job.deadline, job.stop));
    assert!(first.selection.is_everything());
    assert_eq!(first.pairs().count(), 4);

    let selection = of_model("n");
    job.runs.push(record(2, selection.clone()));
    job.deadline += std::time::Duration::from_secs(1);
    (lanes[0].run, lanes[0].length) = (Run(2), 2);
    let work = work(&[(0, 1), (2, 2)]);
    let asks = asks(&job, &spec, &lanes[0], Some(&work));
    let second = asks.at(Position(1)).unwrap();
    assert_eq!(
        (second.run, second.position, second.question),
        (Run(2), Position(1), QuestionIndex(2))
    );
    assert_eq!((second.due, second.deadline, &second.selection), (2, job.deadline, &selection));
    assert_eq!((second.question_id.as_str(), second.text.as_str()), ("q2", "?"));
    // Of both models only one is asked, and its place among the job's models is known.
    let pairs: Vec<(usize, String)> =
        second.pairs().map(|(index, id)| (index, id.to_string())).collect();
    let expected = ["j.2.us-east.0.n", "j.2.us-east.1.n"].map(|id| (1, id.to_owned()));
    assert_eq!(pairs, expected);
    assert_ne!(first.deduplication_id(), second.deduplication_id());
    assert_eq!(first.group_id(), second.group_id());
    assert_eq!(asks.at(Position(2)), None);
}

#[test]
fn a_message_stays_small_however_many_questions_are_selected() {
    let spec = spec(2000, 1);
    let (mut job, mut lanes) = job(&spec);
    let questions = spec.questions.iter().map(|question| question.id.clone()).collect();
    let regions = vec![spec.regions[0].region.clone()];
    let selection = Selection { regions, questions, ..of_model("n") };
    job.runs.push(record(2, selection));
    lanes[0].run = Run(2);
    let message = asks(&job, &spec, &lanes[0], None).at(Position(1)).unwrap();
    assert_eq!(message.pairs().count(), 2);
    assert!(serde_json::to_vec(&message).unwrap().len() < 1000);
    // What does not select the question still does not.
    job.runs[1].selection.questions.remove(1);
    let message = asks(&job, &spec, &lanes[0], None).at(Position(1)).unwrap();
    assert_eq!(message.pairs().count(), 0);
}

#[test]
fn a_selection_of_everything_is_left_out_of_the_message() {
    let spec = spec(1, 1);
    let (job, lanes) = job(&spec);
    let message = asks(&job, &spec, &lanes[0], None).at(Position(0)).unwrap();
    let document = serde_json::to_value(&message).unwrap();
    assert_eq!(document.get("selection"), None);
    assert_eq!(serde_json::from_value::<QuestionMessage>(document).unwrap(), message);
    let message = QuestionMessage { selection: of_model("m"), ..message };
    let document = serde_json::to_value(&message).unwrap();
    assert_eq!(serde_json::from_value::<QuestionMessage>(document).unwrap(), message);
}

#[test]
fn a_retry_is_dispatched_under_the_number_that_the_lane_has() {
    let (job, mut lanes) = job(&spec(3, 1));
    lanes[0].dispatch_number = DispatchNumber(4);
    lanes[0].cursor = Position(3);
    let message = DispatchMessage::of_run(job.id.clone(), Run(2), &lanes[0]);
    let expected = DispatchMessage {
        run: Run(2),
        dispatch_number: DispatchNumber(4),
        ..DispatchMessage::first(job.id, lanes[0].id.clone())
    };
    assert_eq!(message, expected);
}

proptest! {
    /// A retry's pages send its work list, in order and each question once.
    #[test]
    fn pages_cover_a_work_list_once(
        questions in prop::collection::btree_set(0_u32..700, 1..600),
        from in 0_u32..700,
    ) {
        let spec = spec(700, 1);
        let (job, mut lanes) = job(&spec);
        let items: Vec<(u32, u32)> = questions.iter().map(|question| (*question, 1)).collect();
        let work = work(&items);
        lanes[0].length = work.length();
        let asks = asks(&job, &spec, &lanes[0], Some(&work));
        // From a cursor in the middle: what was sent before is not sent again.
        let from = from.min(work.length() - 1);
        let mut next = Some((Position(from), 0));
        let mut sent = Vec::new();
        while let Some((from, hop)) = next.take() {
            prop_assert!(hop <= max_hops(work.length()));
            for message in asks.page(from, hop) {
                sent.push(message.question.0);
                let asked = due(message.next_page(work.length())).map(|page| (page.from, page.hop));
                prop_assert!(asked.is_none() || next.is_none());
                next = next.or(asked);
            }
        }
        let expected = questions.into_iter().skip(usize::try_from(from).unwrap());
        prop_assert_eq!(sent, expected.collect::<Vec<u32>>());
    }
}

#[test]
fn a_chain_of_page_requests_ends_at_its_bound() {
    let spec = spec(1000, 1);
    let (job, lanes) = job(&spec);
    let length = lanes[0].length;
    let low = |hop| {
        let asks = asks(&job, &spec, &lanes[0], None);
        let page = asks.page(Position(0), hop);
        let mut low = page.filter(|message| message.next_page(length) != NextPage::NotDue);
        let message = low.next().unwrap();
        assert_eq!(low.next(), None);
        message.next_page(length)
    };
    let most = max_hops(length);
    assert_eq!(due(low(most - 1)).unwrap().hop, most);
    assert_eq!(low(most), NextPage::Refused { hop: most + 1 });
}

/// The request that there is, in a chain that never is too long.
fn due(next: NextPage) -> Option<DispatchMessage> {
    match next {
        NextPage::Due(page) => Some(page),
        NextPage::NotDue => None,
        NextPage::Refused { hop } => panic!("page {hop} of the chain is refused"),
    }
}

#[test]
fn a_question_carries_what_its_calls_cost_at_most_where_its_job_has_a_limit() {
    let mut spec = spec(1, 1);
    let provider: ProviderView = serde_json::from_value(json!({
        "name": "p", "type": "openai", "region": "us-east", "healthy": true, "models": ["m"],
        "price": {"per_million_input_tokens": 0, "per_million_output_tokens": 10},
    }))
    .unwrap();
    let prices = Prices::of(&spec, &[provider]);
    let limit = |spec: &Spec| {
        let (job, lanes) = job(spec);
        let asks = Asks { prices: Some(&prices), ..asks(&job, spec, &lanes[0], None) };
        let message = asks.at(Position(0)).unwrap();
        let bounds = [message.bound(0), message.bound(1)];
        (message.limit.is_some(), bounds)
    };
    assert_eq!(limit(&spec), (false, [Dollars::ZERO; 2]));
    let most = Dollars::new(3.0).unwrap();
    spec.max_cost = Some(most);
    // Five hundred tokens; nobody declares a price of the other model, which alone ends the job.
    assert_eq!(limit(&spec), (true, [Dollars::new(0.005).unwrap(), most]));
}

fn spec(questions: u32, lanes: u16) -> Spec {
    let questions: Vec<_> =
        (0..questions).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let document = json!({
        "questions": questions,
        "models": ["m", "n"],
        "samples": 2,
        "regions": ["US"],
        "questions_in_flight": lanes,
    });
    parse(&document, &[]).unwrap().spec
}

fn job(spec: &Spec) -> (Job, Vec<Lane>) {
    let (id, hash) = (JobId::new("j").unwrap(), SpecHash(String::new()));
    (Job::new(id, spec, hash, 1, now()), Job::lanes(spec, now()))
}

fn asks<'a>(job: &'a Job, spec: &'a Spec, lane: &'a Lane, work: Option<&'a WorkList>) -> Asks<'a> {
    Asks { job, spec, lane, work, prices: None }
}

fn work(items: &[(u32, u32)]) -> WorkList {
    let item =
        |(question, due): &(u32, u32)| WorkItem { question: QuestionIndex(*question), due: *due };
    WorkList::new(items.iter().map(item).collect())
}

fn of_model(name: &str) -> Selection {
    Selection { models: vec![ModelId::new(name).unwrap()], ..Selection::default() }
}

fn record(run: u32, selection: Selection) -> RunRecord {
    RunRecord {
        run: Run(run),
        at: now(),
        who: Actor::Intake,
        by: None,
        why: None,
        selection,
        executions: 1,
        request: Nonce::new("r").unwrap(),
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
