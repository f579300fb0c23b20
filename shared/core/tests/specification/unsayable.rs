//! What a JSON Schema cannot say: documents that the schema lets pass and the server refuses. The
//! list is whole: `changed.rs` checks that the two differ in nothing else.

use std::collections::BTreeSet;

use beacon_core::spec::Problem;
use serde_json::{Value, json};

use crate::agreement::{schema_fields, server_problems, whole, with};

/// Whether the problem is of a rule that the schema cannot say.
pub(crate) fn is_unsayable(problem: &Problem, document: &Value) -> bool {
    let says = |part: &str| problem.message.contains(part);
    // Which regions there are, providers say.
    says("unknown region")
        || says("names the place of region")
        // Products and sums over several fields.
        || says(" × ")
        || says("executions are")
        || says("but the job has")
        // Entries that are the same, or not, once they are trimmed, folded or looked up.
        || says("with other content")
        || says("models are")
        || says("regions are")
        || says("two variants called")
        // The schema is that of the file, which the command line has read before the server sees it.
        || says("files are read by the command line only")
        // A schema counts characters.
        || says("bytes long") && !document.to_string().is_ascii()
        // To a schema 2.0 is a whole number.
        || document.get(&problem.field).is_some_and(is_whole_with_a_point)
}

fn is_whole_with_a_point(value: &Value) -> bool {
    value.is_f64() && value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

#[test]
fn what_only_the_server_can_tell_passes_the_schema() {
    let questions = |count: usize| -> Vec<_> {
        (0..count).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect()
    };
    let mut models: Vec<String> = (0..51).map(|n| format!("m{n}")).collect();
    models.push(" m0".to_owned());
    let own = |text: &str| json!({"id": "math_basic", "text": text});
    let euros = |count: usize| json!("\u{20ac}".repeat(count));
    for (pointer, value, field) in [
        ("/regions/0", json!("mars"), "regions[0]"),
        ("/questions/1", json!({"file": "questions.csv"}), "questions[1].file"),
        ("/questions/1", own("Where?"), "questions[1]"),
        ("/questions", json!(questions(5_001)), "questions"),
        ("/models", json!(models), "models"),
        ("/models", json!(models[..3]), "samples"),
        ("/questions_in_flight", json!(46), "questions_in_flight"),
        ("/min_regions", json!(3), "min_regions"),
        ("/samples", json!(2.0), "samples"),
        ("/timeout", json!(90.0), "timeout"),
        ("/name", euros(67), "name"),
        ("/questions/1/expect/0", euros(67), "questions[1].expect[0]"),
        ("/questions/1/text", euros(32 * 1024 / 3 + 1), "questions[1].text"),
        ("/system_prompt", euros(16 * 1024 / 3 + 1), "system_prompt"),
    ] {
        let mut document = whole();
        document["samples"] = json!(if field == "samples" { 67 } else { 1 });
        let document = with(document, pointer, value);
        assert_eq!(schema_fields(&document), BTreeSet::new(), "{pointer}");
        let problems = server_problems(&document);
        assert!(problems.iter().any(|problem| problem.field == field), "{pointer}: {problems:?}");
        for problem in problems {
            assert!(is_unsayable(&problem, &document), "{pointer}: {problem:?}");
        }
    }
}

#[test]
fn a_file_that_does_not_stand_alone_is_wrong_at_what_stands_beside_it() {
    let document = with(whole(), "/questions/1/file", json!("questions.csv"));
    let beside = ["id", "text", "category", "language", "expect", "variants"];
    let beside: BTreeSet<String> = beside.map(|name| format!("questions[1].{name}")).into();
    assert_eq!(schema_fields(&document), beside);
    assert_eq!(server_problems(&document)[0].field, "questions[1].file");
}
