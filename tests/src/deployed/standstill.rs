//! A job whose questions are lost in the middle, and that only the schedule can move.

use std::time::Instant;

use serde_json::{Value, json};

use super::place::Place;

const JOB: &str = "emptied";
const QUESTIONS: usize = 12;

/// When its queue was emptied, and where it stood then.
pub(super) struct Emptied {
    at: Instant,
    completed: u64,
}

/// Starts the job and takes the rest of its questions away once two are answered.
pub(super) async fn begin(place: &mut Place) -> Emptied {
    let question = |n| json!({"id": format!("q{n}"), "text": format!("What is {n} times {n}?")});
    let questions: Vec<Value> = (0..QUESTIONS).map(question).collect();
    let spec = json!({
        "id": JOB, "questions": questions, "models": ["mistral-7b"], "regions": ["eu-central"],
    });
    place.submit(&spec).await;
    let two = |view: &Value| view["counts"]["completed"].as_u64().unwrap() >= 2;
    place.job_when(JOB, "at its third question", two).await;
    place.empty_the_question_queue().await;
    let at = Instant::now();
    // The question that was out is finished.
    let view = place.job_when(JOB, "at rest", |view| view["counts"]["running"] == 0).await;
    let completed = view["counts"]["completed"].as_u64().unwrap();
    assert!(completed < QUESTIONS as u64, "the queue was emptied too late: {view}");
    place.say(&format!("queue emptied: {completed} of {QUESTIONS} questions answered, none waits"));
    Emptied { at, completed }
}

/// The schedule dispatches the lane anew, and the job ends as if nothing had been lost.
pub(super) async fn end(place: &mut Place, emptied: Emptied) {
    let view = place.final_job(JOB).await;
    assert_eq!(view["counts"]["completed"], QUESTIONS, "{view}");
    let debug = place.debug(JOB).await;
    let [lane] = &debug["lanes"].as_array().unwrap()[..] else { panic!("{debug}") };
    assert_eq!(lane["dispatch_number"], 1, "{lane}");
    let rows = place.executions(JOB).await;
    assert_eq!(rows.len(), QUESTIONS);
    for (number, row) in rows.iter().enumerate() {
        let id = format!("{JOB}.{number}.eu-central.0.mistral-7b");
        assert_eq!((&row["id"], &row["status"]), (&id.into(), &"completed".into()), "{row}");
        assert_eq!((&row["run"], &row["attempts"]), (&1.into(), &1.into()), "{row}");
    }
    let (seconds, rest) = (emptied.at.elapsed().as_secs(), QUESTIONS as u64 - emptied.completed);
    place.say(&format!(
        "queue emptied: the schedule alone dispatched the other {rest} questions anew; all \
         {QUESTIONS} rows are there, {seconds} s after"
    ));
}
