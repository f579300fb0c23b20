//! Closed lanes that go over to a retry.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::execution::Outcome;
use crate::id::{DispatchNumber, LaneId, QuestionId};
use crate::job::{EndCause, Job, Selection};
use crate::lane::testing::{apply, at, id, record, row, selections, spec};
use crate::lane::{Mark, Shown};

const FAILED: ExecutionStatus = ExecutionStatus::Failed;
const COMPLETED: ExecutionStatus = ExecutionStatus::Completed;

#[test]
fn a_retry_asks_the_selected_pairs_that_are_not_completed() {
    let (spec, mut lane) = (spec(1), closed(1));
    // Lane 1 of 2 has the questions 1 and 3; of the pair (3, n) there is no row.
    lane.mark = Some(mark(1, EndCause::Cancel));
    let rows = [(1, "m", COMPLETED), (1, "n", FAILED), (3, "m", FAILED)];
    let rows = rows.map(|(question, model, status)| (key(question, model, 0), row(status)));
    let rows = StoredRows::from(rows);
    let of = |models: &[&str], questions: &[&str]| Selection {
        models: models.iter().map(|id| ModelId::new(*id).unwrap()).collect(),
        questions: questions.iter().map(|id| QuestionId::new(*id).unwrap()).collect(),
        ..Selection::default()
    };
    let table: [(Selection, &[(u32, u32)]); 5] = [
        (of(&[], &[]), &[(1, 1), (3, 2)]),
        (of(&["n"], &[]), &[(1, 1), (3, 1)]),
        (of(&["m"], &[]), &[(3, 1)]),
        (of(&["m"], &["q1"]), &[]),
        (of(&[], &["q0", "q2"]), &[]),
    ];
    for (selection, expected) in table {
        let runs = [record(Run::FIRST, Selection::default()), record(Run(2), selection.clone())];
        let planned = replan(&job(), &lane, &runs, &spec, &rows, at(9));
        let item = |(question, due): &(u32, u32)| WorkItem {
            question: QuestionIndex(*question),
            due: *due,
        };
        let expected = WorkList::new(expected.iter().map(item).collect());
        assert_eq!(planned.work, expected, "{selection:?}");
        let after = planned.write.change.apply(lane.clone());
        let asks = expected.length() > 0;
        assert_eq!(after.state == LaneState::Open, asks);
        assert_eq!((after.run, after.length), (Run(2), expected.length()));
    }
}

#[test]
fn a_lane_goes_over_once_and_begins_anew() {
    let (spec, mut lane) = (spec(1), closed(1));
    lane.mark = Some(mark(1, EndCause::Deadline));
    (lane.takeovers, lane.redispatches, lane.barren) = (4, 3, 2);
    lane.dispatch_number = DispatchNumber(7);
    (lane.breakdown.spared, lane.breakdown.maybe_billed) = (5, 6);
    let runs = [record(Run::FIRST, Selection::default()), record(Run(2), Selection::default())];
    let planned = replan(&job(), &lane, &runs, &spec, &StoredRows::new(), at(9));
    apply(&mut lane, &planned.write).unwrap();
    assert_eq!((lane.run, lane.state, lane.cursor), (Run(2), LaneState::Open, Position(0)));
    assert_eq!((lane.takeovers, lane.redispatches, lane.barren), (0, 0, 0));
    assert_eq!((lane.tallies, lane.mark.as_ref()), (Tallies::default(), None));
    assert_eq!(lane.earlier_marks, [mark(1, EndCause::Deadline)]);
    // What was sent before stays sent, and what happened stays counted.
    assert_eq!(lane.dispatch_number, DispatchNumber(7));
    assert_eq!((lane.breakdown.spared, lane.breakdown.maybe_billed), (5, 6));
    assert!(apply(&mut lane, &planned.write).is_err(), "a duplicate");
    lane.state = LaneState::Closed;
    assert!(apply(&mut lane, &planned.write).is_err(), "a late duplicate");
}

#[test]
fn a_row_that_a_later_run_hides_is_not_counted_as_made_up() {
    let (spec, mut lane) = (spec(1), closed(2));
    (lane.earlier_marks, lane.mark) =
        (vec![mark(1, EndCause::Cancel)], Some(mark(2, EndCause::Cancel)));
    let made_up = Counted { simulated: true, ..row(FAILED) };
    let rows = StoredRows::from([(key(1, "m", 0), made_up)]);
    let nothing = Selection { execution: Some(id(0, "m", 0)), ..Selection::default() };
    let everything = Selection::default();
    let runs = [
        record(Run::FIRST, everything.clone()),
        record(Run(2), everything),
        record(Run(3), nothing),
    ];
    let planned = replan(&job(), &lane, &runs, &spec, &rows, at(9));
    let tallies = planned.write.change.tallies.unwrap();
    assert_eq!((tallies.cancelled, tallies.simulated), (4, 0));
}

/// A closed lane with its job's runs, the last of which it has not reached, and its rows.
#[derive(Debug)]
struct Ended {
    spec: Spec,
    lane: Lane,
    runs: Vec<RunRecord>,
    rows: StoredRows,
}

/// What a pair may have: a row of this run or the one nearest before that was for it.
type Row = Option<(u32, ExecutionStatus, bool)>;

