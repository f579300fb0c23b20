//! The predecessor's payloads, and what it says of those that are wrong.

use serde_json::json;

use super::*;
use crate::ModelId;
use crate::money::Dollars;
use crate::spec::{Spec, Stop, parse};

const EIGHT: [&str; 8] = [
    "tiananmen_neutral",
    "taiwan_status",
    "hongkong_2019",
    "math_basic",
    "geography_basic",
    "identity_basic",
    "greatest_invention",
    "greatest_leader",
];
pub(super) const THREE: [&str; 3] = ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"];

#[test]
fn the_signed_payload_of_the_portal_is_a_job() {
    let Submission { id, spec, warnings } = parse_jobspec(&portal(), &[]).unwrap();
    assert_eq!(id, None);
    assert_eq!((spec.name.as_str(), spec.expected()), ("bias-detection", 24));
    assert_eq!(models(&spec), ["llama3.2-1b"]);
    assert_eq!(question_ids(&spec), EIGHT);
    assert_eq!((spec.min_regions, spec.min_success_rate, spec.samples), (1, 0.67, 1));
    assert_eq!((spec.stop, spec.stop_after, spec.timeout_seconds), (Stop::RegionFailure, 3, None));
    assert_eq!((spec.sampling.temperature, spec.sampling.max_tokens), (0.1, 500));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`llama3.2-1b` is asked, which the benchmark's name stands for"));
}

#[test]
fn with_three_models_it_is_the_main_job() {
    let mut document = portal();
    document["metadata"]["models"] = json!(THREE);
    let spec = parse_jobspec(&document, &[]).unwrap().spec;
    let native = json!({
        "name": "bias-detection", "questions": EIGHT, "models": THREE,
        "regions": ["US", "EU", "ASIA"],
    });
    assert_eq!(spec, parse(&native, &[]).unwrap().spec);
    assert_eq!(spec.expected(), 72);
}

#[test]
fn the_wrapper_says_where_and_how_much() {
    let jobspec = portal();
    let wrapper = json!({
        "jobspec": jobspec, "target_regions": ["US", "APAC"], "min_regions": 2,
        "min_success_rate": 0.5, "enable_analysis": true,
    });
    let read = parse_cross_region(&wrapper, &[]).unwrap();
    let spec = &read.submission.spec;
    let regions: Vec<_> = spec.regions.iter().map(|prompts| prompts.region.as_str()).collect();
    assert_eq!(regions, ["us-east", "asia-pacific"]);
    assert_eq!((read.min_regions, spec.min_regions, spec.min_success_rate), (2, 2, 0.5));
    assert_eq!(*read.jobspec, jobspec);
}

#[test]
fn without_the_values_the_wrapper_has_defaults_of_its_own() {
    let four = ["US", "EU", "ASIA", "us-west"];
    for (regions, least) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        let mut wrapper = json!({ "jobspec": portal(), "target_regions": four[..regions] });
        let constraints = json!({"regions": ["mars"], "min_regions": 9, "min_success_rate": 0.1});
        wrapper["jobspec"]["constraints"] = constraints;
        let read = parse_cross_region(&wrapper, &[]).unwrap();
        assert_eq!((read.min_regions, read.submission.spec.min_success_rate), (least, 0.67));
    }
}

#[test]
fn problems_in_the_wrapper_are_told_from_problems_in_the_jobspec() {
    let wrapper = json!({
        "jobspec": {
            "id": "no spaces",
            "benchmark": {"name": "bias", "version": "v1", "container": {}, "input": 3},
            "models": [{"id": "m", "regions": ["EU"]}],
            "runs": 101,
        },
        "target_regions": ["US"], "min_regions": 2, "enable_analysis": "yes",
    });
    assert_eq!(
        fields(parse_cross_region(&wrapper, &[])),
        [
            "enable_analysis",
            "jobspec.id",
            "jobspec.benchmark.container.image",
            "jobspec.benchmark.input",
            "jobspec.benchmark.input.hash",
            "jobspec.models[0].regions",
            "jobspec.runs",
            "jobspec.questions",
            "min_regions",
        ]
    );
    assert_eq!(fields(parse_cross_region(&json!({}), &[])), ["target_regions", "jobspec"]);
    assert_eq!(fields(parse_cross_region(&json!([]), &[])), ["specification"]);
}

