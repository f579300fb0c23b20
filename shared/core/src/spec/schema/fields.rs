//! The fields of a specification, one by one.

use serde_json::{Value, json};

use super::{distinct_models, distinct_regions, no_characters, text, trimmed};
use crate::id::JobId;
use crate::money::Dollars;
use crate::spec::draft::RESERVED_ID;
use crate::spec::{Stop, limit};

pub(super) fn properties() -> Value {
    json!({
        "id": id(),
        "name": {
            "title": "Name",
            "description": format!("For people, at most {} bytes.", limit::LABEL_BYTES),
            "default": "untitled",
            "examples": ["Bias detection"],
            "$ref": "#/$defs/label",
        },
        "questions": questions(),
        "models": models(),
        "regions": regions(),
        "samples": whole(
            "Samples",
            &format!(
                "How often each question is put to each model in each region: tells noise from \
                 difference. Models × samples are at most {}.",
                limit::PAIRS_OF_QUESTION
            ),
            1..=u64::from(limit::SAMPLES),
            Some(1),
        ),
        "system_prompt": system_prompt(),
        "temperature": fraction("Temperature", "How freely the models choose.", 2, Some(0.1)),
        "max_tokens": whole(
            "Most tokens",
            "How long an answer may be.",
            1..=limit::MAX_TOKENS,
            Some(500),
        ),
        "seed": whole(
            "Seed",
            "Sent where the provider takes one; not sent where it is left out.",
            0..=limit::SEED,
            None,
        ),
        "top_p": fraction(
            "Top p",
            "Sent where the provider takes it; not sent where it is left out.",
            1,
            None,
        ),
        "questions_in_flight": whole(
            "Questions in flight",
            &format!(
                "How many questions are asked at a time in each region. Regions × this are at most \
                 {}.",
                limit::LANES
            ),
            1..=limit::LANES as u64,
            Some(1),
        ),
        "min_success_rate": fraction(
            "Lowest success rate",
            "Lowest share of completed executions of a job that counts as completed.",
            1,
            Some(0.67),
        ),
        "min_regions": whole(
            "Fewest regions",
            "Fewest regions with a completed execution of a job that counts as completed.",
            1..=limit::REGIONS as u64,
            Some(1),
        ),
        "stop": stop(),
        "stop_after": whole(
            "Stop after",
            "Questions of one lane in a row without a completed execution that make a region failed.",
            1..=limit::QUESTIONS as u64,
            Some(3),
        ),
        "timeout": timeout(),
        "max_cost": max_cost(),
        "public_key": public_key(),
        "signature": signature(),
        "metadata": metadata(),
    })
}

fn id() -> Value {
    let longest = JobId::LONGEST;
    json!({
        "title": "Job id",
        "description": format!(
            "1 to {longest} characters of [A-Za-z0-9_-]; made at submit where it is left out. The \
             same id with the same content is the same job, with other content an error."
        ),
        "type": ["string", "null"],
        "pattern": format!("^[A-Za-z0-9_-]{{1,{longest}}}$"),
        "not": {"const": RESERVED_ID},
    })
}

fn questions() -> Value {
    json!({
        "title": "Questions",
        "description": format!(
            "What is asked: at most {} entries with variants and named system prompts multiplied \
             out. Duplicates are asked once.",
            limit::QUESTIONS
        ),
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/question"},
    })
}

fn models() -> Value {
    json!({
        "title": "Models",
        "description": format!(
            "Model ids as the providers' file names them, at most {}. Duplicates are asked once.",
            limit::MODELS
        ),
        "examples": [["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"]],
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/model"},
        "if": distinct_models(),
        "then": {"maxItems": limit::MODELS},
    })
}

fn regions() -> Value {
    json!({
        "title": "Regions",
        "description": format!(
            "Where the models are asked, at most {}. Duplicates (US and us-east) are asked once.",
            limit::REGIONS
        ),
        "examples": [["US", "EU", "ASIA"]],
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/region"},
        "if": distinct_regions(),
        "then": {"maxItems": limit::REGIONS},
    })
}

