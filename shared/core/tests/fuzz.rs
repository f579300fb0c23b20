//! Specifications that were damaged at random: whatever is sent, the answer is a job within the
//! limits or a list of what is wrong.
//!
//! A failure prints its smallest input and writes its seed to `tests/fuzz.regressions`, which is
//! run first from then on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz {
    pub(crate) mod mutation;
}

use beacon_core::Region;
use beacon_core::json::{JsonError, read_json};
use beacon_core::money::Dollars;
use beacon_core::spec::{
    Problem, Question, Spec, Submission, limit, parse, parse_cross_region, parse_jobspec,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use serde_json::{Value, json};

use crate::fuzz::mutation::{any_json, mutated};

/// A problem's or warning's bytes at most.
const MESSAGE_BYTES: usize = 2048;

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct("tests/fuzz.regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(file)),
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn a_damaged_specification_is_a_job_or_refused(document in mutated(&specifications())) {
        let read = parse(&document, &declared());
        prop_assert_eq!(&read, &parse(&document, &declared()));
        check(read)?;
    }

    #[test]
    fn a_damaged_jobspec_is_a_job_or_refused(document in mutated(&jobspecs())) {
        let read = parse_jobspec(&document, &declared());
        prop_assert_eq!(&read, &parse_jobspec(&document, &declared()));
        check(read)?;
    }

    #[test]
    fn a_damaged_wrapper_is_a_job_or_refused(document in mutated(&wrappers())) {
        let read = parse_cross_region(&document, &declared());
        prop_assert_eq!(&read, &parse_cross_region(&document, &declared()));
        if let Ok(read) = &read {
            prop_assert_eq!(read.min_regions, read.submission.spec.min_regions);
            prop_assert_eq!(Some(read.jobspec), document.get("jobspec"));
        }
        check(read.map(|read| read.submission))?;
    }

    #[test]
    fn any_number_is_stored_as_it_was_sent(
        temperature in 0.001_f64..2.0, top_p in 0.001_f64..1.0, rate in 0.001_f64..1.0,
    ) {
        let [mut document, ..] = specifications();
        document["temperature"] = json!(temperature);
        document["top_p"] = json!(top_p);
        document["min_success_rate"] = json!(rate);
        let sent = read_json(document.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&sent, &document);
        check(Ok(parse(&sent, &declared()).unwrap()))?;
    }

    #[test]
    fn any_json_at_all_is_refused_by_every_reader(document in any_json()) {
        check(parse(&document, &declared()))?;
        check(parse_jobspec(&document, &declared()))?;
        check(parse_cross_region(&document, &declared()).map(|read| read.submission))?;
    }

    #[test]
    fn damaged_text_is_read_as_serde_reads_it_or_refused(
        seed in select(every_seed()),
        cuts in prop::collection::vec((any::<Index>(), any::<Index>(), piece()), 0..4),
    ) {
        let mut bytes = serde_json::to_vec_pretty(&seed).unwrap();
        for (from, to, piece) in cuts {
            let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
            // Mostly a small cut, so that most of the document stays.
            let to = if to > from { (from + (to - from) % 16).min(bytes.len()) } else { from };
            bytes.splice(from..to, piece);
        }
        check_bytes(&bytes)?;
    }

    #[test]
    fn any_bytes_are_read_as_serde_reads_them_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        check_bytes(&bytes)?;
    }
}

#[test]
fn every_seed_is_a_job() {
    for document in specifications() {
        check(Ok(parse(&document, &declared()).unwrap())).unwrap();
    }
    for document in jobspecs() {
        check(Ok(parse_jobspec(&document, &declared()).unwrap())).unwrap();
    }
    for document in wrappers() {
        let read = parse_cross_region(&document, &declared()).unwrap();
        check(Ok(read.submission)).unwrap();
    }
}

/// Damage that is refused every time would test nothing of what is accepted.
#[test]
fn damage_leaves_some_jobs_whole() {
    let mut runner = TestRunner::deterministic();
    let mut accepted = 0;
    for _ in 0..400 {
        let tree = mutated(&jobspecs()).new_tree(&mut runner).unwrap();
        let document = proptest::strategy::ValueTree::current(&tree);
        accepted += u32::from(parse_jobspec(&document, &declared()).is_ok());
    }
    assert!((40..360).contains(&accepted), "{accepted} of 400 were accepted");
}

