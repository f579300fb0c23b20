//! What each router finds of a shared call, and makes of it.

use super::*;

const BOUNDS: SharedBounds = SharedBounds {
    lease: Duration::from_millis(60),
    renew: Duration::from_millis(20),
    watch: Duration::from_millis(2),
    first_look: Duration::from_millis(1),
    last_look: Duration::from_millis(1),
    clocks: Duration::from_millis(10),
    age: Duration::from_millis(1000),
};
const BODY: RequestDigest = [1; 32];

fn router(name: &str) -> Nonce {
    Nonce::new(name).unwrap()
}

fn claim_at(seen: Option<&SharedCall>, owner: &str, now_ms: u64) -> Claim {
    let owner = router(owner);
    claim(seen, Claimant { owner: &owner, digest: BODY, now_ms, joins: false }, BOUNDS)
}

fn made(seen: Option<&SharedCall>, owner: &str, now_ms: u64) -> SharedCall {
    let Claim::Make(write) = claim_at(seen, owner, now_ms) else { panic!("not its to make") };
    assert!(write.holds(seen));
    write.call
}

fn ended(seen: &SharedCall, ending: SharedEnding, now_ms: u64) -> SharedCall {
    let owner = seen.owner.clone().unwrap();
    end(Some(seen), &owner, ending, now_ms).unwrap().call
}