#[test]
fn the_predecessors_messages_are_said_word_for_word_and_all_at_once() {
    let document = json!({ "constraints": {"regions": []}, "questions": ["math_basic"] });
    let problems = parse_jobspec(&document, &[]).unwrap_err();
    let expected = [
        ("constraints.regions", "at least one region constraint is required"),
        ("benchmark.name", "benchmark name is required"),
        ("benchmark.container.image", "container image is required"),
        ("benchmark.input.hash", "input hash is required for integrity verification"),
    ];
    let said: Vec<_> = problems.iter().map(|p| (p.field.as_str(), p.message.as_str())).collect();
    assert_eq!(said, expected);
    let blank = json!({
        "benchmark": {"name": "", "container": {"image": " "}, "input": {"hash": ""}},
        "questions": ["math_basic"],
    });
    assert_eq!(parse_jobspec(&blank, &[]).unwrap_err(), problems);
}

#[test]
fn a_bias_detection_v1_needs_questions() {
    let required = "questions are required for bias-detection v1 jobspec";
    let non_empty = "questions must be a non-empty array for bias-detection v1 jobspec";
    for (version, benchmark_version, questions, message) in [
        (json!(null), "v1", json!(null), Some(required)),
        (json!("1.0"), "v1", json!(null), Some(required)),
        (json!("v1"), "", json!(null), Some(required)),
        (json!("v1"), "v2", json!(null), Some(required)),
        (json!("v1"), "v1", json!([]), Some(non_empty)),
        (json!("v1"), "v1", json!("math_basic"), Some(non_empty)),
        (json!("2.0"), "v1", json!(null), None),
        (json!("1.0"), "v2", json!([]), None),
        (json!(null), "", json!(null), None),
    ] {
        let mut document = portal();
        document["version"] = version.clone();
        document["benchmark"]["version"] = json!(benchmark_version);
        document["benchmark"]["input"]["data"] = json!({"prompt": "Who are you?"});
        document["questions"] = questions.clone();
        let said = parse_jobspec(&document, &[]).err().map(|mut problems| problems.remove(0));
        let expected = message
            .map(|message| Problem { field: "questions".to_owned(), message: message.to_owned() });
        assert_eq!(said, expected, "{version} {benchmark_version} {questions}");
    }
}

#[test]
fn without_questions_the_prompt_of_the_input_is_asked() {
    let mut document = portal();
    document["questions"] = json!(null);
    document["benchmark"]["name"] = json!("other");
    assert_eq!(fields(parse_jobspec(&document, &[])), ["questions"]);
    document["benchmark"]["input"]["data"] = json!({"prompt": "Who rules?"});
    let spec = parse_jobspec(&document, &[]).unwrap().spec;
    assert_eq!(question_ids(&spec), ["prompt"]);
    assert_eq!(spec.questions[0].text, "Who rules?");
    document["benchmark"]["input"]["data"]["prompt"] = json!(7);
    assert_eq!(fields(parse_jobspec(&document, &[])), ["benchmark.input.data.prompt"]);
}

#[test]
fn an_unknown_question_is_not_sent_as_its_own_text() {
    let mut document = portal();
    document["questions"] = json!(["math_basic", "who_knows"]);
    let problems = parse_jobspec(&document, &[]).unwrap_err();
    assert_eq!(problems[0].field, "questions[1]");
    assert!(problems[0].message.contains("`who_knows` is not a built-in question"));
}

#[test]
fn what_is_not_applied_here_is_said() {
    let mut document = portal();
    document["models"] = json!([{"id": "m", "provider": "golem"}]);
    document["constraints"]["provider_timeout"] = json!(600_000_000_000_u64);
    document["constraints"]["providers"] = json!([{"region": "US"}]);
    let warnings = parse_jobspec(&document, &[]).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "models[0].provider is not applied here",
            "constraints.provider_timeout is not applied here",
            "constraints.providers is not applied here",
        ]
    );
}

