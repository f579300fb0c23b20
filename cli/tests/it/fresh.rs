//! What is wrong with a job's data as a Beacon answers them: errors name the job, not a file that is gone.

use serde_json::Value;
use tokio::process::Command;

use crate::answers::Answers;
use crate::place::{Place, argument, finished};

/// Changes what is answered.
type Change = fn(&mut Answers);

fn pairs(answers: &mut Answers) -> &mut Vec<Value> {
    answers.pairs.as_mut().unwrap()
}

#[tokio::test]
async fn what_is_wrong_with_a_fresh_export_is_said_of_its_job() {
    let place = Place::new();
    let answers = Answers::of_a_report(&place).await;
    let cases: [(&str, Change, &[&str]); 5] = [
        (
            "short",
            |answers| {
                pairs(answers).pop();
            },
            &["the export of `j` holds 47 of the job's 48 pairs"],
        ),
        (
            "twice",
            |answers| {
                let first = pairs(answers)[0].clone();
                pairs(answers)[1] = first;
            },
            &["the export of `j`, line 2: its pair has a line of its own already"],
        ),
        (
            "rules",
            |answers| {
                let judged = pairs(answers).iter().position(|row| !row["verdict"].is_null());
                pairs(answers)[judged.unwrap()]["verdict"]["rules"] = "0".into();
            },
            &[
                "the export of `j` holds answers judged by the rules `0` and others by `",
                "while it was exported: export it anew",
            ],
        ),
        (
            "prompt",
            |answers| pairs(answers)[0]["prompt_sha256"] = "0".repeat(64).into(),
            &["the export of `j` cannot be trusted: the pair j."],
        ),
        (
            "spec",
            |answers| answers.manifest["spec_sha256"] = "0".repeat(64).into(),
            &["the job `j` cannot be trusted: its specification has the SHA-256"],
        ),
    ];
    for (name, change, parts) in cases {
        let mut answers = answers.clone();
        change(&mut answers);
        let api = answers.serve().await;
        let out = place.path("out");
        let arguments = ["report", "j", "--out", &argument(&out), "--api", &api.url()];
        let done = place.beacon(&arguments).await;
        assert_eq!(done.code, Some(2), "{name}: {done:?}");
        for part in parts {
            assert!(done.stderr.contains(part), "{name}: {part}: {done:?}");
        }
        assert!(!done.stderr.contains(".beacon-"), "{name}: {done:?}");
        assert!(!out.exists(), "{name}");
    }
}

#[tokio::test]
async fn a_job_that_finds_no_room_is_named_with_the_directory_that_was_given() {
    let place = Place::new();
    let mut answers = Answers::of_a_report(&place).await;
    // More than all of the export, and than any file may have.
    answers.manifest["job"]["name"] = "x".repeat(2 << 20).into();
    let api = answers.serve().await;
    let out = place.path("out");
    let report = place.command(&["report", "j", "--out", &argument(&out), "--api", &api.url()]);
    let report = report.as_std();
    let mut limited = Command::new("sh");
    // Blocks of 512 or 1,024 bytes; a write that would need more fails.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]);
    limited.arg(report.get_program()).args(report.get_args()).kill_on_drop(true);
    let done = finished(limited).await;
    assert_eq!(done.code, Some(2), "{done:?}");
    let told = format!("`{}` cannot be written", argument(&out.join("job.json")));
    assert!(done.stderr.contains(&told), "{told}: {done:?}");
    assert!(!out.exists());
}
