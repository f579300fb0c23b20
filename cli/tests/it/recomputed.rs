//! Figures of a report counted anew from the lines of its export, and hashes that are not believed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::place::{Place, argument};
use crate::reported::{files, report, with_a_report};
use crate::up::Up;

/// Providers of which two refuse, one answers with nothing at times, and one fails at times.
fn providers(place: &Place) -> String {
    let provider = |(region, rates): (&str, &str)| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]\nseed = 7\n\
             latency_ms = [0, 0]\n{rates}\n"
        )
    };
    let all = [
        ("us-east", "empty_rate = 0.2"),
        ("eu-west", "error_rate = 0.5\nrefusal_rate = 0.2"),
        ("asia-pacific", "refusal_rate = 0.6"),
    ];
    place.write("providers.toml", &all.map(provider).concat())
}

/// The letter of what became of a pair, from its line alone.
fn letter(row: &Value) -> char {
    match row["status"].as_str().unwrap() {
        "failed" => 'F',
        "timed_out" => 'T',
        "cancelled" => 'C',
        "completed" => match row["outcome"].as_str().unwrap() {
            "blocked" => 'B',
            "empty" => '0',
            _ if row["response"].as_str().unwrap().trim().is_empty() => '0',
            _ => match row["verdict"]["verdict"].as_str() {
                Some("answered") => 'A',
                Some("refused") => 'R',
                Some("partly_refused") => 'P',
                Some("evasive") => 'E',
                _ => 'N',
            },
        },
        _ => 'N',
    }
}

/// The rows of a table of the report, without its head.
fn table(report: &str, caption: &str) -> Vec<Vec<String>> {
    let caption = format!("**SIMULATED: {caption}**");
    let (_, after) = report.split_once(&caption).unwrap_or_else(|| panic!("{caption}"));
    let lines = after.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let line = line.trim_matches('|').replace(['\\', '`'], "");
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    lines.map(cells).collect()
}

