//! `beacon export`: its documented columns, the same in both forms, and how little of a job it holds.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::fake::Fake;
use crate::place::{Done, Place, argument, elsewhere, eventually, finished, within};
use crate::up::{first_error_line, first_line, send};

/// A pair with a verdict and a person's label, whose texts a spreadsheet would run.
fn labelled() -> Value {
    serde_json::from_str(LABELLED).unwrap()
}

const LABELLED: &str = r#"{
    "id": "-j.0.us-east.0.m", "job_id": "-j", "question_id": "-q", "variant": "base",
    "question": 0, "category": "=cmd|' /C calc'!A0", "language": "zh", "model_id": "m",
    "region": "us-east", "region_asked": "  US", "sample": 0, "status": "completed",
    "response_classification": "content_refusal", "is_substantive": false,
    "is_content_refusal": true, "response_length": 30, "failure": null, "retries": 0, "retry_count": 0, "max_retries": 3,
    "created_at": "2026-11-26T10:00:00Z", "receipt": null, "has_receipt": false,
    "output": null, "run": 2, "outcome": "text",
    "response": "＝\"quoted\", and\r\na 行 \u001b[2J", "finish_reason": "@stop",
    "provider_id": "p", "served_model": "+m", "served_region": "us-east", "input_tokens": 7,
    "output_tokens": 11, "cost": 1.5e-7, "simulated": false, "prompt_sha256": "0a",
    "sampling": {"temperature": 0.1, "max_tokens": 500, "seed": 9007199254740991, "top_p": 0.25},
    "attempts": 1, "maybe_billed": 0, "started_at": "2026-11-26T10:00:00.123456789Z",
    "completed_at": "2026-11-26T10:00:01Z", "duration_ms": 877,
    "verdict": {
        "verdict": "refused", "rules": "2026-11-26",
        "classifier": {
            "verdict": "partly_refused", "confidence": 0.1234567890123456, "review": true,
            "evidence": [{"rule": "en.a", "start": 0, "end": 3}, {"rule": "en.b", "start": 4, "end": 6}]
        },
        "label": {
            "verdict": "refused", "by": "-ann", "at": "2026-11-26T11:00:00Z", "note": "=1+1"
        }
    }
}"#;

/// The same pair with other of its fields.
fn with(changes: &Value) -> Value {
    let mut row = labelled();
    let changes = changes.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(changes);
    row
}

fn rows() -> Vec<Value> {
    let failure = json!({"stage": "router_inference", "code": "RATE_LIMITED", "message": "-no",
        "retryable": true, "maybe_billed": false, "attempts": 3});
    let failed = with(&json!({"id": "-j.0.us-east.1.m", "sample": 1, "status": "failed",
        "failure": failure, "outcome": null, "response": null, "verdict": null, "cost": null,
        "provider_id": null, "finish_reason": null, "input_tokens": null}));
    let mut pending = with(&json!({"id": "-j.0.us-east.2.m", "sample": 2, "status": "pending",
        "verdict": null, "category": null, "language": null}));
    let kept = pending.as_object_mut().unwrap();
    for field in ["run", "response", "sampling", "prompt_sha256", "started_at", "completed_at"] {
        kept.remove(field);
    }
    vec![labelled(), failed, pending]
}

async fn serving(pages: impl Fn(usize) -> Option<Value> + Send + Sync + 'static) -> Fake {
    Fake::start(move |head| {
        let page = head
            .split("cursor=")
            .nth(1)
            .map_or(0, |rest| rest.split_whitespace().next().unwrap().parse().unwrap());
        let cursor = pages(page + 1).map(|_next| (page + 1).to_string());
        let executions = pages(page).unwrap();
        let body = json!({"executions": executions, "cursor": cursor, "limit": 1, "total": 3});
        Some((200, "content-type: application/json\r\n", body.to_string()))
    })
    .await
}

