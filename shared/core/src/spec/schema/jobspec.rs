//! What the predecessor's `JobSpec` and its wrapper may hold; what is not listed is accepted there.

use serde_json::{Map, Value, json};

use super::fields::{fraction, whole};
use super::{SPACE, no_characters, text};
use crate::id::JobId;
use crate::money::Dollars;
use crate::spec::limit;

/// A `JobSpec`. Its references lead to definitions of [`super::schema`].
pub(crate) fn jobspec() -> Value {
    let mut constraints = unapplied();
    constraints.extend(fields(json!({
        "regions": regions("Where the models are asked: `regions`."),
        "min_regions": min_regions("by default 1"),
        "min_success_rate": min_success_rate(),
    })));
    let mut jobspec = of(&json!({
        "type": "object",
        "required": ["regions"],
        "properties": constraints,
    }));
    jobspec["required"] = json!(["benchmark", "constraints"]);
    jobspec["description"] = json!(
        "The predecessor's JobSpec. Fields that are not listed are accepted; zero, an empty text \
         and an empty list mean that a field is absent."
    );
    // With regions of its own it would be a specification.
    jobspec["properties"]["regions"] = json!(false);
    jobspec
}

/// A `JobSpec` in its wrapper, which says where and how much.
pub(crate) fn cross_region() -> Value {
    let constraints = json!({
        "description": "`regions`, `min_regions` and `min_success_rate` are not looked at here.",
        "type": ["object", "null"],
        "properties": unapplied(),
    });
    let mut inner = of(&constraints);
    inner["required"] = json!(["benchmark"]);
    inner["description"] = json!("The JobSpec; where it runs is said beside it.");
    json!({
        "type": "object",
        "description": "The predecessor's JobSpec in a wrapper that says where it runs.",
        "required": ["jobspec", "target_regions"],
        "properties": {
            "jobspec": inner,
            "target_regions": regions("Where the models are asked."),
            "min_regions": min_regions("by default 3, or all where they are fewer"),
            "min_success_rate": min_success_rate(),
            "enable_analysis": {
                "description": "Accepted, without effect.",
                "type": ["boolean", "null"],
            },
        },
    })
}

fn of(constraints: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": id("The job's id."),
            "jobspec_id": id("The same, where there is no `id`."),
            "version": any_text("`v1` makes questions required where the name contains `bias`."),
            "benchmark": benchmark(),
            "constraints": constraints,
            "questions": {
                "description": "As in a specification. Where there are none, the text at \
                    `benchmark.input.data.prompt` is the one question.",
                "type": ["array", "null"],
                "items": { "$ref": "#/$defs/question" },
            },
            "models": models(),
            "runs": whole(
                "Runs",
                "How often each question is put to each model in each region: `samples`.",
                0..=u64::from(limit::SAMPLES),
                None,
            ),
            "metadata": {
                "description": "Of this the models are read, and only where `models` has none: \
                    `models` as there, else the id `model`, else the name `model_name`. Of a signed \
                    one also `timestamp` and `nonce`, where signatures are required.",
                "type": ["object", "null"],
            },
            "wallet_auth": unread(),
            "public_key": any_text("Whose `signature` it is: an Ed25519 key in base64."),
            "created_at": any_text("Not read."),
            "signature": any_text(
                "Ed25519, in base64: verified before anything is read. It stands with `public_key`."
            ),
        },
        "anyOf": [
            {
                "required": ["questions"],
                "properties": { "questions": { "type": "array", "minItems": 1 } },
            },
            { "properties": { "benchmark": { "properties": { "input": {
                "required": ["data"],
                "properties": { "data": {
                    "type": "object",
                    "required": ["prompt"],
                    "properties": { "prompt": { "$ref": "#/$defs/question_text" } },
                } },
            } } } } },
        ],
    })
}

fn benchmark() -> Value {
    json!({
        "type": "object",
        "required": ["name", "container", "input"],
        "properties": {
            "name": text(limit::LABEL_BYTES),
            "version": any_text("As `version`, where that is absent or `1.0`."),
            "description": any_text("Not read."),
            "container": {
                "type": "object",
                "required": ["image"],
                "properties": {
                    "image": long_text("Required, and not read."),
                    "tag": any_text("Not read."),
                    "environment": unread(),
                    "resources": unread(),
                },
            },
            "input": {
                "type": "object",
                "required": ["hash"],
                "properties": {
                    "hash": long_text("Required, and not verified."),
                    "type": any_text("Not read."),
                    "data": {
                        "description": "`prompt` is asked where there are no questions.",
                        "type": ["object", "null"],
                    },
                },
            },
            "scoring": unread(),
            "metadata": unread(),
        },
    })
}

fn models() -> Value {
    json!({
        "description": "Whom to ask: ids, or objects with an id.",
        "type": ["array", "null"],
        "items": { "anyOf": [
            { "$ref": "#/$defs/model" },
            {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": { "$ref": "#/$defs/model" },
                    "name": any_text("Not read."),
                    "provider": any_text("Not applied; a warning says so, unless it is `hybrid`."),
                    "container_image": any_text("Not read."),
                    "regions": {
                        "description": "The same as the job's.",
                        "type": ["array", "null"],
                        "items": { "$ref": "#/$defs/region" },
                    },
                },
            },
        ] },
    })
}

fn regions(description: &str) -> Value {
    json!({
        "description": description,
        "type": "array",
        "minItems": 1,
        "items": { "$ref": "#/$defs/region" },
    })
}

fn min_regions(default: &str) -> Value {
    let description = format!(
        "Fewest regions with a completed execution of a job that counts as completed; {default}."
    );
    whole("Fewest regions", &description, 0..=limit::REGIONS as u64, None)
}

fn min_success_rate() -> Value {
    let description = "Lowest share of completed executions of a job that counts as completed; 0 \
        stands for 0.67.";
    fraction("Lowest success rate", description, 1, Some(0.67))
}

/// Constraints that are the same whoever says where a job runs.
fn unapplied() -> Map<String, Value> {
    const SECOND: u64 = 1_000_000_000;
    fields(json!({
        "timeout": whole(
            "Timeout",
            "Nanoseconds, rounded up to seconds.",
            0..=limit::TIMEOUT_SECONDS * SECOND,
            None,
        ),
        "provider_timeout": whole("Provider timeout", "Not applied.", 0..=u64::MAX, None),
        "max_cost": {
            "description": format!(
                "US dollars that providers may charge before the job stops, at most {}; 0 is no \
                 limit.",
                Dollars::MOST
            ),
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": Dollars::MOST,
            "if": {"type": "number", "exclusiveMinimum": 0},
            "then": {"minimum": limit::SMALLEST_FRACTION},
        },
        "providers": { "description": "Not applied.", "type": ["array", "null"] },
    }))
}

fn fields(properties: Value) -> Map<String, Value> {
    if let Value::Object(properties) = properties { properties } else { Map::new() }
}

fn id(description: &str) -> Value {
    let longest = JobId::LONGEST;
    json!({
        "description": description,
        "type": ["string", "null"],
        "pattern": format!("^([A-Za-z0-9_-]{{1,{longest}}}|[{SPACE}]*)$"),
    })
}

fn any_text(description: &str) -> Value {
    json!({ "description": description, "type": ["string", "null"] })
}

fn long_text(description: &str) -> Value {
    json!({
        "description": description,
        "type": "string",
        "pattern": format!("[^{SPACE}]"),
        "not": no_characters(),
    })
}

fn unread() -> Value {
    json!({ "description": "Not read.", "type": ["object", "null"] })
}
