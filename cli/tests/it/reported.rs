//! `beacon report`: its files, the same bytes from the data alone, and the ending of a followed job.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::answers::Answers;
use crate::place::{Done, Place, argument, elsewhere, eventually, finished, within};
use crate::up::{Up, first_error_line, first_line, send};

pub(crate) const FILES: [&str; 4] = ["export.jsonl", "index.html", "job.json", "report.md"];

/// Two variants, two samples, three regions, and one question that has a wrong answer.
pub(crate) const SPEC: &str = "name: 'A <b>job</b>'\n\
    questions: [math_basic, tiananmen_neutral, {id: q, text: 'Q?', category: own, variants: {v: 'V?'}}]\n\
    models: [llama3.2-1b, mistral-7b]\nregions: [US, EU, ASIA]\nsamples: 2\nsystem_prompt: none\n";

/// A job that has ended, and whose report is in `a`.
pub(crate) async fn with_a_report(place: &Place) -> Done {
    let providers = place.providers("[0, 0]");
    let spec = place.write("spec.yaml", SPEC);
    let run = place.beacon(&["run", &spec, "--id", "j", "--providers", &providers]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    report(place, &["j", "--out", &argument(&place.path("a"))]).await
}

pub(crate) async fn report(place: &Place, arguments: &[&str]) -> Done {
    let done = place.beacon(&[&["report"], arguments].concat()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

/// A directory's files.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text)
    };
    entries.map(file).collect()
}

#[tokio::test]
async fn a_report_is_made_again_from_its_data_alone_byte_for_byte() {
    let place = Place::new();
    let told = with_a_report(&place).await;
    let (a, b) = (place.path("a"), place.path("b"));
    let written = files(&a);
    assert_eq!(written.keys().collect::<Vec<_>>(), FILES);
    let index = format!("report: {}/index.html", argument(&a));
    assert_eq!(told.stdout.lines().last(), Some(index.as_str()), "{told:?}");
    assert!((2..=11).contains(&told.stdout.lines().count()), "{told:?}");
    assert!(written["index.html"].contains("A &lt;b&gt;job"), "a name is no markup");

    // Where no Beacon ever was.
    let again = ["report", "--from", &argument(&a), "--out", &argument(&b)];
    let again = finished(elsewhere(&again)).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(files(&b), written);
    assert_eq!(again.stdout.replace("/b/", "/a/"), told.stdout);
    report(&place, &["--from", &argument(&b), "--out", &argument(&b)]).await;
    assert_eq!(files(&b), written);

    // A path from elsewhere is of no use where the page is looked for.
    let mut there = place.command(&["report", "--from", "b", "--out", "c", "--json"]);
    there.current_dir(place.path(""));
    let made = finished(there).await.json();
    assert_eq!(made["report"], argument(&place.path("c").join("index.html")));
}

#[tokio::test]
async fn the_order_of_lines_changes_no_number() {
    let place = Place::new();
    with_a_report(&place).await;
    let written = files(&place.path("a"));
    let other = place.path("other");
    std::fs::create_dir(&other).unwrap();
    let lines: Vec<&str> = written["export.jsonl"].lines().rev().collect();
    std::fs::write(other.join("export.jsonl"), lines.join("\n") + "\n").unwrap();
    std::fs::write(other.join("job.json"), &written["job.json"]).unwrap();
    report(&place, &["--from", &argument(&other), "--out", &argument(&other)]).await;
    let shuffled = files(&other);
    let same = |name: &str| {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (before, after) = (lines(&written[name]), lines(&shuffled[name]));
        assert_eq!(before.len(), after.len());
        let other = before.iter().zip(&after).filter(|(before, after)| before != after);
        other.map(|(before, _)| before.clone()).collect::<Vec<_>>()
    };
    // Of the whole report only what tells the file's hash.
    for name in ["index.html", "report.md"] {
        let changed = same(name);
        let told = changed.iter().all(|line| line.contains("SHA-256"));
        assert!((1..=2).contains(&changed.len()) && told, "{changed:?}");
    }
}

#[tokio::test]
async fn the_findings_are_those_that_are_stored() {
    let place = Place::new();
    with_a_report(&place).await;
    let made = report(&place, &["j", "--out", &argument(&place.path("a")), "--json"]).await.json();
    let stored = place.beacon(&["findings", "j", "--json"]).await;
    assert_eq!(stored.code, Some(0), "{stored:?}");
    assert_eq!(made["findings"], stored.json());
    assert_eq!(made["report"], argument(&place.path("a").join("index.html")));
    let lines = place.beacon(&["findings", "j"]).await.stdout;
    assert!((1..=10).contains(&lines.lines().count()), "{lines}");
    assert!(lines.starts_with(stored.json()["summary"][0].as_str().unwrap().split_at(20).0));
}

#[tokio::test]
async fn a_followed_job_ends_with_what_was_found_and_where_its_report_is() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let run = ["run", "examples/bias-detection.yaml", "--id", "main", "--providers", &providers];
    let run = place.beacon(&run).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let folder = place.data().join("reports/main");
    assert_ends_with_findings(&run, &folder);
    assert!(run.stderr.is_empty(), "{run:?}");
    let written = files(&folder);
    assert_eq!(written.keys().collect::<Vec<_>>(), FILES);
    assert_eq!(written["export.jsonl"].lines().count(), 72);

    // With --json the job alone is on standard output.
    let watch = place.beacon(&["watch", "main", "--json"]).await;
    assert_eq!((watch.code, &watch.json()["job_id"]), (Some(0), &"main".into()), "{watch:?}");
    assert!(watch.stderr.contains("report: "), "{watch:?}");
    assert_eq!(files(&folder), written);
}

