//! What is asked for with a retry, read as a specification is: everything wrong is told at once.

use std::fmt;

use serde_json::Value;

use super::limit;
use super::read::{Fields, Findings, Problem, list, text};
use crate::id::{IdError, ModelId, QuestionId};
use crate::job::Selection;
use crate::region::Region;

/// A retry as its body has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetryAsked {
    /// Which pairs.
    pub selection: Selection,
    /// In the words of whom asks.
    pub reason: Option<String>,
}

/// A pair as the predecessor's clients name it beside its execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairAsked {
    /// Canonical or alias.
    pub region: String,
    /// Index into the job's question list.
    pub question_index: u64,
}

/// Reads the body of a retry of a job with these regions.
pub fn parse_retry(document: &Value, regions: &[Region]) -> Result<RetryAsked, Vec<Problem>> {
    let mut findings = Findings::default();
    let asked = read_retry(Fields::of_body(document)?, regions, &mut findings);
    if findings.problems.is_empty() { Ok(asked) } else { Err(findings.problems) }
}

fn read_retry(mut fields: Fields<'_>, job: &[Region], findings: &mut Findings) -> RetryAsked {
    let region = |text: &str| {
        let resolved = Region::resolve(text, job).ok();
        let there = resolved.filter(|region| job.contains(region));
        there.ok_or(NotNamed::RegionOfJob(job))
    };
    let model = |text: &str| ModelId::new(text).map_err(NotNamed::Id);
    let question = |text: &str| QuestionId::new(text).map_err(NotNamed::Id);
    let selection = Selection {
        regions: named(&mut fields, "regions", "region", region, findings),
        models: named(&mut fields, "models", "model", model, findings),
        questions: named(&mut fields, "questions", "question id", question, findings),
        execution: None,
    };
    let reason = fields.text("reason", limit::REASON_BYTES, findings);
    fields.finish(findings);
    let bytes = bytes(&selection);
    if bytes > limit::SELECTED_BYTES {
        let most = limit::SELECTED_BYTES;
        let problem = format!("has {bytes} bytes of names; at most {most} are kept with a run");
        findings.problem("body", problem);
    }
    RetryAsked { selection, reason }
}

/// Why an entry of a list names nothing.
enum NotNamed<'a> {
    /// The job has only these.
    RegionOfJob(&'a [Region]),
    /// It is none of its kind.
    Id(IdError),
}

impl fmt::Display for NotNamed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegionOfJob(regions) => {
                write!(f, "is no region of the job; it has {}", names(regions))
            }
            Self::Id(IdError { kind, allowed, .. }) => write!(f, "is no {kind}: {allowed}"),
        }
    }
}

/// The entries of a list in their order, each once; none where the field is absent.
fn named<'a, T: Ord>(
    fields: &mut Fields<'_>,
    name: &'static str,
    of: &str,
    read: impl Fn(&str) -> Result<T, NotNamed<'a>>,
    findings: &mut Findings,
) -> Vec<T> {
    let path = fields.path(name);
    let Some(value) = fields.take(name) else { return Vec::new() };
    let entries = list(Some(value), &path, of, findings);
    if entries.len() > limit::SELECTED {
        let (count, most) = (entries.len(), limit::SELECTED);
        findings.problem(path, format!("has {count} entries; at most {most} are allowed"));
        return Vec::new();
    }
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(text) = text(entry, &path, limit::LABEL_BYTES, findings) else { continue };
        match read(&text) {
            Ok(one) => all.push(one),
            Err(problem) => findings.problem(path, format!("`{}` {problem}", super::cut(&text))),
        }
    }
    all.sort();
    all.dedup();
    all
}

fn bytes(selection: &Selection) -> usize {
    let Selection { regions, models, questions, execution: _ } = selection;
    let regions = regions.iter().map(|region| region.as_str().len());
    let models = models.iter().map(|model| model.as_str().len());
    let questions = questions.iter().map(|question| question.as_str().len());
    regions.chain(models).chain(questions).sum()
}

fn names(regions: &[Region]) -> String {
    regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
}

/// Reads the body of a retry of one pair. Other fields are the client's own affair.
pub fn parse_pair(document: &Value) -> Result<PairAsked, Vec<Problem>> {
    let mut findings = Findings::default();
    let asked = read_pair(&mut Fields::of_body(document)?, &mut findings);
    asked.filter(|_| findings.problems.is_empty()).ok_or(findings.problems)
}

fn read_pair(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<PairAsked> {
    for name in ["region", "question_index"] {
        if fields.take(name).is_none() {
            findings.problem(name, "is missing");
        }
    }
    let region = fields.text("region", limit::LABEL_BYTES, findings);
    let question_index = fields.whole("question_index", 0..=u64::from(u32::MAX), findings);
    Some(PairAsked { region: region?, question_index: question_index? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn job() -> Vec<Region> {
        ["us-east", "lab-1"].map(|name| Region::new(name).unwrap()).to_vec()
    }

    fn fields(document: &Value) -> Vec<String> {
        let problems = parse_retry(document, &job()).unwrap_err();
        problems.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn names_are_resolved_and_each_is_there_once() {
        let document = json!({
            "regions": ["US", " LAB-1 ", "us-east"], "models": ["b", "a"], "questions": ["q"],
            "reason": "the region is back",
        });
        let asked = parse_retry(&document, &job()).unwrap();
        let expected = Selection {
            regions: ["lab-1", "us-east"].map(|name| Region::new(name).unwrap()).to_vec(),
            models: ["a", "b"].map(|name| ModelId::new(name).unwrap()).to_vec(),
            questions: vec![QuestionId::new("q").unwrap()],
            execution: None,
        };
        assert_eq!(
            (asked.selection, asked.reason.as_deref()),
            (expected, Some("the region is back"))
        );
        assert_eq!(parse_retry(&json!({}), &job()), Ok(RetryAsked::default()));
    }

    #[test]
    fn everything_wrong_is_told_with_its_field() {
        let all = json!({
            "regions": ["EU", "mars"], "models": [], "questions": ["a b", 3],
            "reason": "x".repeat(201), "run": 2,
        });
        let expected =
            ["regions[0]", "regions[1]", "models", "questions[0]", "questions[1]", "reason", "run"];
        assert_eq!(fields(&all), expected);
        assert_eq!(fields(&json!([])), ["body"]);
        assert_eq!(fields(&json!({"questions": vec!["q"; 201]})), ["questions"]);
        let long: Vec<String> = (100..200).map(|n| format!("{}{n}", "q".repeat(125))).collect();
        assert_eq!(fields(&json!({"questions": long})), ["body"]);
    }

    #[test]
    fn a_pair_needs_its_region_and_its_question() {
        let fields = |document: &Value| {
            let problems = parse_pair(document).unwrap_err();
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&json!({})), ["region", "question_index"]);
        assert_eq!(
            fields(&json!({"region": 1, "question_index": -1})),
            ["region", "question_index"]
        );
        let asked = parse_pair(&json!({"region": "EU", "question_index": 0, "model": "m"}));
        assert_eq!(asked, Ok(PairAsked { region: "EU".to_owned(), question_index: 0 }));
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_a_problem(text in "\\PC{0,300}") {
            let document = json!({"regions": [text], "models": [text], "questions": [text]});
            let _read = parse_retry(&document, &job());
        }
    }
}
