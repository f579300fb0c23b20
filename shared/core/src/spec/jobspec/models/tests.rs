//! The places where the predecessor's clients name their models.

use serde_json::json;

use super::super::tests::{THREE, fields, models, portal};
use super::*;
use crate::spec::{Submission, parse_jobspec};

#[test]
fn models_as_texts_as_objects_and_at_the_top_are_the_same() {
    let objects: Vec<Value> = THREE.iter().map(|id| json!({"id": id, "name": "Some"})).collect();
    let spec = |field: &str, models: Value| {
        let mut document = portal();
        document[field] = models;
        let Submission { spec, warnings, .. } = parse_jobspec(&document, &[]).unwrap();
        assert_eq!(warnings, [""; 0]);
        spec
    };
    let expected = spec("metadata", json!({ "models": THREE }));
    assert_eq!(spec("metadata", json!({ "models": objects })), expected);
    assert_eq!(spec("models", json!(objects)), expected);
    let full: Vec<Value> = THREE
        .iter()
        .map(|id| {
            json!({
                "id": id, "name": "Some", "provider": "hybrid", "container_image": "image",
                "regions": ["asia-pacific", "us", "EU"],
            })
        })
        .collect();
    assert_eq!(spec("models", json!(full)), expected);
}

#[test]
fn the_one_model_of_a_job_is_found_where_its_clients_put_it() {
    let asked = |benchmark: &str, metadata: Value| {
        let mut document = portal();
        document["benchmark"]["name"] = json!(benchmark);
        document["metadata"] = metadata;
        let Submission { spec, warnings, .. } = parse_jobspec(&document, &[]).unwrap();
        (models(&spec), warnings.iter().any(|warning| warning.contains("no model is named")))
    };
    for (benchmark, metadata, model, warned) in [
        ("bias-detection-qwen", json!({"model": "m", "model_name": "?"}), "m", false),
        ("x", json!({"models": [], "model": "mistral-7b"}), "mistral-7b", false),
        ("x", json!({"model_name": "Llama 3.2-1B Instruct"}), "llama3.2-1b", false),
        ("x", json!({"model": "", "model_name": "Mistral 7B Instruct"}), "mistral-7b", false),
        ("x", json!({"model_name": "Qwen 2.5-1.5B Instruct"}), "qwen2.5-1.5b", false),
        ("bias-detection-mistral", json!(null), "mistral-7b", true),
        ("bias-detection-qwen", json!({}), "qwen2.5-1.5b", true),
        ("bias-detection-llama", json!({}), "llama3.2-1b", true),
        ("bias-detection", json!({}), "llama3.2-1b", true),
        ("x", json!({}), "llama3.2-1b", true),
    ] {
        let found = asked(benchmark, metadata.clone());
        assert_eq!(found, (vec![model.to_owned()], warned), "{benchmark} {metadata}");
    }
    let mut document = portal();
    document["metadata"] = json!({"model_name": "Somebody's 70B"});
    assert_eq!(fields(parse_jobspec(&document, &[])), ["metadata.model_name"]);
}

#[test]
fn a_model_that_is_to_be_asked_in_other_regions_is_refused() {
    let mut document = portal();
    document["models"] = json!([
        {"id": "same", "regions": ["ASIA", "eu-west", "US", "apac"]},
        {"id": "none", "regions": []},
        {"id": "less", "regions": ["US"]},
        {"id": "unknown", "regions": ["mars"]},
        {"name": "nameless"},
        4,
    ]);
    let problems = parse_jobspec(&document, &[]).unwrap_err();
    assert!(problems[0].message.contains("submit one job for each set of regions"));
    assert_eq!(
        fields::<()>(Err(problems)),
        ["models[2].regions", "models[3].regions[0]", "models[4].id", "models[5]"]
    );
}

#[test]
fn a_models_regions_are_not_compared_with_regions_that_are_wrong_themselves() {
    let mut document = portal();
    document["constraints"]["regions"] = json!(["US", "mars"]);
    document["models"] = json!([{"id": "m", "regions": ["US", "EU"]}]);
    assert_eq!(fields(parse_jobspec(&document, &[])), ["constraints.regions[1]"]);
}

#[test]
fn the_jobs_own_list_of_models_counts_before_the_metadatas() {
    let mut document = portal();
    document["models"] = json!([{"id": "own"}]);
    document["metadata"]["models"] = json!(["other"]);
    document["metadata"]["model"] = json!("third");
    assert_eq!(models(&parse_jobspec(&document, &[]).unwrap().spec), ["own"]);
    document["models"] = json!([]);
    assert_eq!(models(&parse_jobspec(&document, &[]).unwrap().spec), ["other"]);
}
