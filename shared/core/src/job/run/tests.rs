//! Which pairs a run is for.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;

use super::*;
use crate::id::{JobId, QuestionIndex, Sample};

const REGIONS: [&str; 2] = ["us-east", "eu-west"];
const MODELS: [&str; 2] = ["m", "n"];
const QUESTIONS: [&str; 2] = ["p", "q"];

#[test]
fn what_is_empty_selects_everything() {
    let everything = Selection::default();
    assert!(everything.is_everything());
    assert!(everything.takes(&id("us-east", "m", 0), &question("p")));
    assert!(everything.takes_region(&region("eu-west")));
}

#[test]
fn each_list_narrows_a_selection() {
    let pair = || id("us-east", "m", 0);
    let table = [
        (Selection { regions: vec![region("us-east")], ..Selection::default() }, true),
        (Selection { regions: vec![region("eu-west")], ..Selection::default() }, false),
        (Selection { models: vec![model("n"), model("m")], ..Selection::default() }, true),
        (Selection { models: vec![model("n")], ..Selection::default() }, false),
        (Selection { questions: vec![question("p")], ..Selection::default() }, true),
        (Selection { questions: vec![question("q")], ..Selection::default() }, false),
        (Selection { execution: Some(pair()), ..Selection::default() }, true),
        (Selection { execution: Some(id("us-east", "m", 1)), ..Selection::default() }, false),
        (
            Selection {
                regions: vec![region("us-east")],
                models: vec![model("n")],
                ..Selection::default()
            },
            false,
        ),
    ];
    for (selection, taken) in table {
        assert!(!selection.is_everything());
        assert_eq!(selection.takes(&pair(), &question("p")), taken, "{selection:?}");
    }
}

#[test]
fn a_selected_execution_selects_its_region() {
    let selection = Selection { execution: Some(id("us-east", "m", 0)), ..Selection::default() };
    assert!(selection.takes_region(&region("us-east")));
    assert!(!selection.takes_region(&region("eu-west")));
}

#[test]
fn the_first_run_is_for_all_pairs_and_an_unknown_one_for_none() {
    let pair = id("us-east", "m", 0);
    let of_n = Selection { models: vec![model("n")], ..Selection::default() };
    let runs = [record(2, Selection::default()), record(3, of_n)];
    for (run, expected) in [(1, true), (2, true), (3, false), (4, false)] {
        assert_eq!(is_for(&runs, Run(run), &pair, &question("p")), expected, "run {run}");
    }
    assert!(is_for(&[], Run::FIRST, &pair, &question("p")));
}

#[test]
fn retries_of_a_pair_are_the_later_runs_that_were_for_it() {
    let of_n = Selection { models: vec![model("n")], ..Selection::default() };
    let everything = Selection::default();
    let runs = [record(1, everything.clone()), record(2, of_n), record(3, everything)];
    assert_eq!(retries(&runs, &id("us-east", "m", 0), &question("p")), 1);
    assert_eq!(retries(&runs, &id("us-east", "n", 0), &question("p")), 2);
    assert_eq!(retries(&runs[..1], &id("us-east", "m", 0), &question("p")), 0);
}

#[test]
fn a_selection_is_json_of_what_it_names() {
    let selection = Selection {
        regions: vec![region("us-east")],
        execution: Some(id("us-east", "m", 1)),
        ..Selection::default()
    };
    let document = json!({"regions": ["us-east"], "execution": "j.0.us-east.1.m"});
    assert_eq!(serde_json::to_value(&selection).unwrap(), document);
    assert_eq!(serde_json::from_value::<Selection>(document).unwrap(), selection);
    assert_eq!(serde_json::from_value::<Selection>(json!({})).unwrap(), Selection::default());
    // A mistyped name would select everything.
    assert!(serde_json::from_value::<Selection>(json!({"region": ["us-east"]})).is_err());
}

#[test]
fn a_run_is_stored_with_what_was_asked_for() {
    let of_n = Selection { models: vec![model("n")], ..Selection::default() };
    for record in [record(1, Selection::default()), record(2, of_n)] {
        let document = serde_json::to_value(&record).unwrap();
        assert_eq!(document.get("selection").is_some(), record.run == Run(2));
        assert_eq!(serde_json::from_value::<RunRecord>(document).unwrap(), record);
    }
}

fn selections() -> impl Strategy<Value = Selection> {
    let execution = (select(&REGIONS), select(&MODELS), 0..2_u16)
        .prop_map(|(region, model, sample)| id(region, model, sample));
    (
        subsequence(&REGIONS[..], 0..=2),
        subsequence(&MODELS[..], 0..=2),
        subsequence(&QUESTIONS[..], 0..=2),
        prop::option::of(execution),
    )
        .prop_map(|(regions, models, questions, execution)| Selection {
            regions: regions.into_iter().map(region).collect(),
            models: models.into_iter().map(model).collect(),
            questions: questions.into_iter().map(question).collect(),
            execution,
        })
}

proptest! {
    /// A lane is asked whether its region is selected, its pairs one by one: the two agree.
    #[test]
    fn no_pair_of_a_region_that_is_not_selected_is_taken(selection in selections()) {
        for name in REGIONS {
            let pairs = MODELS.into_iter().flat_map(|model| {
                [0, 1].map(|sample| id(name, model, sample))
            });
            let taken = pairs.into_iter().any(|pair| {
                QUESTIONS.into_iter().any(|asked| selection.takes(&pair, &question(asked)))
            });
            prop_assert!(!taken || selection.takes_region(&region(name)));
            if selection.models.is_empty() && selection.questions.is_empty() {
                prop_assert_eq!(taken, selection.takes_region(&region(name)));
            }
        }
    }

    /// What a message of one question carries selects the same pairs of it.
    #[test]
    fn a_selection_at_one_question_selects_the_same_of_it(selection in selections()) {
        for (name, asked) in [("us-east", "p"), ("eu-west", "p"), ("us-east", "q")] {
            let at = selection.at(&region(name), &question(asked));
            for pair in MODELS.into_iter().flat_map(|model| [0, 1].map(|n| id(name, model, n))) {
                let taken = selection.takes(&pair, &question(asked));
                prop_assert_eq!(at.takes(&pair, &question(asked)), taken);
            }
        }
    }

    #[test]
    fn a_selection_reads_back(selection in selections()) {
        let text = serde_json::to_string(&selection).unwrap();
        prop_assert_eq!(serde_json::from_str::<Selection>(&text).unwrap(), selection);
    }
}

fn record(run: u32, selection: Selection) -> RunRecord {
    RunRecord {
        run: Run(run),
        at: Timestamp::UNIX_EPOCH,
        who: Actor::Intake,
        by: None,
        why: None,
        selection,
        executions: 1,
        request: Nonce::new("r").unwrap(),
    }
}

fn id(of: &str, asked: &str, sample: u16) -> ExecutionId {
    ExecutionId {
        job: JobId::new("j").unwrap(),
        question: QuestionIndex(0),
        model: model(asked),
        region: region(of),
        sample: Sample(sample),
    }
}

fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

fn model(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

fn question(name: &str) -> QuestionId {
    QuestionId::new(name).unwrap()
}
