//! One data directory and several processes.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::place::{Place, finished, providers};
use crate::up::Up;

const SPEC: &str = "examples/bias-detection.yaml";

#[tokio::test]
async fn a_directory_that_another_process_has_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    let lock = File::create(place.data().join("lock")).unwrap();
    lock.lock().unwrap();
    for command in [&["run", SPEC][..], &["up", "--listen", "127.0.0.1:0"]] {
        let refused = place.beacon(command).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("in use by another process"), "{refused:?}");
        assert!(refused.stderr.contains(place.data().to_str().unwrap()), "{refused:?}");
    }
    drop(lock);
    let run = place.beacon(&["run", SPEC]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test]
async fn a_second_stack_on_the_directory_is_refused() {
    let place = Place::new();
    let _up = Up::start(&place, &[]).await;
    let second = place.beacon(&["up", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.stderr.contains("in use by another process"), "{second:?}");
}

#[tokio::test]
async fn a_run_uses_the_stack_that_runs_already() {
    let place = Place::new();
    let mut up = Up::start(&place, &["--providers", &place.providers("[0, 5]")]).await;
    let run = place.beacon(&["run", SPEC, "--id", "theirs", "--json"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.lines().next().unwrap().contains("SIMULATED"), "{run:?}");
    let calls = place.calls();
    assert_eq!(calls.begun().len(), 72);
    assert!(calls.begun().iter().all(|id| id.starts_with("theirs.")));
    assert!(up.is_running());

    let base = up.base().to_owned();
    let elsewhere = Place::new();
    let arguments = ["--api", &base, "status", "theirs", "--json"];
    let refused = elsewhere.beacon(&arguments).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("token is needed"), "{refused:?}");
    let mut with_token = elsewhere.command(&arguments);
    with_token.env("BEACON_TOKEN", up.token());
    let status = finished(with_token).await;
    assert_eq!(status.json(), run.json());
    let own = place.beacon(&["run", SPEC, "--providers", &place.providers("[0, 5]")]).await;
    assert_eq!(own.code, Some(2), "{own:?}");
    assert!(own.stderr.contains("--providers"), "{own:?}");
}

#[tokio::test]
async fn a_run_through_a_stack_that_runs_tells_of_a_failed_job() {
    let place = Place::new();
    let failing = providers(&place.path("calls.jsonl"), "[0, 0]")
        .replace("empty_rate = 0.05", "error_rate = 1.0");
    let failing = place.write("failing.toml", &failing);
    let _up = Up::start(&place, &["--providers", &failing]).await;
    let run = place.beacon(&["run", SPEC, "--id", "f", "--json"]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    let view = run.json();
    // The first region with three questions in a row without an answer ends it for all.
    let count = |status: &str| view["counts"][status].as_u64().unwrap();
    assert_eq!(
        (&view["status"], &view["ending"]["cause"]),
        (&"failed".into(), &"region_failure".into())
    );
    assert_eq!(count("failed") + count("cancelled"), 72, "{view}");
    assert!(count("failed") >= 9, "{view}");
    let watch = place.beacon(&["watch", "f"]).await;
    assert_eq!(watch.code, Some(1), "{watch:?}");
}

#[tokio::test]
async fn submit_leaves_the_job_to_the_stack_that_runs() {
    let place = Place::new();
    let nobody = place.beacon(&["submit", SPEC]).await;
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    assert!(nobody.stderr.contains("beacon up"), "{nobody:?}");
    let up = Up::start(&place, &["--providers", &place.providers("[0, 5]")]).await;
    let submit = place.beacon(&["submit", SPEC, "--id", "left", "--json"]).await;
    assert_eq!((submit.code, &submit.json()["existing"]), (Some(0), &Value::Bool(false)));
    assert_eq!(up.final_job("left").await["status"], "completed");
    let again = place.beacon(&["submit", SPEC, "--id", "left", "--json"]).await;
    assert_eq!((again.code, &again.json()["existing"]), (Some(0), &Value::Bool(true)));
    assert_eq!(place.calls().begun().len(), 72);
}

#[tokio::test]
async fn a_killed_stacks_address_is_not_taken_for_anothers() {
    let (place, other) = (Place::new(), Place::new());
    let up = Up::start(&place, &["--providers", &place.providers("[0, 5]")]).await;
    place.beacon(&["run", SPEC, "--id", "mine"]).await;
    let address = up.base().strip_prefix("http://").unwrap().to_owned();
    up.kill().await;

    // As with the default address: the next stack listens where the killed one did.
    let command = other.command(&["up", "--listen", &address, "--json"]);
    let _up = Up::spawn(command, &other).await;
    let list = place.beacon(&["list", "--json"]).await;
    assert_eq!(list.code, Some(0), "{list:?}");
    assert_eq!(list.json()[0]["job_id"], "mine", "{list:?}");
}

#[tokio::test]
async fn a_run_and_a_list_at_once_both_succeed() {
    let place = Place::new();
    let providers = place.providers("[0, 5]");
    let first = ["run", SPEC, "--id", "first", "--providers", &providers];
    assert_eq!(place.beacon(&first).await.code, Some(0));
    let run = ["run", SPEC, "--id", "second", "--providers", &providers];
    let list = ["list"];
    let (list, run) = tokio::join!(place.beacon(&list), place.beacon(&run));
    assert_eq!(list.code, Some(0), "{list:?}");
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test]
async fn who_watches_an_unfinished_job_keeps_nobody_from_finishing_it() {
    let place = Place::new();
    let slow = place.providers("[600000, 600000]");
    let up = Up::start(&place, &["--providers", &slow]).await;
    let submit = place.beacon(&["submit", SPEC, "--id", "left"]).await;
    assert_eq!(submit.code, Some(0), "{submit:?}");
    up.kill().await;

    let watch = place.beacon(&["watch", "left"]).await;
    assert_eq!(watch.code, Some(2), "{watch:?}");
    assert!(watch.stderr.contains("nobody works at it"), "{watch:?}");
    let run = ["run", SPEC, "--id", "left", "--providers", &place.providers("[0, 5]")];
    let run = place.beacon(&run).await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test]
async fn several_readers_at_once_all_get_their_answer() {
    let place = Place::new();
    let run = place.beacon(&["run", SPEC, "--id", "read", "--json"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let arguments = ["status", "read", "--json"];
    let (a, b, c) =
        tokio::join!(place.beacon(&arguments), place.beacon(&arguments), place.beacon(&arguments));
    for status in [a, b, c] {
        assert_eq!(status.code, Some(0), "{status:?}");
        assert_eq!(status.json(), run.json());
    }
}

#[tokio::test]
async fn what_functions_need_of_a_stack_is_its_owners_and_goes_with_it() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let up = Up::start(&place, &[]).await;
    let file = place.data().join("lambda.env");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let variables = std::fs::read_to_string(&file).unwrap();
    assert!(variables.contains(&format!("BEACON_ADMIN_TOKENS={}\n", up.token())), "{variables}");
    // With them alone, table, queues and router are reached.
    let mut doctor = elsewhere.command(&["doctor", "--json"]);
    doctor.envs(variables.lines().map(|line| line.split_once('=').unwrap()));
    let doctor = finished(doctor).await;
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    let checks = doctor.json()["checks"].take();
    let status = |name: &str| {
        let check = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("{name}: {checks}"))["status"].clone()
    };
    for name in ["table", "question queue", "router connection"] {
        assert_eq!(status(name), "ok", "{name}: {checks}");
    }
    assert!(up.end_with("TERM").await.success());
    assert!(!file.exists());
}
