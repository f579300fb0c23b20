//! The JSON Schema of a specification: what an editor completes, explains and checks while it is
//! written. The server decides; `tests/specification` holds the two against each other.

mod fields;
mod jobspec;

use serde_json::{Value, json};

use super::limit;
use crate::builtin;
use crate::id::{ModelId, QuestionId};
use crate::region::{ALIASES, PLACES};
pub(crate) use jobspec::{cross_region, jobspec};

/// The schema, draft 2020-12. A rule stands at the field that it is about, so that a validator
/// points to the same place as the server; null stands for a field that is left out.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Beacon job specification",
        "description": "Which questions are asked of which models in which regions. \
            Every question is put to every model in every region, each exactly once a sample.",
        "type": "object",
        "properties": fields::properties(),
        "required": ["questions", "models", "regions"],
        "additionalProperties": false,
        "$defs": {
            "question": question(),
            "built_in": built_in(),
            "model": model(),
            "region": region(),
            "label": label(),
            "name": name(),
            "question_text": text(limit::QUESTION_BYTES),
            "prompt": prompt(),
        },
    })
}

/// White space as the server trims it, for within a character class. ECMAScript's `\s` is another
/// set: it lacks U+0085 and has U+FEFF.
const SPACE: &str = r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// What the whole text must be, white space around it aside.
fn trimmed(inner: &str) -> String {
    format!("^[{SPACE}]*({inner})[{SPACE}]*$")
}

/// A text that is not blank. Lengths are bytes in the server and characters here: of a text that is
/// not ASCII the schema lets more pass.
fn text(longest: usize) -> Value {
    json!({
        "type": "string",
        "pattern": format!("[^{SPACE}]"),
        "maxLength": longest,
        "not": no_characters(),
    })
}

/// Texts that queues refuse, and control characters beside tab and the ends of lines.
fn no_characters() -> Value {
    let controls = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f";
    json!({"type": "string", "pattern": format!(r"[{controls}\ufffe\uffff]")})
}

fn label() -> Value {
    let mut label = text(limit::LABEL_BYTES);
    label["type"] = json!(["string", "null"]);
    label
}

fn name() -> Value {
    let longest = limit::NAME_CHARACTERS;
    json!({
        "description": format!("1 to {longest} characters of [A-Za-z0-9._-]"),
        "pattern": format!("^[A-Za-z0-9._-]{{1,{longest}}}$"),
    })
}

/// One flat object, because editors complete the properties that stand at the entry itself.
fn question() -> Value {
    let ids = builtin::QUESTIONS.iter().map(|question| json!(question.id));
    let own = json!({"id": "border", "text": "Where does the border run?"});
    let examples: Vec<Value> = ids.chain([own, json!({"file": "questions.csv"})]).collect();
    json!({
        "title": "Question",
        "description": "A built-in question by its id; or your own with `id` and `text`; or a \
            `file` of questions.",
        "examples": examples,
        "type": ["string", "object"],
        "properties": question_fields(),
        "additionalProperties": false,
        "if": {"type": "string"},
        "then": {"$ref": "#/$defs/built_in"},
        "else": {
            "if": {"required": ["file"]},
            "then": {"properties": {
                "id": false, "text": false, "category": false, "language": false, "expect": false,
                "variants": false,
            }},
            "else": {"required": ["id", "text"]},
        },
    })
}