async fn export(api: &Fake, arguments: &[&str]) -> Done {
    let command = ["export", "--api", &api.url(), "--format"];
    // A job's id may begin with a dash.
    finished(elsewhere(&[&command[..], arguments, &["--", "-j"]].concat())).await
}

/// The documented columns, each with where it comes from in JSONL.
fn documented() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/export.md");
    let text = std::fs::read_to_string(file).unwrap();
    let table = text.split("| column | in JSONL |").nth(1).unwrap();
    let lines = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].to_owned(), cells[2].to_owned())).collect()
}

fn csv(text: &str) -> (Vec<String>, Vec<BTreeMap<String, String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| {
        let cells = record.unwrap();
        assert_eq!(cells.len(), header.len());
        header.iter().cloned().zip(cells.iter().map(str::to_owned)).collect()
    });
    let rows = rows.collect();
    (header, rows)
}

/// What the documentation says that a cell is.
fn expected(column: &str, path: &str, row: &Value) -> String {
    let value = |path: &str| path.split('.').fold(row, |value, name| &value[name]).clone();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    if column == "verdict_by" {
        return match (&row["verdict"], &row["verdict"]["label"]) {
            (Value::Null, _) => String::new(),
            (_, Value::Null) => "classifier".to_owned(),
            (_, _) => "person".to_owned(),
        };
    }
    if let Some((list, name)) = path.split_once("[].") {
        let list = value(list);
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        return items.iter().map(|item| text(&item[name])).collect::<Vec<_>>().join(" ");
    }
    text(&value(path))
}

/// Asserts that each cell is what its documentation says, numbers by their value.
fn assert_agree(lines: &[Value], rows: &[BTreeMap<String, String>]) {
    assert_eq!(lines.len(), rows.len());
    for (line, row) in lines.iter().zip(rows) {
        for (column, path) in documented() {
            let (cell, expected) = (&row[&column], expected(&column, &path, line));
            let unquoted = cell.strip_prefix('\'').unwrap_or(cell);
            let number = |text: &str| text.parse::<f64>().ok();
            let same =
                unquoted == expected || number(cell).is_some() && number(cell) == number(&expected);
            assert!(same, "{column}: {cell:?} is not {expected:?} of {line}");
        }
    }
}

#[tokio::test]
async fn the_documented_columns_are_the_header_and_agree_with_jsonl() {
    let api = serving(|page| rows().get(page).map(|row| json!([row]))).await;
    let (lines, table) = (export(&api, &["jsonl"]).await, export(&api, &["csv"]).await);
    assert_eq!((lines.code, table.code), (Some(0), Some(0)), "{lines:?} {table:?}");
    let (header, rows) = csv(&table.stdout);
    let documented: Vec<String> = documented().into_iter().map(|(column, _)| column).collect();
    assert_eq!(header, documented);
    assert_agree(&lines.json_lines(), &rows);
    assert_eq!(table.stdout.matches("\r\n").count(), 1 + 3 + 1, "{table:?}");
}

#[tokio::test]
async fn no_cell_is_a_formula() {
    let api = serving(|page| rows().get(page).map(|row| json!([row]))).await;
    let (_, rows) = csv(&export(&api, &["csv"]).await.stdout);
    for (column, cell) in rows.iter().flatten() {
        let starts = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＠']);
        assert!(!starts, "{column}: {cell}");
    }
    let first = &rows[0];
    assert_eq!(first["execution_id"], "'-j.0.us-east.0.m");
    assert_eq!(first["label_note"], "'=1+1");
    assert_eq!(first["response"], "'＝\"quoted\", and\r\na 行 \u{1b}[2J");
    assert_eq!(first["cost"].parse::<f64>().unwrap().to_string(), "0.00000015");
}

