//! `beacon report --embeddings`: what is sent, what stands in the report, and what is never told.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake::Fake;
use crate::place::{Done, Place, argument, finished};
use crate::reported::{files, report, with_a_report};

const KEY: &str = "hush-hush-key";

/// A vector for each text: its length, and its first letter.
fn vectors(body: &str) -> Value {
    let request: Value = serde_json::from_str(body).unwrap();
    let vector = |text: &Value| {
        let text = text.as_str().unwrap();
        let first = text.chars().next().map_or(0, |c| u32::from(c) % 100);
        json!([1, text.chars().count() % 50, first])
    };
    let texts = request["input"].as_array().unwrap();
    let data = texts.iter().enumerate().map(
        |(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text)}),
    );
    // In an order of its own.
    json!({"object": "list", "data": data.rev().collect::<Vec<_>>(), "model": "e"})
}

type Answered = (u16, &'static str, String);

fn answered(status: u16, body: &Value) -> Answered {
    (status, "content-type: application/json\r\n", body.to_string())
}

/// What an endpoint answers to a body.
type Told = Box<dyn Fn(&str) -> Answered + Send + Sync>;

async fn embed(place: &Place, url: &str, out: &str) -> Done {
    let out = argument(&place.path(out));
    let arguments =
        ["report", "j", "--out", &out, "--embeddings", url, "--embedding-model", "small"];
    let mut command = place.command(&arguments);
    command.env("BEACON_EMBEDDINGS_KEY", KEY).env("BEACON_LOG", "trace");
    finished(command).await
}

#[tokio::test]
async fn answers_are_sent_once_and_a_rebuild_asks_nobody() {
    let place = Place::new();
    with_a_report(&place).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let api = Fake::reading(move |head, body| {
        seen.lock().unwrap().push((head.to_owned(), body.to_owned()));
        Some(answered(200, &vectors(body)))
    })
    .await;
    let url = format!("{}/v1/", api.url());
    let done = embed(&place, &url, "e").await;
    assert_eq!(done.code, Some(0), "{done:?}");
    drop(api);

    let export = files(&place.path("a"))["export.jsonl"].clone();
    let rows: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with_words =
        |row: &&Value| row["response"].as_str().is_some_and(|text| !text.trim().is_empty());
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let mut sent = 0;
    for (head, body) in &asked {
        assert!(head.starts_with("POST /v1/embeddings "), "{head}");
        assert!(head.to_lowercase().contains(&format!("authorization: bearer {KEY}")));
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["model"], "small");
        let input = body["input"].as_array().unwrap();
        assert!((1..=64).contains(&input.len()));
        sent += input.len();
    }
    assert_eq!(sent, rows.iter().filter(with_words).count());

    let written = files(&place.path("e"));
    let job: Value = serde_json::from_str(&written["job.json"]).unwrap();
    assert_eq!(job["embeddings"]["model"], "small");
    let questions = job["embeddings"]["questions"].as_array().unwrap();
    assert_eq!(questions.len(), 4 * 2);
    for question in questions {
        let of_pair = |row: &&Value| {
            row["question"] == question["question"] && row["model_id"] == question["model_id"]
        };
        let of_pair: Vec<&Value> = rows.iter().filter(of_pair).filter(with_words).collect();
        for (name, same) in [("between", false), ("within", true)] {
            let told = question[name]["known"].as_f64().unwrap();
            assert!((told - slowly(&of_pair, same)).abs() < 1e-9, "{name} of {question}");
        }
    }
    assert!(written["report.md"].contains("small"), "the report names the embedding model");
    for text in [&done.stdout, &done.stderr, &written["job.json"], &written["index.html"]] {
        assert!(!text.contains(KEY), "the key is told");
    }
    let text =
        rows.iter().find_map(|row| row["response"].as_str().filter(|t| t.len() > 30)).unwrap();
    assert!(!done.stderr.contains(text), "an answer is logged");

    let (e, f) = (argument(&place.path("e")), argument(&place.path("f")));
    report(&place, &["--from", &e, "--out", &f]).await;
    assert_eq!(files(&place.path("f")), written);
}

