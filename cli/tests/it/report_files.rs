//! What a report is not made from, and what it never overwrites.

use std::path::Path;

use serde_json::Value;

use crate::place::{Done, Place, argument};
use crate::reported::{FILES, files, report, with_a_report};

/// A directory with a report's two data files, changed.
fn changed(place: &Place, name: &str, change: impl Fn(&mut String, &mut Value)) -> String {
    let mut data = files(&place.path("a"));
    let (mut export, job) = (data.remove("export.jsonl").unwrap(), &data["job.json"]);
    let mut job: Value = serde_json::from_str(job).unwrap();
    change(&mut export, &mut job);
    let folder = place.path(name);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("export.jsonl"), export).unwrap();
    std::fs::write(folder.join("job.json"), job.to_string()).unwrap();
    argument(&folder)
}

/// Changes an export and its job.
type Change = fn(&mut String, &mut Value);

async fn refused(place: &Place, arguments: &[&str], parts: &[&str]) -> Done {
    let done = place.beacon(&[&["report"], arguments].concat()).await;
    assert_eq!(done.code, Some(2), "{done:?}");
    assert_eq!(done.stdout, "");
    for part in parts {
        assert!(done.stderr.contains(part), "{part}: {done:?}");
    }
    done
}

/// Changes a line's text.
fn line(export: &mut String, number: usize, change: impl Fn(&str) -> String) {
    let lines = export.lines().zip(1..);
    let lines = lines.map(|(text, at)| if at == number { change(text) } else { text.to_owned() });
    *export = lines.map(|line| line + "\n").collect();
}

#[tokio::test]
async fn data_that_are_not_a_jobs_whole_export_are_named() {
    let place = Place::new();
    with_a_report(&place).await;
    let pairs = files(&place.path("a"))["export.jsonl"].lines().count();
    assert_eq!(pairs, 4 * 2 * 3 * 2);
    let cases: [(&str, Change, &[&str]); 11] = [
        ("half", |export, _| export.truncate(export.len() - 40), &["line 48", "cut off"]),
        (
            "short",
            |export, _| export.truncate(export.trim_end().rfind('\n').unwrap() + 1),
            &["47 of the job's 48 pairs"],
        ),
        (
            "no-json",
            |export, _| {
                line(export, 5, |text| text.replacen(':', ";", 1));
            },
            &["line 5", "no pair"],
        ),
        (
            "no-pair",
            |export, _| {
                line(export, 7, |text| text.replacen("\"status\"", "\"state\"", 1));
            },
            &["line 7", "no pair"],
        ),
        (
            "other-job",
            |export, _| {
                line(export, 3, |text| text.replacen("\"job_id\":\"j\"", "\"job_id\":\"k\"", 1));
            },
            &["line 3", "of the job `k`, and job.json is of `j`"],
        ),
        (
            "twice",
            |export, _| {
                let first = export.lines().next().unwrap().to_owned();
                line(export, 2, |_| first.clone());
            },
            &["line 2", "a line of its own already"],
        ),
        (
            "other-model",
            |export, _| {
                line(export, 2, |text| text.replace("llama3.2-1b", "gpt-9"));
            },
            &["line 2", "no such pair"],
        ),
        (
            "other-question",
            |export, _| {
                line(export, 1, |text| text.replacen("\"question\":0", "\"question\":9", 1));
            },
            &["line 1", "no question 9"],
        ),
        ("form", |_, job| job["format"] = "beacon-job/9".into(), &["job.json", "`beacon-job/9`"]),
        ("no-job", |_, job| job["spec"] = 7.into(), &["job.json", "no job.json of a report"]),
        (
            "rules",
            |export, _| {
                let judged = export.lines().position(|line| line.contains("\"rules\":\"")).unwrap();
                line(export, judged + 1, |text| text.replacen("\"rules\":\"", "\"rules\":\"0", 1));
            },
            &["export.jsonl` holds answers judged by the rules `0", "export it anew"],
        ),
    ];
    for (name, change, parts) in cases {
        let from = changed(&place, name, change);
        let out = argument(&place.path("out"));
        let done = refused(&place, &["--from", &from, "--out", &out], parts).await;
        assert!(
            !done.stderr.contains("simulated answer"),
            "no text of an answer is told: {done:?}"
        );
        assert!(!Path::new(&out).exists(), "{name}");
    }
    let nowhere = argument(&place.path("nowhere"));
    refused(&place, &["--from", &nowhere, "--out", &argument(&place.path("out"))], &[&nowhere])
        .await;
}

#[tokio::test]
async fn nothing_but_an_earlier_report_of_the_same_job_is_overwritten() {
    let place = Place::new();
    with_a_report(&place).await;
    let (a, b) = (argument(&place.path("a")), argument(&place.path("b")));
    let written = files(&place.path("a"));

    // Somebody's page, though it has a report's name.
    std::fs::create_dir(&b).unwrap();
    place.write("b/index.html", "mine");
    refused(&place, &["j", "--out", &b], &["`index.html`", "no part of a report"]).await;
    refused(&place, &["--from", &a, "--out", &b], &["`index.html`"]).await;
    assert_eq!(files(Path::new(&b))["index.html"], "mine");

    place.write("a/notes.txt", "mine");
    refused(&place, &["j", "--out", &a], &["`notes.txt`", "choose another directory"]).await;
    std::fs::remove_file(place.path("a/notes.txt")).unwrap();
    assert_eq!(files(Path::new(&a)), written);

    let spec =
        place.write("other.yaml", "questions: [math_basic]\nmodels: [mistral-7b]\nregions: [US]\n");
    let run = place.beacon(&["run", &spec, "--id", "other"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    refused(&place, &["other", "--out", &a], &["the report of another job, `j`"]).await;
    assert_eq!(files(Path::new(&a)), written);

    // What a report is replaced by is whole, and what was left behind is no reason to refuse.
    place.write("a/report.md", "old");
    place.write("a/.beacon-x1-export.jsonl", "half");
    place.write("a/.beacon-notes", "mine");
    let theirs = place.write("a/.beacon-x2-job.json", "of a process that goes on");
    let theirs = std::fs::File::open(theirs).unwrap();
    theirs.lock().unwrap();
    report(&place, &["j", "--out", &a]).await;
    let mut again = files(Path::new(&a));
    again.remove(".beacon-notes").expect("it is no report's");
    again.remove(".beacon-x2-job.json").expect("somebody writes it");
    assert_eq!(again.keys().collect::<Vec<_>>(), FILES);
    assert_eq!(again, written);
    drop(theirs);
}

#[tokio::test]
async fn a_report_is_of_a_job_or_of_a_directory() {
    let place = Place::new();
    let out = argument(&place.path("out"));
    for (arguments, told) in [
        (&["j", "--from", "d", "--out", &*out][..], "--from"),
        (&["--out", &out], "JOB"),
        (&["j"], "--out"),
        (&["--from", "d", "--out", &out, "--stack", "s"], "leave --stack out"),
        (&["j", "--out", &out, "--embeddings", "http://h"], "--embedding-model"),
    ] {
        refused(&place, arguments, &[told]).await;
    }
}