fn answer() -> Box<InferenceResponse> {
    Box::new(serde_json::from_str(r#"{"success": true, "response": "4"}"#).unwrap())
}

fn seen_by_all(call: &SharedCall, now_ms: u64) -> CallView {
    view(Some(call), &CallKey::new("k:1").unwrap(), 0, now_ms, BOUNDS)
}

#[test]
fn what_nobody_knows_is_made_and_what_runs_elsewhere_is_not() {
    let call = made(None, "a", 100);
    assert_eq!((call.version, call.earlier_maybe_billed), (1, 0));
    assert_eq!(claim_at(Some(&call), "b", 100), Claim::Elsewhere);
    assert!(call.runs(169, BOUNDS));
    assert_eq!(seen_by_all(&call, 169).state, CallState::Running);
}

#[test]
fn a_router_that_is_dead_has_given_its_call_up_and_it_counts() {
    let call = made(None, "a", 100);
    assert_eq!(claim_at(Some(&call), "b", 169), Claim::Elsewhere);
    let view = seen_by_all(&call, 170);
    assert_eq!((view.state, view.maybe_billed, view.ended_ms), (CallState::Dropped, 1, Some(160)));
    let again = made(Some(&call), "b", 170);
    assert_eq!((again.version, again.earlier_maybe_billed), (2, 1));
    let third = made(Some(&again), "c", 300);
    assert_eq!(third.earlier_maybe_billed, 2);
}

#[test]
fn a_router_that_finds_its_own_call_has_lost_it() {
    let call = made(None, "a", 100);
    assert_eq!(made(Some(&call), "a", 101).earlier_maybe_billed, 1);
}

#[test]
fn a_lease_holds_as_long_as_it_is_renewed() {
    let call = made(None, "a", 100);
    let (a, b) = (router("a"), router("b"));
    let Renewal::Renew(write) = renew(Some(&call), &a, 150, BOUNDS) else { panic!("lost") };
    assert!(write.holds(Some(&call)));
    assert_eq!(claim_at(Some(&write.call), "b", 219), Claim::Elsewhere);
    assert_eq!(renew(Some(&write.call), &b, 150, BOUNDS), Renewal::Lost);
    assert_eq!(renew(None, &a, 150, BOUNDS), Renewal::Lost);
    let taken = made(Some(&write.call), "b", 220);
    assert_eq!(renew(Some(&taken), &a, 220, BOUNDS), Renewal::Lost);
    assert_eq!(end(Some(&taken), &a, SharedEnding::Done(answer()), 220), None);
}

#[test]
fn how_a_call_ended_is_what_the_next_finds() {
    let call = made(None, "a", 100);
    let done = ended(&call, SharedEnding::Done(answer()), 120);
    assert_eq!(claim_at(Some(&done), "b", 130), Claim::Done(answer()));
    assert_eq!(seen_by_all(&done, 130).response, Some(*answer()));
    for (maybe_billed, count) in [(false, 0), (true, 1)] {
        let dropped = ended(&call, SharedEnding::Dropped { maybe_billed }, 120);
        assert_eq!(seen_by_all(&dropped, 130).maybe_billed, count);
        assert_eq!(made(Some(&dropped), "b", 130).earlier_maybe_billed, count);
        let stopped = ended(&call, SharedEnding::Stopped { maybe_billed }, 120);
        let found = Claim::Stopped { maybe_billed, earlier_maybe_billed: 0 };
        assert_eq!(claim_at(Some(&stopped), "b", 130), found);
    }
}

#[test]
fn another_body_is_refused_whatever_became_of_the_call() {
    let call = made(None, "a", 100);
    let owner = router("b");
    let other = Claimant { owner: &owner, digest: [2; 32], now_ms: 130, joins: false };
    for call in [
        ended(&call, SharedEnding::Done(answer()), 120),
        ended(&call, SharedEnding::Dropped { maybe_billed: true }, 120),
        call,
    ] {
        assert_eq!(claim(Some(&call), other, BOUNDS), Claim::Conflict);
    }
}

#[test]
fn one_who_only_joins_makes_nothing() {
    let call = made(None, "a", 100);
    let owner = router("b");
    let joins = Claimant { owner: &owner, digest: BODY, now_ms: 130, joins: true };
    let dropped = ended(&call, SharedEnding::Dropped { maybe_billed: true }, 120);
    for (seen, found) in [
        (None, Claim::NothingToJoin),
        (Some(&dropped), Claim::NothingToJoin),
        (Some(&call), Claim::Elsewhere),
        (Some(&ended(&call, SharedEnding::Done(answer()), 120)), Claim::Done(answer())),
    ] {
        assert_eq!(claim(seen, joins, BOUNDS), found, "{seen:?}");
    }
    // Its answer can still be fetched: the request to the provider goes on.
    let fetched = SharedCall { result_url: Some("http://r".to_owned()), ..dropped };
    let Claim::Make(write) = claim(Some(&fetched), joins, BOUNDS) else { panic!("not fetched") };
    assert_eq!(write.call.result_url, fetched.result_url);
}

#[test]
fn what_ended_a_day_ago_is_forgotten_but_its_version_is_not() {
    let call = ended(&made(None, "a", 100), SharedEnding::Dropped { maybe_billed: true }, 120);
    assert_eq!(seen_by_all(&call, 1120).state, CallState::Unknown);
    let again = made(Some(&call), "b", 1120);
    assert_eq!((again.version, again.earlier_maybe_billed), (3, 0));
    assert_eq!(remembers_since_ms(5, 1120, BOUNDS), 120);
    assert_eq!(remembers_since_ms(500, 1120, BOUNDS), 500);
}

#[test]
fn a_stop_asks_the_owner_and_holds_for_good() {
    let call = made(None, "a", 100);
    let asked = stop(Some(&call), 110, BOUNDS).unwrap().call;
    assert_eq!(stop(Some(&asked), 111, BOUNDS), None);
    assert_eq!(claim_at(Some(&asked), "b", 111), Claim::Elsewhere);
    assert_eq!(renew(Some(&asked), &router("a"), 112, BOUNDS), Renewal::StopAsked);
    let given_up = ended(&asked, SharedEnding::Dropped { maybe_billed: false }, 120);
    for (call, maybe_billed) in [
        (given_up, false),
        (ended(&asked, SharedEnding::Stopped { maybe_billed: true }, 120), true),
        // Its owner died before it could.
        (asked.clone(), true),
    ] {
        let found = Claim::Stopped { maybe_billed, earlier_maybe_billed: 0 };
        assert_eq!(claim_at(Some(&call), "b", 200), found);
        assert_eq!(stop(Some(&call), 200, BOUNDS), None);
    }
    let done = ended(&asked, SharedEnding::Done(answer()), 120);
    assert_eq!(claim_at(Some(&done), "b", 200), Claim::Done(answer()));
}

#[test]
fn what_is_not_there_or_given_up_is_stopped_before_it_comes() {
    let unknown = stop(None, 100, BOUNDS).unwrap().call;
    let view = seen_by_all(&unknown, 110);
    assert_eq!((view.state, view.begun_ms), (CallState::Stopped, None));
    let found = Claim::Stopped { maybe_billed: false, earlier_maybe_billed: 0 };
    assert_eq!(claim_at(Some(&unknown), "a", 110), found);
    let call = made(None, "a", 100);
    // At the end of its lease the call of a dead router is given up.
    let stopped = stop(Some(&call), 170, BOUNDS).unwrap().call;
    let found = Claim::Stopped { maybe_billed: true, earlier_maybe_billed: 0 };
    assert_eq!(claim_at(Some(&stopped), "a", 171), found);
}

#[test]
fn one_who_takes_over_fetches_what_can_be_fetched_and_nothing_more_is_charged() {
    let call = made(None, "a", 100);
    let url = "http://lab/result/7";
    let kept = keep_result_url(Some(&call), &router("a"), url).unwrap().call;
    assert_eq!(keep_result_url(Some(&kept), &router("b"), url), None);
    let taken = made(Some(&kept), "b", 170);
    assert_eq!((taken.result_url.as_deref(), taken.earlier_maybe_billed), (Some(url), 0));
    assert_eq!(claim_at(Some(&taken), "c", 171), Claim::Elsewhere);
}