/// Mean of 1 − cosine, pair by pair.
fn slowly(rows: &[&Value], same: bool) -> f64 {
    let vector = |row: &Value| -> Vec<f64> {
        let body = json!({"input": [row["response"]]}).to_string();
        serde_json::from_value(vectors(&body)["data"][0]["embedding"].clone()).unwrap()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (at, a) in rows.iter().enumerate() {
        for b in &rows[at + 1..] {
            if (a["region"] == b["region"]) == same {
                let (a, b) = (vector(a), vector(b));
                sum += 1.0 - dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
                pairs += 1.0;
            }
        }
    }
    sum / pairs
}

#[tokio::test]
async fn an_endpoint_that_is_of_no_use_is_named_without_what_it_says() {
    let place = Place::new();
    with_a_report(&place).await;
    let data = |embedding: Value| json!({"data": [{"index": 0, "embedding": embedding}]});
    let zeros = |body: &str| {
        let mut vectors = vectors(body);
        for vector in vectors["data"].as_array_mut().unwrap() {
            vector["embedding"] = json!([0, 0]);
        }
        vectors
    };
    let ragged = |body: &str| {
        let mut vectors = vectors(body);
        vectors["data"][0]["embedding"] = json!([1]);
        vectors
    };
    let said = json!({"error": {"message": format!("wrong key {KEY}")}});
    let of = |status: u16, body: Value| -> Told { Box::new(move |_| answered(status, &body)) };
    let cases: Vec<(Told, &[&str])> = vec![
        (of(401, said.clone()), &["HTTP 401", "set BEACON_EMBEDDINGS_KEY"]),
        (of(404, said.clone()), &["HTTP 404", "--embedding-model"]),
        (of(429, said.clone()), &["HTTP 429", "too many"]),
        (of(302, said.clone()), &["HTTP 302"]),
        (of(200, said), &["not of the form of OpenAI's API"]),
        (of(200, data(json!([1, 2]))), &["1 vectors for"]),
        (Box::new(move |body| answered(200, &zeros(body))), &["no direction"]),
        (Box::new(move |body| answered(200, &ragged(body))), &["where", "were expected"]),
    ];
    for (answer, parts) in cases {
        let api = Fake::reading(move |_head, body| Some(answer(body))).await;
        let done = embed(&place, &api.url(), "e").await;
        assert_eq!(done.code, Some(2), "{done:?}");
        let error = done.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        for part in parts.iter().chain([&&*api.address.to_string()]) {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!done.stderr.contains(KEY), "{error}");
        assert!(!place.path("e").exists(), "nothing half is left");
    }
    for (url, told) in [
        ("http://beacon.example/v1", "in clear"),
        ("http://u:p@127.0.0.1/v1", "leave user"),
        ("ftp://127.0.0.1/v1", "no address"),
        ("nonsense", "no address"),
        ("http://127.0.0.1:9/v1", "no embeddings endpoint answers"),
    ] {
        let done = embed(&place, url, "e").await;
        assert!(done.code == Some(2) && done.stderr.contains(told), "{told}: {done:?}");
    }
}

#[tokio::test]
async fn texts_that_could_not_be_taken_are_sent_again() {
    let place = Place::new();
    with_a_report(&place).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let api = Fake::reading(move |_head, body| {
        let mut seen = seen.lock().unwrap();
        seen.push(body.to_owned());
        let again = "retry-after: 0\r\ncontent-type: application/json\r\n";
        Some(match seen.len() {
            1 => (429, again, String::new()),
            2 => (503, again, String::new()),
            _ => answered(200, &vectors(body)),
        })
    })
    .await;
    let done = embed(&place, &api.url(), "e").await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert!(
        asked.len() > 3 && asked[0] == asked[1] && asked[1] == asked[2] && asked[2] != asked[3]
    );
}
