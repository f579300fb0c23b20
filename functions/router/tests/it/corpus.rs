//! The shapes of answers in `tests/corpus`, each labelled with what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::running::{Running, lab, question};
use crate::upstream::{Act, Upstream};

/// What a call comes to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Label {
    Answer {
        outcome: String,
        text: Option<String>,
        /// An absent one may be any; `null` is none.
        #[serde(default, deserialize_with = "given")]
        finish_reason: Option<Value>,
    },
    Failure {
        failure: String,
        retryable: bool,
        maybe_billed: bool,
        /// Told in a 200, and yet worth asking again at once.
        #[serde(default)]
        asked_again: bool,
    },
}

/// One answer of a provider, as it is on the wire.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    name: String,
    /// Whose shape it is, and where that is told.
    source: String,
    kind: String,
    status: u16,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default, deserialize_with = "given")]
    body: Option<Value>,
    /// A body that is no JSON, or JSON of a form that would be lost by being read.
    #[serde(default)]
    raw: Option<String>,
    label: Label,
}

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Shape {
    fn act(&self) -> Act {
        assert_ne!(self.body.is_some(), self.raw.is_some(), "{} has not one body", self.name);
        let body = self.body.as_ref().map(Value::to_string).or(self.raw.clone()).unwrap();
        let (status, length) = (self.status, body.len());
        let content_type = self.content_type.as_deref().unwrap_or("application/json");
        let head = format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n"
        );
        Act::Raw((head + &body).into_bytes())
    }

    /// What the router tells of it that its label does not say.
    fn wrong(&self, told: &Value) -> Vec<String> {
        let failure = &told["failure"];
        let pairs = match &self.label {
            Label::Answer { outcome, text, finish_reason } => vec![
                ("success", Some(json!(true)), &told["success"]),
                ("outcome", Some(json!(outcome)), &told["outcome"]),
                ("response", text.as_ref().map(|text| json!(text)), &told["response"]),
                ("finish_reason", finish_reason.clone(), &told["finish_reason"]),
                ("failure", Some(Value::Null), failure),
            ],
            Label::Failure { failure: code, retryable, maybe_billed, .. } => vec![
                ("success", Some(json!(false)), &told["success"]),
                ("outcome", Some(Value::Null), &told["outcome"]),
                ("response", Some(Value::Null), &told["response"]),
                ("error_code", Some(json!(code)), &told["error_code"]),
                ("failure.code", Some(json!(code)), &failure["code"]),
                ("retryable", Some(json!(retryable)), &failure["retryable"]),
                ("maybe_billed", Some(json!(maybe_billed)), &failure["maybe_billed"]),
                ("attempts", Some(json!(self.requests())), &failure["attempts"]),
            ],
        };
        let differs = pairs.into_iter().filter_map(|(what, expected, seen)| {
            let expected = expected.filter(|expected| expected != seen)?;
            Some(format!("{what} is {seen} and not {expected}"))
        });
        differs.collect()
    }

    /// Requests made: an answer ends the call, and so does what may have brought one. What certainly
    /// did not is asked again, three times in all.
    fn requests(&self) -> usize {
        match &self.label {
            Label::Failure { retryable: true, maybe_billed: false, asked_again, .. }
                if self.status != 200 || *asked_again =>
            {
                3
            }
            Label::Failure { .. } | Label::Answer { .. } => 1,
        }
    }

    /// The words of an error's text, none of which may be told.
    fn texts(&self) -> Vec<&str> {
        let places =
            ["/error/message", "/error", "/message", "/detail", "/choices/0/error/message"];
        let body = self.body.as_ref();
        let texts = places.iter().filter_map(|place| body?.pointer(place)?.as_str());
        texts.filter(|text| text.contains(' ')).collect()
    }
}

fn corpus() -> Vec<(String, Shape)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut shapes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let server = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<Shape> = serde_json::from_str(&text).unwrap();
        shapes.extend(read.into_iter().map(|shape| (format!("{server}: {}", shape.name), shape)));
    }
    shapes.sort_by(|(one, _), (other, _)| one.cmp(other));
    shapes
}

#[test]
fn the_corpus_is_large_and_has_every_label() {
    let shapes = corpus();
    assert!(shapes.len() >= 60, "only {} shapes", shapes.len());
    let names: BTreeSet<_> = shapes.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), shapes.len(), "two shapes have one name");
    assert!(shapes.iter().all(|(_, shape)| !shape.source.is_empty()));
    let mut counts = BTreeMap::new();
    for (_, shape) in &shapes {
        let label = match &shape.label {
            Label::Answer { outcome, .. } => outcome.as_str(),
            Label::Failure { failure, .. } if failure.starts_with("PROVIDER_HTTP") => "by status",
            Label::Failure { .. } if shape.status == 200 => "failure in a 200",
            Label::Failure { failure, .. } => panic!("{failure} with HTTP {}", shape.status),
        };
        *counts.entry(label).or_insert(0) += 1;
    }
    println!("{} shapes: {counts:?}", shapes.len());
    let kinds = ["text", "empty", "refusal", "content_filter", "length", "reasoning"];
    for label in kinds.into_iter().chain(["by status", "failure in a 200"]) {
        assert!(counts.get(label).is_some_and(|count| *count >= 5), "{label}: {counts:?}");
    }
}

#[tokio::test]
async fn every_shape_comes_to_what_its_label_says() {
    let shapes = corpus();
    let each = shapes.iter().map(|(name, shape)| async move { served(name, shape).await });
    let wrong: Vec<String> = stream::iter(each).buffer_unordered(16).concat().await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with what a running router makes of a shape.
async fn served(name: &str, shape: &Shape) -> Vec<String> {
    let upstream = Upstream::start(shape.act()).await;
    let router = Running::start(&lab(&shape.kind, &upstream.url, "")).await;
    let told = router.infer(&question()).await;
    let mut wrong = shape.wrong(&told);
    let plain = ["Prompt is required", "Unknown model: gpt-9"];
    let texts = shape.texts().into_iter().filter(|text| !plain.contains(text));
    if texts.into_iter().any(|text| told.to_string().contains(text)) {
        wrong.push("an error's text is told".to_owned());
    }
    if upstream.connections() != shape.requests() {
        wrong.push(format!("{} connections", upstream.connections()));
    }
    wrong.into_iter().map(|what| format!("{name}: {what}")).collect()
}