fn ended() -> impl Strategy<Value = Ended> {
    let causes = || select(vec![EndCause::Cancel, EndCause::Deadline]);
    let status = select(vec![COMPLETED, FAILED, ExecutionStatus::TimedOut]);
    let row = prop::option::weighted(0.8, (1..4_u32, status, any::<bool>()));
    (
        1..3_u16,
        0..2_usize,
        1..4_u32,
        prop::collection::vec(selections(), 3),
        (causes(), prop::collection::vec(prop::option::of(causes()), 2)),
        prop::collection::vec(row, 12),
    )
        .prop_map(|(samples, k, run, selections, (first, marks), rows)| {
            let spec = spec(samples);
            let mut lane = Job::lanes(&spec, at(0)).remove(k);
            (lane.run, lane.state) = (Run(run), LaneState::Closed);
            let selections = std::iter::once(Selection::default()).chain(selections);
            let runs = (1..=run + 1).zip(selections);
            let runs: Vec<RunRecord> =
                runs.map(|(run, selection)| record(Run(run), selection)).collect();
            // The first run's end left all pairs that have no row.
            let causes = std::iter::once(Some(first)).chain(marks);
            let marks = (1..=run).zip(causes);
            let mut marks: Vec<Mark> =
                marks.filter_map(|(run, cause)| Some(mark(run, cause?))).collect();
            lane.mark = marks.pop_if(|mark| mark.run == lane.run);
            lane.earlier_marks = marks;
            let rows = stored(&spec, &lane, &runs, rows);
            Ended { spec, lane, runs, rows }
        })
}

fn stored(spec: &Spec, lane: &Lane, runs: &[RunRecord], rows: Vec<Row>) -> StoredRows {
    let mut stored = StoredRows::new();
    for (pair, row) in pairs(spec, lane).into_iter().zip(rows) {
        let entry = &spec.question(pair.question).unwrap().id;
        let Some((latest, status, simulated)) = row else { continue };
        let latest = latest.min(lane.run.0);
        let run = (1..=latest).rev().map(Run).find(|run| is_for(runs, *run, &pair, entry));
        let outcome = (status == COMPLETED).then_some(Outcome::Empty);
        let row = Counted { run: run.unwrap(), status, outcome, simulated, duration_ms: 1 };
        stored.insert((pair.question, pair.model, pair.sample), row);
    }
    stored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Each pair is either asked again or counted once as it is shown; to ask for it changes
    /// nothing of the others.
    #[test]
    fn each_pair_is_asked_again_or_stays_as_it_is_shown(ended in ended()) {
        let Ended { spec, lane, runs, rows } = &ended;
        let Replanned { work, write } = replan(&job(), lane, runs, spec, rows, at(9));
        let mut after = lane.clone();
        apply(&mut after, &write).unwrap();
        let items = (0..work.length()).map(|position| work.at(Position(position)).unwrap());
        let mut due: BTreeMap<QuestionIndex, u32> =
            items.map(|item| (item.question, item.due)).collect();
        prop_assert_eq!(due.len(), usize::try_from(work.length()).unwrap());
        let all: u64 = due.values().map(|due| u64::from(*due)).sum();
        prop_assert_eq!(after.tallies.ended() + all, lane.expected());
        prop_assert_eq!(after.state == LaneState::Open, all > 0);

        let mut models = [Tallies::default(); 2];
        for pair in pairs(spec, lane) {
            let entry = &spec.question(pair.question).unwrap().id;
            let row = rows.get(&(pair.question, pair.model.clone(), pair.sample)).copied();
            let stands = row.map(|row| (row.run, row.status));
            let before = shown(lane, runs, &pair, entry, stands);
            let now = shown(&after, runs, &pair, entry, stands);
            let completed = row.is_some_and(|row| row.status == COMPLETED);
            if !completed && is_for(runs, after.run, &pair, entry) {
                prop_assert_eq!(now, Shown::Pending);
                let left = due.get_mut(&pair.question);
                prop_assert!(left.is_some(), "{} is not asked", pair);
                *left.unwrap() -= 1;
                continue;
            }
            prop_assert_eq!(&now, &before, "{}", pair);
            let stored = row.filter(|_| now == Shown::AsStored);
            let status = now.status(row.map(|row| row.status));
            let counted = Counted { status, ..stored.unwrap_or(Counted::without_row(lane.run)) };
            let model = spec.models.iter().position(|model| *model == pair.model).unwrap();
            models[model] = models[model].with(counted);
        }
        prop_assert!(due.values().all(|left| *left == 0), "{due:?}");
        prop_assert_eq!(&after.breakdown.models, &models.to_vec());
        prop_assert_eq!(after.tallies, models[0].plus(&models[1]));
    }
}

fn pairs(spec: &Spec, lane: &Lane) -> Vec<ExecutionId> {
    let mut pairs = Vec::new();
    for position in (0..lane.questions).map(Position) {
        let question = question_at(spec, &lane.id, position);
        for model in &spec.models {
            pairs.extend((0..spec.samples).map(|sample| id(question.0, model.as_str(), sample)));
        }
    }
    pairs
}

fn key(question: u32, model: &str, sample: u16) -> (QuestionIndex, ModelId, Sample) {
    (QuestionIndex(question), ModelId::new(model).unwrap(), Sample(sample))
}

/// Lane 1 of 2, as a run left it.
fn closed(run: u32) -> Lane {
    let region = crate::region::Region::new("us-east").unwrap();
    let lane = Lane::new(LaneId { region, k: 1 }, 2, 2, 2, at(0));
    Lane { run: Run(run), state: LaneState::Closed, ..lane }
}

fn mark(run: u32, cause: EndCause) -> Mark {
    Mark { run: Run(run), cause, at: at(1) }
}

fn job() -> JobId {
    JobId::new("j").unwrap()
}