#[tokio::test]
async fn a_job_that_ran_is_the_same_in_both_forms() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let text = std::fs::read_to_string(&providers).unwrap();
    place.write("providers.toml", &text.replacen("empty_rate = 0.05", "error_rate = 0.5", 1));
    let spec = "questions: [math_basic, {id: q, text: 'Q, \"R\"?', category: c, language: en}]\n\
                models: [llama3.2-1b, mistral-7b]\nregions: [US, EU]\nsamples: 3\nstop: never\n";
    let spec = place.write("spec.yaml", spec);
    let run = place.beacon(&["run", &spec, "--id", "j", "--providers", &providers]).await;
    assert!(run.code.is_some_and(|code| code < 2), "{run:?}");
    let lines = place.beacon(&["export", "j", "--format", "jsonl"]).await.json_lines();
    let file = place.path("answers.csv");
    let out = ["export", "j", "--format", "csv", "--out", &argument(&file)];
    let written = place.beacon(&out).await;
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    let (_, rows) = csv(&std::fs::read_to_string(&file).unwrap());
    assert_eq!(rows.len(), 2 * 2 * 2 * 3);
    assert_agree(&lines, &rows);
    let grouped = rows.iter().filter(|row| row["question_id"] == "q");
    assert!(grouped.clone().count() == 12 && grouped.clone().all(|row| row["category"] == "c"));
}

#[tokio::test]
async fn no_more_than_a_page_is_held() {
    const PAGES: usize = 24;
    let answer = "x".repeat(20_000);
    let page = move |page: usize| {
        let row = |n| with(&json!({"id": format!("-j.{page}.us-east.{n}.m"), "response": answer}));
        (page < PAGES).then(|| Value::from((0..10).map(row).collect::<Vec<_>>()))
    };
    let bytes = page(0).unwrap().to_string().len() as u64;
    for format in ["jsonl", "csv"] {
        let place = Place::new();
        let folder = place.path("out");
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("export");
        let (page, watched) = (page.clone(), folder.clone());
        let (asked, held) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, most) = (Arc::clone(&asked), Arc::clone(&held));
        let api = serving(move |number| {
            // The first look at a page is whether there is one.
            let wanted = page(number)?;
            if number > 0 && counted.fetch_max(number as u64, Ordering::SeqCst) < number as u64 {
                let told = (number as u64 - 1) * bytes;
                most.fetch_max(told.saturating_sub(written(&watched)), Ordering::SeqCst);
            }
            Some(wanted)
        })
        .await;
        let done = export(&api, &[format, "--out", &argument(&file)]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        assert_eq!(asked.load(Ordering::SeqCst), PAGES as u64 - 1);
        let held = held.load(Ordering::SeqCst);
        assert!(held <= bytes, "{format}: {held} of {} bytes are held", bytes * PAGES as u64);
        assert!(std::fs::metadata(&file).unwrap().len() > bytes * PAGES as u64 / 2);
    }
}