#[test]
fn the_most_that_a_job_may_cost_is_dollars_and_nought_is_no_limit() {
    for (given, dollars) in [(json!(null), None), (json!(0), None), (json!(0.5), Some(0.5))] {
        let mut document = portal();
        document["constraints"]["max_cost"] = given;
        let max_cost = parse_jobspec(&document, &[]).unwrap().spec.max_cost;
        assert_eq!(max_cost.map(Dollars::as_f64), dollars);
    }
    for given in [json!(-1), json!("1"), json!(1e-9)] {
        let mut document = portal();
        document["constraints"]["max_cost"] = given;
        let problems = parse_jobspec(&document, &[]).unwrap_err();
        assert_eq!(problems[0].field, "constraints.max_cost");
    }
}

#[test]
fn timeouts_are_nanoseconds_rounded_up_to_seconds() {
    for (given, seconds) in [
        (json!(null), None),
        (json!(0), None),
        (json!(1), Some(1)),
        (json!(600_000_000_000_u64), Some(600)),
        (json!(600_000_000_001_u64), Some(601)),
        (json!(86_400_000_000_000_u64), Some(86_400)),
    ] {
        let mut document = portal();
        document["constraints"]["timeout"] = given.clone();
        let spec = parse_jobspec(&document, &[]).unwrap().spec;
        assert_eq!(spec.timeout_seconds, seconds, "{given}");
    }
    for wrong in [json!(86_400_000_000_001_u64), json!(1.5), json!(-1), json!("10m"), json!(6e30)] {
        let mut document = portal();
        document["constraints"]["timeout"] = wrong.clone();
        assert_eq!(fields(parse_jobspec(&document, &[])), ["constraints.timeout"], "{wrong}");
    }
}

