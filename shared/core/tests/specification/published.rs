//! The schema as a document of its own: valid, explained, and true of what else is published.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use beacon_core::spec::{parse, schema};
use serde_json::{Value, json};

use crate::agreement::{schema_fields, server_problems, whole, with};

#[test]
fn the_schema_is_a_schema() {
    let schema = schema();
    let errors: Vec<String> = jsonschema::draft202012::meta::validator()
        .iter_errors(&schema)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn every_field_is_explained_here_and_in_the_documentation() {
    let documentation = read(&root().join("docs/specification.md"));
    let schema = schema();
    for fields in ["/properties", "/$defs/question/properties"] {
        for (name, field) in schema.pointer(fields).unwrap().as_object().unwrap() {
            assert!(field["title"].is_string(), "{name} has no title");
            assert!(field["description"].is_string(), "{name} is not explained");
            let named = documentation.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(named.into_iter().any(|word| word == name), "{name} is not documented");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_server() {
    let mut bare = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    let submission = parse(&bare, &[]).unwrap();
    let mut given = BTreeSet::new();
    for (name, field) in schema()["properties"].as_object().unwrap() {
        if let Some(default) = field.get("default") {
            bare[name] = default.clone();
            given.insert(name.clone());
        }
    }
    assert_eq!(given.len(), 10, "{given:?}");
    assert_eq!(parse(&bare, &[]).unwrap(), submission);
}

#[test]
fn the_schemas_own_examples_are_good() {
    let schema = schema();
    let mut tried = 0;
    for (fields, at) in [
        ("/properties", ""),
        ("/$defs/question/properties", "/questions/1"),
        ("/$defs/question", "/questions/0"),
        ("/$defs/model", "/models/0"),
        ("/$defs/region", "/regions/0"),
        ("/$defs/prompt", "/system_prompt/bare"),
    ] {
        let found = schema.pointer(fields).unwrap();
        let examples: Vec<(String, &Value)> = match found.get("examples") {
            Some(examples) => vec![(at.to_owned(), examples)],
            None => found
                .as_object()
                .unwrap()
                .iter()
                .filter(|(name, _)| *name != "file")
                .filter_map(|(name, field)| Some((format!("{at}/{name}"), field.get("examples")?)))
                .collect(),
        };
        for (pointer, examples) in examples {
            for example in examples.as_array().unwrap() {
                let mut document = with(whole(), &pointer, example.clone());
                if fields == "/$defs/question" {
                    document["questions"].as_array_mut().unwrap().truncate(1);
                }
                // A region may be asked twice; then there is one fewer.
                document["min_regions"] = json!(1);
                assert_eq!(schema_fields(&document), BTreeSet::new(), "{pointer}: {example}");
                if example.get("file").is_none() {
                    assert_eq!(server_problems(&document), [], "{pointer}: {example}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "only {tried} examples were found");
}

#[test]
fn the_example_specifications_are_good_and_name_the_schema() {
    let mut found = 0;
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let (name, text) = (path.display(), read(&path));
        let document: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(schema_fields(&document), BTreeSet::new(), "{name}");
        assert_eq!(server_problems(&document), [], "{name}");
        let first = text.lines().next().unwrap();
        let named = first.strip_prefix("# yaml-language-server: $schema=").unwrap();
        assert!(path.parent().unwrap().join(named).is_file(), "{name} names {named}");
        found += 1;
    }
    assert!(found >= 2, "only {found} examples were found");
}

#[test]
fn the_specification_of_the_readme_is_good() {
    let readme = read(&root().join("README.md"));
    let text = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let document: Value = serde_saphyr::from_str(text).unwrap();
    assert_eq!(schema_fields(&document), BTreeSet::new());
    let document = with(document, "/questions/2", json!("taiwan_status"));
    assert_eq!(server_problems(&document), []);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