fn declared() -> Vec<Region> {
    vec![Region::new("lab-1").unwrap()]
}

fn check(read: Result<Submission, Vec<Problem>>) -> Result<(), TestCaseError> {
    match read {
        Ok(Submission { spec, warnings, .. }) => {
            prop_assert!(warnings.len() <= 100);
            for warning in &warnings {
                prop_assert!((1..=MESSAGE_BYTES).contains(&warning.len()), "{}", warning);
            }
            check_limits(&spec)?;
            check_parts(&spec)?;
            let stored = serde_json::to_vec(&spec).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Spec>(&stored).unwrap(), spec);
        }
        Err(problems) => {
            prop_assert!((1..=100).contains(&problems.len()));
            for Problem { field, message } in &problems {
                prop_assert!((1..=MESSAGE_BYTES).contains(&field.len()), "{}", field);
                prop_assert!((1..=MESSAGE_BYTES).contains(&message.len()), "{}", message);
            }
        }
    }
    Ok(())
}

fn check_limits(spec: &Spec) -> Result<(), TestCaseError> {
    let (questions, models, regions) =
        (spec.questions.len(), spec.models.len(), spec.regions.len());
    prop_assert!((1..=limit::QUESTIONS).contains(&questions));
    prop_assert!((1..=limit::MODELS).contains(&models));
    prop_assert!((1..=limit::REGIONS).contains(&regions));
    prop_assert!((1..=limit::LANES).contains(&spec.lanes().count()));
    prop_assert!(usize::from(spec.lanes_per_region) <= questions);
    prop_assert!((1..=limit::SAMPLES).contains(&spec.samples));
    prop_assert!(spec.pairs_of_question() <= limit::PAIRS_OF_QUESTION);
    prop_assert!((1..=limit::EXECUTIONS).contains(&spec.expected()));
    prop_assert!((1..=regions).contains(&usize::from(spec.min_regions)));
    prop_assert!(storable(spec.min_success_rate) && spec.min_success_rate <= 1.0);
    prop_assert!(storable(spec.sampling.temperature) && spec.sampling.temperature <= 2.0);
    prop_assert!(spec.sampling.top_p.is_none_or(|top_p| storable(top_p) && top_p <= 1.0));
    prop_assert!(spec.sampling.max_tokens >= 1 && spec.stop_after >= 1);
    let seconds = 1..=limit::TIMEOUT_SECONDS;
    prop_assert!(spec.timeout_seconds.is_none_or(|timeout| seconds.contains(&timeout)));
    prop_assert!(spec.max_cost.is_none_or(|most| most > Dollars::ZERO));
    prop_assert!(is_text(&spec.name, limit::LABEL_BYTES));
    let texts = |question: &Question| question.expect.iter().map(String::len).sum::<usize>();
    let bytes: usize = spec.questions.iter().map(|asked| asked.text.len() + texts(asked)).sum();
    prop_assert!(bytes <= limit::TEXT_BYTES);
    Ok(())
}

fn check_parts(spec: &Spec) -> Result<(), TestCaseError> {
    for prompts in &spec.regions {
        let canonical = Region::resolve(prompts.region.as_str(), &declared());
        prop_assert_eq!(canonical.as_ref(), Ok(&prompts.region));
        prop_assert_eq!(Region::resolve(&prompts.asked, &declared()), canonical);
        prop_assert!((1..=limit::PROMPTS).contains(&prompts.system.len()));
        for system in prompts.system.iter().flatten() {
            let composed = !system.contains("{place}");
            prop_assert!(composed && is_text(system, limit::PROMPT_BYTES));
        }
        for question in &spec.questions {
            prop_assert!(spec.prompt(question, &prompts.region).is_some());
        }
    }
    for question in &spec.questions {
        prop_assert!(is_text(&question.text, limit::QUESTION_BYTES));
        for label in [&question.category, &question.language].into_iter().flatten() {
            prop_assert!(is_text(label, limit::LABEL_BYTES));
        }
        prop_assert!(question.expect.len() <= limit::EXPECTED);
        for expected in &question.expect {
            let trimmed = expected.trim() == expected;
            prop_assert!(trimmed && is_text(expected, limit::EXPECTED_BYTES));
        }
    }
    Ok(())
}

fn storable(number: f64) -> bool {
    number == 0.0 || number >= 1e-6
}