#[test]
fn a_spec_as_the_predecessor_prints_it_is_accepted_with_its_zeros() {
    let document = json!({
        "id": "job-g200", "version": "1.0",
        "benchmark": {
            "name": "Test", "description": "",
            "container": {"image": "alpine:latest", "tag": "", "resources": {"cpu": "", "memory": ""}},
            "input": {"type": "", "data": {"prompt": "Q?"}, "hash": "abc123"},
            "scoring": {"method": "", "parameters": null}, "metadata": null,
        },
        "constraints": {
            "regions": ["US"], "min_regions": 0, "min_success_rate": 0, "timeout": 0,
            "provider_timeout": 0,
        },
        "metadata": null, "created_at": "2024-01-01T00:00:00Z", "runs": 0,
        "something": {"new": [1]},
    });
    let Submission { id, spec, warnings } = parse_jobspec(&document, &[]).unwrap();
    assert_eq!(id.unwrap().as_str(), "job-g200");
    assert_eq!((spec.min_regions, spec.min_success_rate, spec.samples), (1, 0.67, 1));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn runs_are_samples() {
    for (runs, samples) in [(json!(5), 5), (json!(0), 1), (json!(null), 1)] {
        let mut document = portal();
        document["runs"] = runs.clone();
        assert_eq!(parse_jobspec(&document, &[]).unwrap().spec.samples, samples, "{runs}");
    }
}

#[test]
fn the_id_has_two_names() {
    let id = |id: Value, legacy: Value| {
        let mut document = portal();
        document["id"] = id;
        document["jobspec_id"] = legacy;
        parse_jobspec(&document, &[]).map(|read| read.id.map(|id| id.to_string()))
    };
    assert_eq!(id(json!("a"), json!(null)), Ok(Some("a".to_owned())));
    assert_eq!(id(json!(""), json!("b")), Ok(Some("b".to_owned())));
    assert_eq!(id(json!("a"), json!("a")), Ok(Some("a".to_owned())));
    assert_eq!(fields(id(json!("a"), json!("b"))), ["jobspec_id"]);
    assert_eq!(fields(id(json!(null), json!("b c"))), ["jobspec_id"]);
    assert_eq!(fields(id(json!(7), json!(null))), ["id"]);
}

#[test]
fn every_name_of_a_region_in_use_is_known() {
    for (given, canonical) in [
        ("us-east", "us-east"),
        ("us", "us-east"),
        ("eu-west", "eu-west"),
        ("europe", "eu-west"),
        ("asia-pacific", "asia-pacific"),
        ("apac", "asia-pacific"),
        ("US", "us-east"),
        ("EU", "eu-west"),
        ("ASIA", "asia-pacific"),
        ("APAC", "asia-pacific"),
        ("  eu-west  ", "eu-west"),
    ] {
        let mut document = portal();
        document["constraints"]["regions"] = json!([given]);
        let spec = parse_jobspec(&document, &[]).unwrap().spec;
        assert_eq!(spec.regions[0].region.as_str(), canonical, "{given}");
        assert_eq!(spec.regions[0].asked, given);
    }
    // Never a default region for a name that is not known.
    for unknown in ["UNKNOWN", "canada", "CA", ""] {
        let mut document = portal();
        document["constraints"]["regions"] = json!(["US", unknown]);
        assert_eq!(fields(parse_jobspec(&document, &[])), ["constraints.regions[1]"], "{unknown}");
    }
}

#[test]
fn sizes_are_those_of_every_job_under_the_names_of_the_jobspec() {
    let many = |count: usize| (0..count).map(|n| format!("m{n}")).collect::<Vec<_>>();
    let questions: Vec<_> =
        (0..10_001).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    for (pointer, value, field) in [
        ("/questions", json!(questions), "questions"),
        ("/models", json!(many(51)), "models"),
        ("/runs", json!(101), "runs"),
        ("/constraints/min_regions", json!(4), "constraints.min_regions"),
        ("/constraints/min_success_rate", json!(1.5), "constraints.min_success_rate"),
        ("/constraints/regions", json!("US"), "constraints.regions"),
        ("/benchmark/name", json!("b".repeat(201)), "benchmark.name"),
    ] {
        let mut document = portal();
        for name in ["models", "runs"] {
            document[name] = json!(null);
        }
        document["constraints"]["min_success_rate"] = json!(0);
        *document.pointer_mut(pointer).unwrap() = value;
        assert_eq!(fields(parse_jobspec(&document, &[])), [field]);
    }
    let lab = Region::new("lab-1").unwrap();
    let mut document = portal();
    document["constraints"]["regions"] = json!(["lab-1"]);
    assert_eq!(fields(parse_jobspec(&document, &[lab])), ["constraints.regions"]);
}

#[test]
fn fields_of_a_wrong_type_are_refused_even_where_they_are_not_used() {
    for (pointer, value) in [
        ("/benchmark", json!("bias")),
        ("/benchmark/container", json!([])),
        ("/benchmark/container/tag", json!(1)),
        ("/benchmark/version", json!(1)),
        ("/benchmark/input", json!(true)),
        ("/constraints/min_regions", json!("1")),
        ("/metadata", json!([])),
        ("/created_at", json!(0)),
        ("/wallet_auth", json!("0x")),
        ("/signature", json!({})),
        ("/public_key", json!(0)),
        ("/runs", json!("1")),
    ] {
        let mut document = portal();
        *document.pointer_mut(pointer).unwrap() = value;
        let field = pointer.trim_start_matches('/').replace('/', ".");
        assert!(fields(parse_jobspec(&document, &[])).contains(&field), "{pointer}");
    }
}

#[test]
fn a_jobspec_is_told_from_our_own_form() {
    assert!(is_jobspec(&portal()));
    assert!(is_jobspec(&json!({"jobspec_id": "a"})));
    assert!(is_jobspec(&json!({"constraints": null})));
    assert!(!is_jobspec(&json!({"benchmark": {}, "regions": ["US"]})));
    assert!(!is_jobspec(&json!({"questions": [], "models": []})));
    assert!(!is_jobspec(&json!({"jobspec": portal(), "target_regions": ["US"]})));
    assert!(!is_jobspec(&json!(["benchmark"])));
}

pub(super) fn portal() -> Value {
    serde_json::from_str(include_str!("../../../tests/portal.json")).unwrap()
}

pub(super) fn models(spec: &Spec) -> Vec<String> {
    spec.models.iter().map(ModelId::to_string).collect()
}

fn question_ids(spec: &Spec) -> Vec<&str> {
    spec.questions.iter().map(|question| question.id.as_str()).collect()
}

pub(super) fn fields<T>(read: Result<T, Vec<Problem>>) -> Vec<String> {
    let problems = read.err().unwrap_or_default();
    problems.into_iter().map(|problem| problem.field).collect()
}