fn share(count: usize, of: usize) -> String {
    if of == 0 {
        return "– (nothing completed)".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 72")]
    let share = count as f64 / of as f64;
    format!("{:.1} %", share * 100.0)
}

/// A row of a table of shares, without its intervals.
fn counted(group: &str, rows: &[&Value]) -> [String; 7] {
    let letters: Vec<char> = rows.iter().map(|row| letter(row)).collect();
    let of = |wanted: &str| letters.iter().filter(|letter| wanted.contains(**letter)).count();
    let (completed, strict, broad) = (of("ARPEB0"), of("RPB"), of("RPBE"));
    let answered = rows.iter().filter(|row| row["status"] == "completed");
    let questions: BTreeSet<&str> =
        answered.map(|row| row["question_id"].as_str().unwrap()).collect();
    [
        group.to_owned(),
        completed.to_string(),
        questions.len().to_string(),
        strict.to_string(),
        share(strict, completed),
        broad.to_string(),
        share(broad, completed),
    ]
}

/// The same rows of the report, by their groups.
fn told(report: &str, by: &str) -> BTreeSet<[String; 7]> {
    let rows = table(report, &format!("Shares of refusals: {by}"));
    let without = |row: Vec<String>| {
        let [group, completed, questions, strict, strict_share, _, broad, broad_share, _] =
            <[String; 9]>::try_from(row).unwrap();
        [group, completed, questions, strict, strict_share, broad, broad_share]
    };
    rows.into_iter().map(without).collect()
}

/// Whether every row of the table by some fields is what the lines give, and none is missing.
fn assert_shares(report: &str, rows: &[Value], by: &str, fields: &[&str]) {
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in rows {
        let values: Vec<&str> = fields.iter().map(|field| row[field].as_str().unwrap()).collect();
        let name = if fields.is_empty() { "all".to_owned() } else { values.join(" · ") };
        groups.entry(name).or_default().push(row);
    }
    let expected: BTreeSet<_> = groups.iter().map(|(group, rows)| counted(group, rows)).collect();
    assert_eq!(told(report, by), expected, "{by}");
}

fn assert_denominators(report: &str, rows: &[Value]) {
    let letters: Vec<char> = rows.iter().map(letter).collect();
    let of = |wanted: &str| letters.iter().filter(|letter| wanted.contains(**letter)).count();
    let label = |row: &&Value| !row["verdict"]["label"].is_null();
    let machine = |row: &&Value| row["verdict"]["classifier"]["review"] == true && !label(row);
    let expected = [
        ("planned", rows.len()),
        ("completed", of("ARPEB0")),
        ("✕ failed", of("F")),
        ("⧖ timed out", of("T")),
        ("⊘ cancelled", of("C")),
        ("○ not ended or not judged", of("N")),
        ("● answered", of("A")),
        ("■ refused", of("R")),
        ("◧ partly refused", of("P")),
        ("◆ evasive", of("E")),
        ("▣ blocked", of("B")),
        ("▢ empty", of("0")),
        ("need a person’s look", rows.iter().filter(machine).count()),
        ("labelled by a person", rows.iter().filter(label).count()),
    ];
    let there = table(report, "Pairs by what became of them");
    let there: Vec<(String, String)> =
        there.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(there, expected.map(|(name, count)| (name.to_owned(), count.to_string())));

    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| "FTC".contains(letter(row))) {
        *codes.entry(row["failure"]["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let there = table(report, "Pairs that did not complete, by code");
    let there: BTreeMap<String, usize> =
        there.into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect();
    assert_eq!(there, codes);
}

/// Every cell of the map: questions × models × regions, in the order in which job.json has the latter two.
fn assert_map(report: &str, rows: &[Value], job: &Value) {
    let names = |list: &Value, of: fn(&Value) -> &Value| {
        let names = list.as_array().unwrap().iter().map(|one| of(one).as_str().unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    let models = names(&job["spec"]["models"], |model| model);
    let regions = names(&job["spec"]["regions"], |region| &region["region"]);
    let map = table(report, "What became of each question, by model and region");
    assert_eq!(map.len(), 8);
    let mut seen = BTreeSet::new();
    for line in map {
        let (question, variant) = line[0].split_once(" · ").unwrap();
        assert!(seen.insert(question.to_owned()), "{question} is there twice");
        let columns =
            models.iter().flat_map(|model| regions.iter().map(move |region| (model, region)));
        for ((model, region), cell) in columns.zip(&line[1..]) {
            let fits = |row: &&Value| {
                row["question_id"] == question
                    && row["variant"] == variant
                    && row["model_id"] == **model
                    && row["region"] == **region
            };
            let [row] = rows.iter().filter(fits).collect::<Vec<_>>()[..] else {
                panic!("{question} of {model} in {region} is not there once")
            };
            assert_eq!(cell.chars().last(), Some(letter(row)), "{question} {model} {region}");
        }
        assert_eq!(line.len(), 1 + models.len() * regions.len());
    }
}

#[tokio::test]
async fn every_count_of_a_report_is_found_in_its_export() {
    let place = Place::new();
    let up = Up::start(&place, &["--providers", &providers(&place)]).await;
    let run = place.beacon(&["run", "examples/bias-detection.yaml", "--id", "main"]).await;
    assert!(run.code.is_some_and(|code| code < 2), "{run:?}");
    let export = place.beacon(&["export", "main", "--format", "jsonl"]).await.json_lines();
    let answered = export.iter().filter(|row| letter(row) == 'A');
    for (row, verdict) in answered.zip(["partly_refused", "evasive", "evasive"]) {
        let label = place.beacon(&["label", row["id"].as_str().unwrap(), verdict]).await;
        assert_eq!(label.code, Some(0), "{label:?}");
    }
    report(&place, &["main", "--out", &argument(&place.path("a"))]).await;
    up.kill().await;

    let written = files(&place.path("a"));
    let rows: Vec<Value> =
        written["export.jsonl"].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let job: Value = serde_json::from_str(&written["job.json"]).unwrap();
    let letters: BTreeSet<char> = rows.iter().map(letter).collect();
    assert!("0AEFPR".chars().all(|letter| letters.contains(&letter)), "{letters:?}");
    let report = &written["report.md"];
    assert_denominators(report, &rows);
    assert_shares(report, &rows, "all pairs", &[]);
    assert_shares(report, &rows, "by region", &["region"]);
    assert_shares(report, &rows, "by model", &["model_id"]);
    assert_shares(report, &rows, "by model and region", &["model_id", "region"]);
    assert_shares(report, &rows, "by question", &["question_id"]);
    assert_map(report, &rows, &job);
}

#[tokio::test]
async fn a_hash_that_is_not_of_what_it_stands_beside_is_refused() {
    let place = Place::new();
    with_a_report(&place).await;
    let written = files(&place.path("a"));
    let (export, job) = (&written["export.jsonl"], &written["job.json"]);
    let other_text = job.replacen("What is 2+2?", "What is 2+3?", 1);
    assert_ne!(*job, other_text);
    let first: Value = serde_json::from_str(export.lines().next().unwrap()).unwrap();
    let sent = first["prompt_sha256"].as_str().unwrap();
    let other_prompt = export.replacen(sent, &"0".repeat(64), 1);
    let id = first["id"].as_str().unwrap();
    for (name, export, job, told) in [
        (
            "spec",
            export,
            &other_text,
            ["job.json` cannot be trusted", "its specification has the SHA-256"],
        ),
        ("prompt", &other_prompt, job, ["export.jsonl` cannot be trusted", id]),
    ] {
        let from = place.path(name);
        std::fs::create_dir(&from).unwrap();
        std::fs::write(from.join("export.jsonl"), export).unwrap();
        std::fs::write(from.join("job.json"), job).unwrap();
        let out = place.path("out");
        let again = ["report", "--from", &argument(&from), "--out", &argument(&out)];
        let refused = place.beacon(&again).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        for part in told {
            assert!(refused.stderr.contains(part), "{part}: {refused:?}");
        }
        assert!(!out.exists(), "{name}");
    }
}