fn is_text(text: &str, most: usize) -> bool {
    let refused = |c: char| {
        matches!(c, '\u{FFFE}' | '\u{FFFF}') || (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    };
    !text.trim().is_empty() && text.len() <= most && !text.contains(refused)
}

fn check_bytes(bytes: &[u8]) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_slice::<Value>(bytes);
    let ours = read_json(bytes);
    if let Err(error) = &ours {
        prop_assert!(error.to_string().len() <= MESSAGE_BYTES);
    }
    match ours {
        Ok(value) => prop_assert_eq!(value, theirs.unwrap()),
        Err(JsonError::DuplicateKey { key, line, .. }) => {
            prop_assert!(key.chars().count() <= 80);
            prop_assert!(line <= bytes.split(|byte| *byte == b'\n').count());
        }
        Err(JsonError::Malformed { line, column } | JsonError::TooDeep { line, column }) => {
            let theirs = theirs.unwrap_err();
            prop_assert_eq!((line, column), (theirs.line(), theirs.column()));
        }
    }
    Ok(())
}

/// What is put into the text of a document.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let token = select(vec![
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"name\": 1,",
        "\"\\u0000\"",
        "\\ud800",
        "1e400",
        "-",
        "0x1",
        "null",
        "NaN",
        "//",
        "\u{FEFF}",
        "\u{202E}",
        "99999999999999999999",
    ]);
    prop_oneof![
        4 => token.prop_map(|token| token.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (1_usize..300).prop_map(|levels| b"[".repeat(levels)),
    ]
}

fn specifications() -> [Value; 3] {
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap();
    let full = json!({
        "id": "job-1", "name": "All fields",
        "questions": [
            "math_basic",
            {
                "id": "q", "text": "Q?", "category": "c", "language": "en", "expect": [4, "four"],
                "variants": {"formal": "Pray, Q?"},
            },
        ],
        "models": ["m:1b", "org/n"], "regions": ["US", "lab-1"], "samples": 2,
        "system_prompt": {"bare": "none", "own": "Be brief."},
        "temperature": 0.25, "max_tokens": 100, "seed": 7, "top_p": 0.9, "questions_in_flight": 2,
        "min_success_rate": 0.5, "min_regions": 2, "stop": "never", "stop_after": 4,
        "timeout": "15m", "max_cost": 2.5,
    });
    [
        read(include_str!("../../../examples/bias-detection.yaml")),
        read(include_str!("../../../examples/one-region.yaml")),
        full,
    ]
}

fn jobspecs() -> [Value; 3] {
    let signed: Value = serde_json::from_str(include_str!("portal.json")).unwrap();
    let mut listed = signed.clone();
    listed["id"] = json!("bias-detection-1758027324164");
    listed["version"] = json!("v1");
    listed["metadata"]["models"] = json!(["llama3.2-1b", {"id": "mistral-7b", "name": "Mistral"}]);
    listed["constraints"]["timeout"] = json!(600_000_000_000_u64);
    listed["constraints"]["provider_timeout"] = json!(600_000_000_000_u64);
    let single = json!({
        "jobspec_id": "job-1", "version": "1.0",
        "benchmark": {
            "name": "Test", "description": "d",
            "container": {"image": "alpine:latest", "tag": "", "resources": {"cpu": ""}},
            "input": {"type": "prompt", "data": {"prompt": "Who rules?"}, "hash": "abc123"},
            "scoring": {"method": "", "parameters": null}, "metadata": null,
        },
        "constraints": {
            "regions": ["us-west"], "min_success_rate": 0.5, "max_cost": 1.5,
            "providers": [{"region": "US"}],
        },
        "models": [{"id": "m", "provider": "hybrid", "regions": ["us-west"]}],
    });
    [signed, listed, single]
}

fn wrappers() -> [Value; 3] {
    let mut wrappers = jobspecs().map(|jobspec| {
        json!({
            "jobspec": jobspec, "target_regions": ["us-west", "EU"], "min_regions": 1,
            "min_success_rate": 0.67, "enable_analysis": true,
        })
    });
    // Its one model has regions of its own.
    wrappers[2]["target_regions"] = json!(["us-west"]);
    wrappers
}

fn every_seed() -> Vec<Value> {
    [specifications(), jobspecs(), wrappers()].concat()
}
