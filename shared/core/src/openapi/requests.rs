//! What clients send: schemas, and examples that can be sent as they stand.

use serde_json::{Map, Value, json};

use crate::spec::{cross_region, jobspec, limit, schema};
use crate::verdict::{MAX_NOTE_BYTES, Verdict};

/// The id of the example's job; examples of addresses name it too.
pub const EXAMPLE_JOB: &str = "golden";

/// An execution of the example.
pub(super) const EXAMPLE_EXECUTION: &str = "golden.0.us-east.0.mistral-7b";

/// A specification that Beacon accepts wherever `mistral-7b` is served in `us-east`.
pub fn example() -> Value {
    json!({
        "id": EXAMPLE_JOB,
        "name": "Control questions",
        "questions": ["math_basic", { "id": "border", "text": "Where does the border run?" }],
        "models": ["mistral-7b"],
        "regions": ["US"],
    })
}

/// The body of a request.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// Whether it must be there.
    pub(super) required: bool,
    pub(super) schema: Value,
    /// By name.
    pub(super) examples: Value,
}

/// Either of the two forms that the first address takes.
pub(super) fn either() -> Body {
    Body {
        required: true,
        schema: json!({ "anyOf": [reference("JobSpecification"), reference("JobSpec")] }),
        examples: json!({
            "specification": { "value": example() },
            "jobspec": { "value": example_jobspec(&json!({ "regions": ["US", "EU"] })) },
        }),
    }
}

/// The predecessor's wrapper.
pub(super) fn wrapped() -> Body {
    let value = json!({
        "jobspec": example_jobspec(&json!({})),
        "target_regions": ["US", "EU", "ASIA"],
        "min_regions": 2,
    });
    Body {
        required: true,
        schema: reference("CrossRegionJob"),
        examples: json!({ "wrapped": { "value": value } }),
    }
}

/// Which pairs a retry is for.
pub(super) fn retry() -> Body {
    let value = json!({ "regions": ["US"], "reason": "the region is back" });
    Body {
        required: false,
        schema: reference("Retry"),
        examples: json!({ "region": { "value": value }, "everything": { "value": {} } }),
    }
}

/// A pair beside its id.
pub(super) fn pair() -> Body {
    let value = json!({ "region": "US", "question_index": 0 });
    Body {
        required: true,
        schema: reference("RetryQuestion"),
        examples: json!({ "pair": { "value": value } }),
    }
}

/// A person's verdict.
pub(super) fn label() -> Body {
    let given = json!({ "verdict": "refused", "note": "declines in its last sentence" });
    Body {
        required: true,
        schema: reference("LabelRequest"),
        examples: json!({
            "given": { "value": given }, "withdrawn": { "value": { "verdict": null } },
        }),
    }
}

fn label_schema() -> Value {
    let verdicts = Verdict::ALL.map(|verdict| Value::from(verdict.to_string()));
    let verdicts: Vec<Value> = verdicts.into_iter().chain([Value::Null]).collect();
    json!({
        "description": "What a person says of an answer; the classifier's verdict stays beside it.",
        "type": "object",
        "required": ["verdict"],
        "properties": {
            "verdict": {
                "description": "What the text says; null takes back what was said before.",
                "enum": verdicts,
            },
            "note": {
                "description": "Why; kept with the label. Not beside null.",
                "type": ["string", "null"], "pattern": r"\S", "maxLength": MAX_NOTE_BYTES,
            },
        },
        "additionalProperties": false,
    })
}

fn retry_schema() -> Value {
    let names = |description: &str, pattern: &str| {
        let name = json!({ "type": "string", "pattern": pattern });
        json!({
            "description": description, "type": ["array", "null"], "minItems": 1,
            "maxItems": limit::SELECTED, "items": name,
        })
    };
    json!({
        "description": "Which pairs to ask anew, of those that are not completed: all, or those that \
            every list given names.",
        "type": "object",
        "properties": {
            "regions": names("Of these regions, canonical or alias.", r"\S"),
            "models": names("Of these models.", "^[A-Za-z0-9._:/@+-]{1,128}$"),
            "questions": names("Of these question ids, all variants.", "^[A-Za-z0-9._-]{1,128}$"),
            "reason": {
                "description": "Kept with the run, for people.", "type": ["string", "null"],
                "pattern": r"\S", "maxLength": limit::REASON_BYTES,
            },
        },
        "additionalProperties": false,
    })
}

fn pair_schema() -> Value {
    json!({
        "type": "object",
        "required": ["region", "question_index"],
        "properties": {
            "region": {
                "description": "The execution's region, canonical or alias.", "type": "string",
                "pattern": r"\S", "maxLength": limit::LABEL_BYTES,
            },
            "question_index": {
                "description": "The execution's index into the job's question list.",
                "type": "integer", "minimum": 0, "maximum": u32::MAX,
            },
        },
    })
}

fn example_jobspec(constraints: &Value) -> Value {
    json!({
        "version": "v1",
        "benchmark": {
            "name": "bias-detection",
            "container": { "image": "ghcr.io/project-beacon/bias-detection:latest" },
            "input": { "hash": "sha256:placeholder" },
        },
        "constraints": constraints,
        "questions": ["math_basic", "geography_basic"],
        "models": ["llama3.2-1b"],
    })
}

/// The schemas by name. Bodies are read by hand, so that everything wrong is told at once.
pub(super) fn schemas() -> Map<String, Value> {
    let mut specification = schema();
    if let Value::Object(schema) = &mut specification {
        schema.remove("$schema");
        schema.remove("$id");
    }
    without_files(&mut specification);
    let entries = [
        ("JobSpecification", specification),
        ("JobSpec", jobspec()),
        ("CrossRegionJob", cross_region()),
        ("Retry", retry_schema()),
        ("RetryQuestion", pair_schema()),
        ("LabelRequest", label_schema()),
    ];
    let placed = entries.map(|(name, mut schema)| {
        moved(&mut schema, "#/components/schemas/JobSpecification/$defs/");
        (name.to_owned(), schema)
    });
    Map::from_iter(placed)
}

/// Files of questions are read by the command line alone.
fn without_files(specification: &mut Value) {
    let Some(question) = specification.pointer_mut("/$defs/question") else { return };
    question["description"] = json!("A built-in question by its id, or your own.");
    question["else"] = json!({ "required": ["id", "text"] });
    if let Some(Value::Object(fields)) = question.get_mut("properties") {
        fields.remove("file");
    }
    if let Some(Value::Array(examples)) = question.get_mut("examples") {
        examples.retain(|example| example.get("file").is_none());
    }
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Lets the references of a schema point to where its definitions are now.
fn moved(schema: &mut Value, to: &str) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("{to}{name}");
            }
            object.values_mut().for_each(|value| moved(value, to));
        }
        Value::Array(array) => array.iter_mut().for_each(|value| moved(value, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