/// Bytes that are there of the file that is not whole yet.
fn written(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files.map(|file| file.metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn whoever_reads_the_first_row_alone_is_told_of_no_error() {
    let answer = "x".repeat(20_000);
    let row = with(&json!({"response": answer}));
    let rows = vec![row; 20];
    let api = serving(move |page| (page < 20).then(|| json!(rows))).await;
    for format in ["jsonl", "csv"] {
        let mut command =
            elsewhere(&["export", "--api", &api.url(), "--format", format, "--", "-j"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        assert!(!first_line(&mut child).await.is_empty());
        drop(child.stdout.take());
        let output = within(child.wait_with_output()).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
        assert_eq!(output.status.code(), Some(141), "{format}");
    }
}

#[tokio::test]
async fn an_export_that_breaks_off_leaves_the_file_as_it_was() {
    let place = Place::new();
    let file = place.write("answers.csv", "mine\n");
    let api = Fake::start(|head| {
        let first = json!({"executions": [labelled()], "cursor": "1", "limit": 1, "total": 3});
        let broken = json!({"error": "no table", "error_code": "table_unavailable"});
        let (status, body) = if head.contains("cursor=") { (503, broken) } else { (200, first) };
        Some((status, "content-type: application/json\r\n", body.to_string()))
    })
    .await;
    let done = export(&api, &["csv", "--out", &file]).await;
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stderr.contains("no table"), "{done:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine\n");
    let left: Vec<PathBuf> =
        std::fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [PathBuf::from(&file)], "nothing unfinished is left");
    let nowhere = argument(&place.path("none/answers.csv"));
    let done = export(&api, &["csv", "--out", &nowhere]).await;
    assert!(done.stderr.contains(&nowhere) && done.code == Some(2), "{done:?}");
}

#[tokio::test]
async fn an_interrupted_export_leaves_nothing_behind() {
    let place = Place::new();
    let api = Fake::start(|head| {
        let page = json!({"executions": [labelled()], "cursor": "1", "limit": 1, "total": 3});
        let headers = "content-type: application/json\r\n";
        (!head.contains("cursor=")).then(|| (200, headers, page.to_string()))
    })
    .await;
    for signal in ["INT", "TERM"] {
        let out = argument(&place.path("answers.csv"));
        let arguments = ["export", "j", "--api", &api.url(), "--format", "csv", "--out", &out];
        let mut child = elsewhere(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let there = async || (names(&place.path("")).len() == 1).then_some(());
        eventually("a file that is not whole", there).await;
        send(signal, &child);
        let told = first_error_line(&mut child).await;
        let expected = "interrupted: the export of j is not written, and nothing of it is left";
        assert_eq!(told, format!("{expected}; repeat the command"));
        assert_eq!(within(child.wait()).await.unwrap().code(), Some(130));
        assert!(names(&place.path("")).is_empty(), "{signal}");
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn only_a_file_is_replaced_and_its_mode_stays() {
    let place = Place::new();
    // Nobody is asked: an address at which nobody is would be an error of its own.
    let asked = |out: &str| {
        let nobody = "http://127.0.0.1:9";
        elsewhere(&["export", "j", "--api", nobody, "--format", "jsonl", "--out", out])
    };
    std::fs::create_dir(place.path("folder")).unwrap();
    std::os::unix::fs::symlink("/dev/null", place.path("link")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(pipe.success());
    for (out, is) in [
        (argument(&place.path("folder")), "a directory"),
        (argument(&place.path("link")), "a symbolic link"),
        (argument(&place.path("pipe")), "a pipe"),
        ("/dev/null".to_owned(), "a device"),
    ] {
        let done = finished(asked(&out)).await;
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains(&format!("`{out}` is {is}")), "{done:?}");
    }
    let api = serving(|page| rows().get(page).map(|row| json!([row]))).await;
    let file = place.write("answers.jsonl", "old");
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let done = export(&api, &["jsonl", "--out", &file]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn pages_that_never_end_are_refused() {
    // Each page names itself, or the one before it.
    for (other, pages) in [("a", 2), ("b", 3)] {
        let asked = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&asked);
        let api = Fake::start(move |head| {
            counted.fetch_add(1, Ordering::SeqCst);
            let cursor = if head.contains("cursor=a") { other } else { "a" };
            let page = json!({"executions": [], "cursor": cursor, "limit": 1, "total": 3});
            Some((200, "content-type: application/json\r\n", page.to_string()))
        })
        .await;
        let done = export(&api, &["jsonl"]).await;
        assert_eq!(done.code, Some(2), "{done:?}");
        let told = "a page names one that was read already as the next";
        assert!(done.stderr.contains(told), "{done:?}");
        assert_eq!(asked.load(Ordering::SeqCst), pages);
    }
    let large = Fake::start(|_| Some((200, "", " ".repeat((64 << 20) + 1)))).await;
    let done = export(&large, &["jsonl"]).await;
    assert!(done.stderr.contains("more than 67108864 bytes"), "{done:?}");
}