/// At most ten lines, and the page, which is there.
fn assert_ends_with_findings(run: &Done, folder: &Path) {
    let mut lines = run.stdout.lines().skip_while(|line| !line.starts_with("data in "));
    assert!(lines.next().is_some(), "{run:?}");
    let lines: Vec<&str> = lines.collect();
    let (report, found) = lines.split_last().unwrap();
    assert_eq!(*report, format!("report: {}/index.html", folder.display()), "{run:?}");
    assert!((1..=10).contains(&found.len()), "{found:?}");
    assert!(folder.join("index.html").exists());
}

#[tokio::test]
async fn a_report_that_cannot_be_written_leaves_the_exit_code_the_jobs() {
    let place = Place::new();
    let reports = place.data().join("reports/j");
    std::fs::create_dir_all(&reports).unwrap();
    std::fs::write(reports.join("notes.txt"), "mine").unwrap();
    let providers = place.providers("[0, 0]");
    let spec = place.write("spec.yaml", SPEC);
    let run = place.beacon(&["run", &spec, "--id", "j", "--providers", &providers, "--json"]).await;
    assert_eq!((run.code, &run.json()["status"]), (Some(0), &"completed".into()), "{run:?}");
    for part in ["the report is not written", "notes.txt"] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert_eq!(files(&reports).len(), 1);
}

#[tokio::test]
async fn ctrl_c_leaves_the_report_out_and_the_job_as_it_is() {
    let place = Place::new();
    let answers = Answers::of_a_report(&place).await;
    let api = Answers { findings: None, ..answers }.serve().await;
    let mut watch = place.command(&["watch", "j", "--json", "--api", &api.url()]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let printed: Value = serde_json::from_str(&first_line(&mut watch).await).unwrap();
    assert_eq!(printed["status"], "completed");
    send("INT", &watch);
    let output = within(watch.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let done = Done::from(output);
    let told = format!(
        "interrupted: the report of j is not written; `beacon --api {} report j --out DIR` writes it",
        api.url()
    );
    assert!(done.stderr.contains(&told), "{done:?}");
}

#[tokio::test]
async fn whoever_waits_for_findings_is_told_so_and_which_beacon_was_asked() {
    let place = Place::new();
    let answers = Answers::of_a_report(&place).await;
    let api = Answers { findings: None, ..answers }.serve().await;
    let out = argument(&place.path("w"));
    let mut report = place.command(&["report", "j", "--out", &out, "--api", &api.url()]);
    let mut report = report.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let told = first_error_line(&mut report).await;
    assert_eq!(told, "waiting for the findings of j, 30 s at most");
    send("INT", &report);
    assert_eq!(within(report.wait()).await.unwrap().code(), Some(130));
    assert!(!place.path("w").exists());
}

#[tokio::test]
async fn an_interrupted_report_leaves_nothing_behind() {
    let place = Place::new();
    let answers = Answers::of_a_report(&place).await;
    let api = Answers { pairs: None, ..answers }.serve().await;
    for (signal, out) in [("INT", "new"), ("TERM", "a")] {
        let out = place.path(out);
        let before = out.exists().then(|| files(&out));
        let arguments = ["report", "j", "--out", &argument(&out), "--api", &api.url()];
        let mut child = place.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        eventually("a file that is not whole", async || {
            let names: Vec<String> = out.exists().then(|| files(&out).into_keys().collect())?;
            names.iter().any(|name| name.starts_with(".beacon-")).then_some(())
        })
        .await;
        send(signal, &child);
        let told = first_error_line(&mut child).await;
        let expected = "interrupted: the report is not written, and no file of it is left";
        assert_eq!(told, format!("{expected}; repeat the command"));
        assert_eq!(within(child.wait()).await.unwrap().code(), Some(130));
        assert_eq!(out.exists().then(|| files(&out)), before, "{signal}");
    }
}

#[tokio::test]
async fn a_job_that_is_retried_meanwhile_has_no_report_of_its_running() {
    let place = Place::new();
    let answers = Answers::of_a_report(&place).await;
    for (run, status) in [(2, "running"), (2, "completed"), (1, "running")] {
        let mut answers = answers.clone();
        let job = &mut answers.manifest["job"];
        (job["run"], job["status"]) = (run.into(), status.into());
        let api = answers.serve().await;
        let out = argument(&place.path("r"));
        let done = place.beacon(&["report", "j", "--out", &out, "--api", &api.url()]).await;
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains("was retried while it was exported"), "{done:?}");
        assert!(!place.path("r").exists());
    }
}

#[tokio::test]
async fn a_job_that_runs_has_no_report_yet() {
    let place = Place::new();
    let up = Up::start(&place, &["--providers", &place.providers("[600000, 600000]")]).await;
    let spec = serde_json::json!({
        "id": "j", "questions": ["math_basic"], "regions": ["US"], "models": ["mistral-7b"],
    });
    up.submit(&spec).await;
    eventually("a call", async || (!place.calls().begun().is_empty()).then_some(())).await;
    for command in [
        &["report", "j", "--out", &argument(&place.path("a"))][..],
        &["findings", "j"],
        &["compare", "j", "j"],
    ] {
        let refused = place.beacon(command).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        let option = format!("--data {}", place.data().display());
        for part in ["the job `j` is running", &format!("`beacon {option} watch j` follows it")] {
            assert!(refused.stderr.contains(part), "{part}: {refused:?}");
        }
    }
    assert!(!place.path("a").exists());
    up.kill().await;
}
