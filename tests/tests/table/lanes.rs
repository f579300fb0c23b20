//! Conditions and changes of lanes, of every kind.

use beacon_core::job::EndCause;
use beacon_core::lane::{
    Breakdown, Holder, HolderChange, HolderIs, LaneChange, LaneCondition, LaneState, Mark,
    MarkChange, MarkIs, NewRun, Outcomes, Spent, Tallies,
};
use beacon_core::money::Dollars;
use beacon_core::{DispatchNumber, Nonce, Position, QuestionIndex, Region, Run};
use proptest::prelude::*;

use super::now;

pub(super) fn lane_changes() -> impl Strategy<Value = Vec<LaneChange>> {
    prop::collection::vec(change(), 0..3)
}

pub(super) fn change() -> impl Strategy<Value = LaneChange> {
    let holder = prop_oneof![
        Just(HolderChange::Keep),
        Just(HolderChange::Remove),
        (nonce(), 0..3_u32).prop_map(|(nonce, before)| {
            let (question, due) = (QuestionIndex(1), 3);
            HolderChange::Set(Holder { nonce, boot: None, since: now(), question, due, before })
        }),
    ];
    let marks = prop_oneof![
        3 => Just(MarkChange::Keep),
        1 => mark().prop_map(MarkChange::Set),
        1 => prop::collection::vec(mark(), 0..3).prop_map(MarkChange::Shelve),
    ];
    let run = (1..3_u32, 0..9_u32).prop_map(|(run, length)| NewRun { run: Run(run), length });
    let cursor = prop::option::of((0..2_u32).prop_map(Position));
    let counts = prop::option::of(0..9_u32);
    let fields = (
        (prop::option::weighted(0.1, run), holder, marks),
        cursor,
        prop::option::of(state()),
        prop::option::of(tallies()),
        (counts.clone(), counts.clone(), counts),
    );
    fields.prop_map(|((run, holder, mark), cursor, state, tallies, counts)| LaneChange {
        run,
        holder,
        mark,
        cursor,
        state,
        tallies,
        breakdown: tallies.map(|of_model| Breakdown {
            models: vec![of_model; 3],
            spared: 300,
            maybe_billed: 2,
            spent: Spent {
                known: Dollars::from_nanos(3),
                unknown: 1,
                assumed: Dollars::from_nanos(9),
            },
            ..Breakdown::default()
        }),
        takeovers: counts.0,
        redispatches: counts.1,
        barren: counts.2,
        ..LaneChange::at(now())
    })
}

fn tallies() -> impl Strategy<Value = Tallies> {
    (0..9_u64).prop_map(|completed| {
        let outcomes = Outcomes { text: completed, ..Outcomes::default() };
        Tallies { completed, outcomes, ..Tallies::default() }
    })
}

fn mark() -> impl Strategy<Value = Mark> {
    let region = Region::new("eu-west").unwrap();
    let cause = prop_oneof![
        Just(EndCause::Cancel),
        Just(EndCause::Deadline),
        Just(EndCause::RateUnreachable),
        Just(EndCause::CostLimit),
        (1..9_u32).prop_map(move |questions| {
            EndCause::RegionFailure { region: region.clone(), questions }
        }),
    ];
    (1..3_u32, cause).prop_map(|(run, cause)| Mark { run: Run(run), cause, at: now() })
}

pub(super) fn condition() -> impl Strategy<Value = LaneCondition> {
    let holder = prop_oneof![
        Just(HolderIs::Anything),
        Just(HolderIs::Absent),
        Just(HolderIs::Present),
        nonce().prop_map(HolderIs::AbsentOr),
        nonce().prop_map(HolderIs::Exactly),
    ];
    let mark = prop_oneof![Just(MarkIs::Anything), Just(MarkIs::Absent), Just(MarkIs::Present)];
    let cursor = prop::option::of((0..2_u32).prop_map(Position));
    let dispatch_number = prop::option::weighted(0.3, (0..2_u32).prop_map(DispatchNumber));
    (1..3_u32, state(), cursor, holder, mark, dispatch_number).prop_map(
        |(run, state, cursor, holder, mark, dispatch_number)| {
            let run = Run(run);
            LaneCondition { run, state, cursor, holder, mark, dispatch_number }
        },
    )
}

fn state() -> impl Strategy<Value = LaneState> {
    prop_oneof![4 => Just(LaneState::Open), 1 => Just(LaneState::Closed)]
}

fn nonce() -> impl Strategy<Value = Nonce> {
    "[ab]".prop_map(|text| Nonce::new(text).unwrap())
}
