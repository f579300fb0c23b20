//! The question list: built-in ids and own questions, variants and named prompts multiplied out.

use serde_json::Value;

use super::limit;
use super::read::{Fields, Findings, cut, kind, list, text};
use crate::builtin;
use crate::id::{QuestionId, VariantName};
use crate::prompt::SystemPrompt;

/// A question before its prompts are multiplied in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: QuestionId,
    pub(super) category: Option<String>,
    pub(super) language: Option<String>,
    /// What a right answer holds; empty where it is no control question.
    pub(super) expect: Vec<String>,
    /// The base text first, then the variants by name.
    pub(super) texts: Vec<(VariantName, String)>,
}

impl Asked {
    /// Of all its texts, each with what it expects.
    pub(super) fn bytes(&self) -> usize {
        let expected: usize = self.expect.iter().map(String::len).sum();
        self.texts.iter().map(|(_, text)| text.len() + expected).sum()
    }
}

/// Reads `questions`; duplicates are folded with a warning, contradictions are problems.
pub(super) fn read_questions(
    value: Option<&Value>,
    path: &str,
    findings: &mut Findings,
) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for (index, entry) in list(value, path, "question", findings).iter().enumerate() {
        if all.len() > limit::QUESTIONS || findings.is_full() {
            break;
        }
        let entry_path = format!("{path}[{index}]");
        let Some(asked) = read_question(entry, &entry_path, findings) else { continue };
        match seen.get(&asked.id) {
            None => {
                seen.insert(asked.id.clone(), (all.len(), index));
                all.push(asked);
            }
            Some((kept, _)) if all.get(*kept) == Some(&asked) => {
                findings.warn(format!(
                    "{entry_path}: question `{}` is listed twice; asked once",
                    asked.id
                ));
            }
            Some((_, first)) => findings.problem(
                entry_path,
                format!(
                    "question id `{}` was given at {path}[{first}] with other content",
                    asked.id
                ),
            ),
        }
    }
    all
}

fn read_question(entry: &Value, path: &str, findings: &mut Findings) -> Option<Asked> {
    match entry {
        Value::String(id) => built_in(id, path, findings),
        Value::Object(object) if object.contains_key("file") => {
            findings.problem(
                format!("{path}.file"),
                "files are read by the command line only; send the questions themselves",
            );
            None
        }
        Value::Object(_) => own(entry, path, findings),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            findings.problem(
                path,
                format!(
                    "is {}; must be a built-in id, {{id, text, …}} or {{file: questions.csv}}",
                    kind(entry)
                ),
            );
            None
        }
    }
}

fn built_in(id: &str, path: &str, findings: &mut Findings) -> Option<Asked> {
    let found = builtin::question(id.trim());
    let built = found.and_then(|question| Some((question, QuestionId::new(question.id).ok()?)));
    let Some((question, id)) = built else {
        let known: Vec<&str> = builtin::QUESTIONS.iter().map(|question| question.id).collect();
        let given = cut(id);
        findings.problem(
            path,
            format!("`{given}` is not a built-in question; built in are {}", known.join(", ")),
        );
        return None;
    };
    Some(Asked {
        id,
        category: Some(question.category.to_owned()),
        language: Some("en".to_owned()),
        expect: question.expect.iter().copied().map(str::to_owned).collect(),
        texts: vec![(VariantName::base(), question.text.to_owned())],
    })
}

fn own(entry: &Value, path: &str, findings: &mut Findings) -> Option<Asked> {
    let mut fields = Fields::of(entry, path, findings)?;
    let id = fields.text("id", limit::LABEL_BYTES, findings);
    if id.is_none() {
        missing(entry, "id", path, findings);
    }
    let id = id.and_then(|id| {
        let id = QuestionId::new(id);
        id.map_err(|error| findings.problem(fields.path("id"), error.to_string())).ok()
    });
    let base = fields.text("text", limit::QUESTION_BYTES, findings);
    if base.is_none() {
        missing(entry, "text", path, findings);
    }
    let category = fields.text("category", limit::LABEL_BYTES, findings);
    let language = fields.text("language", limit::LABEL_BYTES, findings);
    let expect = fields.take("expect");
    let expect = read_expect(expect, &fields.path("expect"), findings);
    let variants = fields.take("variants");
    let mut texts: Vec<_> = base.into_iter().map(|text| (VariantName::base(), text)).collect();
    texts.extend(read_variants(variants, &fields.path("variants"), findings));
    fields.finish(findings);
    Some(Asked { id: id?, category, language, expect, texts })
}