fn question_fields() -> Value {
    let (kib, longest) = (limit::QUESTION_BYTES / 1024, QuestionId::LONGEST);
    json!({
        "id": {
            "title": "Question id",
            "description": format!(
                "Names the question in the results: 1 to {longest} characters of [A-Za-z0-9._-]. \
                 No two questions share one."
            ),
            "type": "string",
            "pattern": format!("^[A-Za-z0-9._-]{{1,{longest}}}$"),
        },
        "text": {
            "title": "Text",
            "description": format!("What is asked, at most {kib} KiB; the variant `base`."),
            "$ref": "#/$defs/question_text",
        },
        "category": {
            "title": "Category",
            "description": "For grouping in analysis.",
            "examples": ["control_questions", "bias_detection", "cultural_perspective"],
            "$ref": "#/$defs/label",
        },
        "language": {
            "title": "Language",
            "description": "For grouping in analysis.",
            "examples": ["en", "de", "zh"],
            "$ref": "#/$defs/label",
        },
        "expect": expect(),
        "variants": {
            "title": "Variants",
            "description": "Other ways to put the question, by name; each is asked too. The name \
                `base` is the question's own text.",
            "examples": [{"formal": "Please describe where the border runs."}],
            "type": ["object", "null"],
            "propertyNames": {"$ref": "#/$defs/name", "not": {"const": "base"}},
            "additionalProperties": {
                "title": "Variant",
                "description": format!("What is asked instead, at most {kib} KiB."),
                "$ref": "#/$defs/question_text",
            },
        },
        "file": {
            "title": "File of questions",
            "description": "A .csv (columns id, text, category, language, expect, variant.NAME) or a .jsonl \
                (an entry of this list a line) beside the specification. It stands alone in its \
                entry, and is read by the command line, not by the API.",
            "examples": ["questions.csv", "questions.jsonl"],
            "type": "string",
            "pattern": r"[^/]\.([cC][sS][vV]|[jJ][sS][oO][nN][lL])$",
        },
    })
}

fn expect() -> Value {
    let (most, bytes) = (limit::EXPECTED, limit::EXPECTED_BYTES);
    let mut entry = text(bytes);
    entry["type"] = json!(["string", "number"]);
    json!({
        "title": "Expected answer",
        "description": format!(
            "Makes it a control question: a right answer holds at least one of these texts or \
             numbers, at most {most} of {bytes} bytes each. A provider that misses its controls is \
             named before any finding."
        ),
        "examples": [[4, "four"], ["Paris"]],
        "type": ["array", "null"],
        "minItems": 1,
        "maxItems": most,
        "items": entry,
    })
}

fn built_in() -> Value {
    let ids: Vec<&str> = builtin::QUESTIONS.iter().map(|question| question.id).collect();
    let padded = trimmed(&ids.join("|"));
    let listed = builtin::QUESTIONS.iter().map(|question| {
        let description = format!("{} ({})", question.text, question.category);
        json!({"const": question.id, "title": question.id, "description": description})
    });
    let alternatives: Vec<Value> = listed.chain([json!({"pattern": padded})]).collect();
    json!({
        "title": "Built-in question",
        "description": "The id of a question that comes with Beacon.",
        "anyOf": alternatives,
    })
}

fn model() -> Value {
    let longest = ModelId::LONGEST;
    json!({
        "title": "Model",
        "description": format!(
            "A model id as the providers' file names it: 1 to {longest} characters of \
             [A-Za-z0-9._:/@+-]."
        ),
        "examples": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "type": "string",
        "pattern": trimmed(&format!("[A-Za-z0-9._:/@+-]{{1,{longest}}}")),
        "not": no_characters(),
    })
}

fn region() -> Value {
    let aliases = ["US", "EU", "ASIA"].into_iter();
    let examples: Vec<&str> = aliases.chain(PLACES.iter().map(|(name, _)| *name)).collect();
    let mut region = text(limit::LABEL_BYTES);
    region["title"] = json!("Region");
    region["description"] = json!(
        "A region, or an alias in any case: US, USA and NA are us-east; EU and Europe are eu-west; \
         APAC and Asia are asia-pacific. Providers may declare others."
    );
    region["examples"] = json!(examples);
    region
}

fn prompt() -> Value {
    let mut prompt = text(limit::PROMPT_BYTES);
    prompt["title"] = json!("System prompt");
    prompt["description"] = json!(
        "`regional`, `none`, or an own text, in which {place} is replaced by the region's place."
    );
    prompt["examples"] = json!(["regional", "none"]);
    prompt
}

/// Entries that differ as they are written and cannot mean the same: of these alone the list's
/// length is the number of what is asked for, because the server folds duplicates.
fn distinct_models() -> Value {
    json!({"uniqueItems": true, "items": {"pattern": format!("^[^{SPACE}]*$")}})
}

/// As [`distinct_models`]: canonical names.
fn distinct_regions() -> Value {
    let aliases = ALIASES.map(|(alias, _)| alias);
    json!({"uniqueItems": true, "items": {"pattern": "^[a-z0-9-]*$", "not": {"enum": aliases}}})
}