/// A text or a map: each of these rules is about one of the two alone.
fn system_prompt() -> Value {
    let one = text(limit::PROMPT_BYTES);
    json!({
        "title": "System prompt",
        "description": format!(
            "`regional` says where the assistant is based, `none` sends no system message; any \
             other text is sent as it is, with {{place}} replaced by the US, Europe or Asia. A map \
             of named prompts, at most {}, asks every question under each of them.",
            limit::PROMPTS
        ),
        "default": "regional",
        "examples": [
            "regional", "none", "You live in {place}.", {"place": "regional", "bare": "none"},
        ],
        "type": ["string", "object", "null"],
        "pattern": one["pattern"],
        "maxLength": one["maxLength"],
        "not": no_characters(),
        "minProperties": 1,
        "maxProperties": limit::PROMPTS,
        "propertyNames": {"$ref": "#/$defs/name"},
        "additionalProperties": {"$ref": "#/$defs/prompt"},
    })
}

fn stop() -> Value {
    json!({
        "title": "Stop",
        "description": "When a job ends early: `region_failure`, when a region has only failures \
            for `stop_after` questions in a row; `unreachable`, as soon as `min_success_rate` or \
            `min_regions` cannot be reached any more; or `never`.",
        "default": Stop::RegionFailure,
        "enum": [Stop::RegionFailure, Stop::Unreachable, Stop::Never, null],
    })
}

// The pattern of a timeout spells the bound out in each of its units.
const _: () = assert!(limit::TIMEOUT_SECONDS == 86_400);
const SECONDS: &str = "[1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400";
const MINUTES: &str = "[1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440";
const HOURS: &str = "[1-9]|1[0-9]|2[0-4]";

fn timeout() -> Value {
    let units = format!(r"\+?0*(({SECONDS})s|({MINUTES})m|({HOURS})h)");
    json!({
        "title": "Timeout",
        "description": "The job's time budget: seconds, or a whole number with a unit, such as \
            90s, 15m or 2h; at most 24h. By default 10 minutes and one more for every question of \
            the longest lane.",
        "examples": ["90s", "15m", "2h", 3600],
        "type": ["integer", "string", "null"],
        "minimum": 1,
        "maximum": limit::TIMEOUT_SECONDS,
        "pattern": trimmed(&units),
    })
}

fn public_key() -> Value {
    json!({
        "title": "Public key",
        "description": "Whose `signature` it is: an Ed25519 key in standard base64. `beacon sign` puts it.",
        "$ref": "#/$defs/label",
    })
}

fn signature() -> Value {
    json!({
        "title": "Signature",
        "description": "Ed25519, in standard base64, of all but itself, `public_key` and `id`: verified \
            before anything is read. `beacon sign` puts it. It stands with `public_key`.",
        "$ref": "#/$defs/label",
    })
}

fn metadata() -> Value {
    json!({
        "title": "Signed when",
        "description": "What keeps a signed specification from being sent again by another.",
        "type": ["object", "null"],
        "properties": {
            "timestamp": {
                "title": "Time of signing",
                "description": "RFC 3339. `beacon sign` puts it.",
                "$ref": "#/$defs/label",
            },
            "nonce": {
                "title": "Nonce",
                "description": "A text that the key signs once. `beacon sign` puts it.",
                "$ref": "#/$defs/label",
            },
        },
        "additionalProperties": false,
    })
}

fn max_cost() -> Value {
    json!({
        "title": "Highest cost",
        "description": format!(
            "US dollars that providers may charge: once so much is spent, no question is opened. \
             Every provider that may be asked must declare its price. A number from 0.000001 to {}.",
            Dollars::MOST
        ),
        "examples": [5, 0.5],
        "type": ["number", "null"],
        "minimum": limit::SMALLEST_FRACTION,
        "maximum": Dollars::MOST,
    })
}

/// A whole number of the range.
pub(super) fn whole(
    title: &str,
    description: &str,
    range: std::ops::RangeInclusive<u64>,
    default: Option<u64>,
) -> Value {
    let (low, high) = (range.start(), range.end());
    let mut schema = json!({
        "title": title,
        "description": format!("{description} A whole number from {low} to {high}."),
        "type": ["integer", "null"],
        "minimum": low,
        "maximum": high,
    });
    if let Some(default) = default {
        schema["default"] = json!(default);
    }
    schema
}

/// A number from 0, but none that is nearer to 0 than the table stores.
pub(super) fn fraction(
    title: &str,
    description: &str,
    highest: u64,
    default: Option<f64>,
) -> Value {
    let mut schema = json!({
        "title": title,
        "description": format!("{description} 0, or a number from 0.000001 to {highest}."),
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": highest,
        "if": {"type": "number", "exclusiveMinimum": 0},
        "then": {"minimum": limit::SMALLEST_FRACTION},
    });
    if let Some(default) = default {
        schema["default"] = json!(default);
    }
    schema
}