fn missing(entry: &Value, name: &str, path: &str, findings: &mut Findings) {
    if entry.get(name).is_none_or(Value::is_null) {
        findings
            .problem(format!("{path}.{name}"), "is missing; an own question has an id and a text");
    }
}

/// Texts and numbers, each once and without the white space around it.
fn read_expect(value: Option<&Value>, path: &str, findings: &mut Findings) -> Vec<String> {
    if value.is_none() {
        return Vec::new();
    }
    let entries = list(value, path, "text or number", findings);
    if entries.len() > limit::EXPECTED {
        let (count, most) = (entries.len(), limit::EXPECTED);
        findings.problem(path, format!("has {count} entries; at most {most} are allowed"));
        return Vec::new();
    }
    let mut expect: Vec<String> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let read = match entry {
            Value::Number(number) => Some(number.to_string()),
            Value::String(_) => text(entry, &path, limit::EXPECTED_BYTES, findings),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                findings.problem(path, format!("is {}; must be a text or a number", kind(entry)));
                None
            }
        };
        if let Some(read) =
            read.as_deref().map(str::trim).filter(|read| !expect.iter().any(|other| other == read))
        {
            expect.push(read.to_owned());
        }
    }
    expect
}

fn read_variants(
    value: Option<&Value>,
    path: &str,
    findings: &mut Findings,
) -> Vec<(VariantName, String)> {
    let Some(value) = value else { return Vec::new() };
    let Value::Object(object) = value else {
        findings.problem(path, format!("is {}; must be {{name: text}}", kind(value)));
        return Vec::new();
    };
    let mut variants = Vec::new();
    for (name, value) in object {
        let path = format!("{path}.{}", cut(name));
        let text = text(value, &path, limit::QUESTION_BYTES, findings);
        match simple_name(name) {
            Some(name) if name == VariantName::base() => {
                findings.problem(path, "`base` is the question's own text; choose another name");
            }
            Some(name) => variants.extend(text.map(|text| (name, text))),
            None => findings.problem(path, NAME_RULE),
        }
    }
    variants.sort();
    variants
}

const NAME_RULE: &str = "a name has 1 to 64 characters of [A-Za-z0-9._-]";

/// A variant's or prompt's own name: no `/`, which joins the two.
fn simple_name(name: &str) -> Option<VariantName> {
    let simple = name.len() <= limit::NAME_CHARACTERS && !name.contains('/');
    VariantName::new(name).ok().filter(|_| simple)
}

/// Reads `system_prompt`: the prompts with their names; the one prompt that is not in a map has
/// none.
pub(super) fn read_prompts(
    value: &Value,
    findings: &mut Findings,
) -> Vec<(Option<VariantName>, SystemPrompt)> {
    let path = "system_prompt";
    match value {
        Value::Object(object) => {
            if object.is_empty() {
                findings.problem(path, "is an empty map; name at least one prompt");
            }
            if object.len() > limit::PROMPTS {
                let (count, most) = (object.len(), limit::PROMPTS);
                findings
                    .problem(path, format!("names {count} prompts; at most {most} are allowed"));
                return Vec::new();
            }
            let mut prompts = Vec::new();
            for (name, value) in object {
                let path = format!("{path}.{}", cut(name));
                let prompt = read_prompt(value, &path, findings);
                match simple_name(name) {
                    Some(name) => prompts.extend(prompt.map(|prompt| (Some(name), prompt))),
                    None => findings.problem(path, NAME_RULE),
                }
            }
            prompts.sort_by(|(a, _), (b, _)| a.cmp(b));
            prompts
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            let prompt = read_prompt(value, path, findings);
            prompt.into_iter().map(|prompt| (None, prompt)).collect()
        }
    }
}

fn read_prompt(value: &Value, path: &str, findings: &mut Findings) -> Option<SystemPrompt> {
    Some(match text(value, path, limit::PROMPT_BYTES, findings)?.as_str() {
        "regional" => SystemPrompt::Regional,
        "none" => SystemPrompt::Absent,
        own => SystemPrompt::Text(own.to_owned()),
    })
}

/// The name of a variant under a prompt: `base`, the one name there is, or `variant/prompt`.
pub(super) fn variant_name(variant: &VariantName, prompt: Option<&VariantName>) -> VariantName {
    match prompt {
        None => variant.clone(),
        Some(prompt) if *variant == VariantName::base() => prompt.clone(),
        Some(prompt) => {
            let joined = format!("{variant}/{prompt}");
            // Two names of at most 64 characters and a slash are a variant name.
            VariantName::new(joined).unwrap_or_else(|_| variant.clone())
        }
    }
}
