//! A person's verdict as a request's body has it; everything wrong is told at once.

use serde_json::Value;

use super::read::{Fields, Findings, Problem, shown};
use crate::verdict::{MAX_NOTE_BYTES, Verdict};

/// What a person says of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelAsked {
    /// This, and why.
    Given {
        /// What the text says.
        verdict: Verdict,
        /// In the person's words.
        note: Option<String>,
    },
    /// What was said before is taken back.
    Withdrawn,
}

/// Reads the body of a label.
///
/// # Errors
/// Every field that is wrong.
pub fn parse_label(document: &Value) -> Result<LabelAsked, Vec<Problem>> {
    let (mut fields, mut findings) = (Fields::of_body(document)?, Findings::default());
    let given = fields.take("verdict");
    let verdict = given.and_then(|value| serde_json::from_value(value.clone()).ok());
    let note = fields.text("note", MAX_NOTE_BYTES, &mut findings);
    match given {
        Some(wrong) if verdict.is_none() => {
            findings.problem("verdict", format!("is {}; {}", shown(wrong), allowed()));
        }
        Some(_) => {}
        None if document.get("verdict").is_none() => {
            findings.problem("verdict", format!("is missing; {}", allowed()));
        }
        None if note.is_some() => {
            findings.problem("note", "stands beside no verdict; leave it out");
        }
        None => {}
    }
    fields.finish(&mut findings);
    if findings.problems.is_empty() {
        Ok(verdict.map_or(LabelAsked::Withdrawn, |verdict| LabelAsked::Given { verdict, note }))
    } else {
        Err(findings.problems)
    }
}

/// What `verdict` may be.
fn allowed() -> String {
    format!("must be {}, or null to take back what was said before", Verdict::names())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_label_is_a_verdict_or_takes_one_back() {
        let given = |verdict, note: Option<&str>| {
            Ok(LabelAsked::Given { verdict, note: note.map(str::to_owned) })
        };
        assert_eq!(parse_label(&json!({"verdict": "refused"})), given(Verdict::Refused, None));
        let noted = json!({"verdict": "evasive", "note": "names no fact"});
        assert_eq!(parse_label(&noted), given(Verdict::Evasive, Some("names no fact")));
        let longest = "x".repeat(MAX_NOTE_BYTES);
        let noted = json!({"verdict": "partly_refused", "note": longest});
        assert_eq!(parse_label(&noted), given(Verdict::PartlyRefused, Some(&longest)));
        assert_eq!(parse_label(&json!({"verdict": null})), Ok(LabelAsked::Withdrawn));
        assert_eq!(parse_label(&json!({"verdict": null, "note": null})), Ok(LabelAsked::Withdrawn));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        let fields = |document: &Value| {
            let problems = parse_label(document).unwrap_err();
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        for none in [json!([]), json!("refused"), Value::Null, json!(7)] {
            assert_eq!(fields(&none), ["body"]);
        }
        assert_eq!(fields(&json!({})), ["verdict"]);
        assert_eq!(fields(&json!({"note": "why"})), ["verdict"]);
        assert_eq!(fields(&json!({"verdict": null, "note": "why"})), ["note"]);
        for wrong in [json!("Refused"), json!(""), json!(true), json!({"refused": 1}), json!([1])] {
            assert_eq!(fields(&json!({ "verdict": wrong })), ["verdict"]);
        }
        let long = json!({"verdict": "nope", "note": "x".repeat(MAX_NOTE_BYTES + 1), "by": "me"});
        assert_eq!(fields(&long), ["note", "verdict", "by"]);
        assert_eq!(fields(&json!({"verdict": "refused", "note": " "})), ["note"]);
        assert_eq!(fields(&json!({"verdict": "refused", "note": "a\u{0}"})), ["note"]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_label_or_a_problem(verdict in "\\PC{0,40}", note in any::<String>()) {
            let _read = parse_label(&json!({"verdict": verdict, "note": note}));
            let _read = parse_label(&json!({"verdict": "refused", "note": note}));
        }
    }
}
