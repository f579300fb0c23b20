//! `beacon doctor` names the cause, and only the cause.

use std::os::unix::fs::symlink;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::fake::{Answer, Fake};
use crate::place::{Done, Place};
use crate::router::{Router, port_where_nobody_listens, with};
use crate::up::Up;

const URL: &str = "HYBRID_ROUTER_URL";

#[tokio::test]
async fn with_simulated_providers_nothing_is_wrong_and_nothing_left_behind() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let arguments = ["doctor", "--providers", &providers];
    let report = Report::of(&place, &arguments, &[]).await;
    assert_eq!(report.failed(), Vec::<&str>::new());
    let order = [
        "HYBRID_ROUTER_URL",
        "BEACON_LOG",
        "providers file",
        "router name",
        "router connection",
        "router TLS",
        "router health",
        "providers",
        "breakers",
        "inference",
        "data directory",
        "free space",
        "queues",
        "beacon",
        "token",
        "clock",
    ];
    let mut names = report.names().into_iter();
    for name in order {
        assert!(names.any(|found| found == name), "{name} is missing or out of order");
    }
    assert!(report.detail("providers").contains("SIMULATED"));
    assert!(report.detail("inference").contains("SIMULATED"));
    assert!(report.check("inference")["duration_ms"].is_u64());

    let people = place.beacon(&arguments).await;
    assert_eq!(people.code, Some(0), "{people:?}");
    assert!(people.stdout.contains("✓ inference"), "{people:?}");
    assert!(people.stdout.contains("– router TLS"), "{people:?}");
    assert!(!people.stdout.contains('✗'), "{people:?}");
    assert!(!place.data().exists());
    assert!(!place.path("calls.jsonl").exists());
}

#[tokio::test]
async fn without_a_router_the_variable_is_named_and_what_rests_on_it_is_skipped() {
    let place = Place::new();
    for (environment, told) in [(&[][..], "is not set"), (&[(URL, " ")], "is set, but blank")] {
        let report = Report::of(&place, &["doctor"], environment).await;
        assert_eq!(report.failed(), [URL]);
        assert!(report.detail(URL).contains(told), "{}", report.detail(URL));
        assert!(report.detail(URL).contains("made up"));
        assert!(report.fix(URL).contains("--providers FILE"));
        assert_eq!(report.check("inference")["status"], "skipped");
        assert!(report.detail("inference").contains(URL));
    }
    let people = place.beacon(&["doctor"]).await;
    assert_eq!(people.code, Some(1), "{people:?}");
    assert!(people.stdout.contains("✗ HYBRID_ROUTER_URL"), "{people:?}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let arguments = ["doctor", "--providers", &providers];
    for (variable, set) in [
        (URL, &[(URL, "http://a:1"), ("HYBRID_BASE", "http://b:1")][..]),
        (URL, &[(URL, "http://a:1")]),
        ("HYBRID_ROUTER_TIMEOUT", &[("HYBRID_TIMEOUT", "soon")]),
        ("HYBRID_ROUTER_DISABLE", &[("HYBRID_ROUTER_DISABLE", "1")]),
        ("BEACON_LOG", &[("BEACON_LOG", "beacon=loud")]),
        ("BEACON_REQUESTS_PER_MINUTE", &[("BEACON_REQUESTS_PER_MINUTE", "many")]),
    ] {
        let report = Report::of(&place, &arguments, set).await;
        assert_eq!(report.failed(), [variable], "{set:?}");
        let (detail, fix) = (report.detail(variable), report.fix(variable));
        assert!(detail.contains(set[0].0) && fix.contains(set[0].0), "{detail}: {fix}");
    }
    let broken = place.write("broken.toml", "[[providers]]\nname = \"x\"\n");
    let report = Report::of(&place, &["doctor", "--providers", &broken], &[]).await;
    assert_eq!(report.failed(), ["providers file"]);
    assert!(report.detail("providers file").contains("`x`"));
}

#[tokio::test]
async fn a_wrong_address_is_told_from_a_router_that_is_down() {
    let place = Place::new();
    let other = Fake::start(|_| Some((404, "", "<h1>nothing here</h1>".to_owned()))).await;
    let proxy = Fake::start(|_| Some((502, "", "Bad Gateway".to_owned()))).await;
    let (_port, nobody) = port_where_nobody_listens();
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let silent = silent.local_addr().unwrap();
    for (url, failed, told) in [
        (other.url(), "router health", "(HTTP 404), but it is not a hybrid router"),
        (proxy.url(), "router health", "GET /health with HTTP 502"),
        (format!("https://{}", other.address), "router TLS", "no TLS connection"),
        ("http://no-such-host.invalid".to_owned(), "router name", "no-such-host.invalid"),
        (format!("http://{nobody}"), "router connection", "refuses the connection"),
        (format!("http://{silent}"), "router health", "no answer within"),
        (format!("https://{silent}"), "router TLS", "no answer within"),
    ] {
        let report = Report::of(&place, &["doctor"], &[("HYBRID_BASE", &url)]).await;
        assert_eq!(report.failed(), [failed], "{url}");
        assert!(report.detail(failed).contains(told), "{}", report.detail(failed));
        assert!(report.fix(failed).contains("HYBRID_BASE"), "{}", report.fix(failed));
        assert!(report.detail("inference").contains(failed), "{}", report.detail("inference"));
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_named_and_so_is_its_breaker() {
    let place = Place::new();
    let (_closed, closed) = port_where_nobody_listens();
    let (_port, address) = port_where_nobody_listens();
    let providers = format!(
        "[[providers]]\nname = \"lab-eu\"\nkind = \"openai\"\nregion = \"eu-west\"\n\
         url = \"http://{closed}/v1\"\nmodels = [\"mistral-7b\"]\n"
    );
    let providers = place.write("down.toml", &providers);
    let _router = Router::start(&place, &providers, address).await;
    let url = format!("http://{address}");
    // The router asks three times.
    let report = Report::of(&place, &["doctor"], &[(URL, &url)]).await;
    assert_eq!(report.failed(), ["inference"]);
    let detail = report.detail("inference");
    assert!(detail.contains("`lab-eu`"), "{detail}");
    assert!(detail.contains("PROVIDER_UNREACHABLE: "), "{detail}");
    assert!(report.fix("inference").contains("`lab-eu` is down"), "{report:?}");
    let report = Report::of(&place, &["doctor"], &[(URL, &url)]).await;
    assert_eq!(report.failed(), ["breakers"]);
    assert!(report.detail("breakers").contains("`lab-eu`"), "{report:?}");
    assert_eq!(report.check("inference")["status"], "skipped");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_in_time_may_be_starting() {
    let place = Place::new();
    let router = Fake::start(|head| router(head, "")).await;
    let report = Report::of(&place, &["doctor"], &[(URL, &router.url())]).await;
    assert_eq!(report.failed(), ["inference"]);
    assert!(report.detail("inference").contains("`m` in eu-west"), "{report:?}");
    assert!(report.fix("inference").contains("cold start"), "{report:?}");
}

#[tokio::test]
async fn a_clock_that_differs_is_a_failure() {
    let place = Place::new();
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let router = Fake::start(move |head| {
        let answer = r#"{"success": true, "response": "OK", "provider_used": "p"}"#;
        router(head, date).or_else(|| Some((200, date, answer.to_owned())))
    });
    let router = router.await;
    let report = Report::of(&place, &["doctor"], &[(URL, &router.url())]).await;
    assert_eq!(report.failed(), ["clock"]);
    assert!(report.detail("clock").contains("ahead of that of the router"), "{report:?}");
}

/// Health and providers of a router that does not answer otherwise.
fn router(head: &str, headers: &'static str) -> Answer {
    let body = if head.starts_with("GET /health ") {
        r#"{"status": "healthy", "version": "1", "providers_total": 1, "providers_healthy": 1}"#
    } else if head.starts_with("GET /providers ") {
        r#"{"providers": [{"name": "p", "type": "modal", "region": "eu-west", "healthy": true,
            "models": ["m"], "success_rate": 1.0}]}"#
    } else {
        return None;
    };
    Some((200, headers, body.to_owned()))
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_named_and_not_shown() {
    let place = Place::new();
    let beacon = Fake::start(|head| {
        let answer = if head.contains("authorization: Bearer right-token\r\n") {
            (200, "", r#"{"jobs": []}"#.to_owned())
        } else {
            (401, "", r#"{"error": "no such token", "error_code": "unauthorized"}"#.to_owned())
        };
        Some(answer)
    });
    let beacon = beacon.await;
    let providers = place.providers("[0, 0]");
    let (bare, with_wrong) =
        (beacon.url(), format!("http://beacon:wrong-token@{}", beacon.address));
    for (api, environment, failed) in [
        (&bare, &[][..], &["token"][..]),
        (&bare, &[("BEACON_TOKEN", "wrong-token")], &["token"]),
        (&with_wrong, &[], &["token"]),
        (&with_wrong, &[("BEACON_TOKEN", "right-token")], &[]),
    ] {
        let arguments = ["--api", api, "doctor", "--providers", &providers];
        let report = Report::of(&place, &arguments, environment).await;
        assert_eq!(report.failed(), failed, "{api} {environment:?}");
        assert!(!report.text().contains("-token"), "{report:?}");
        if !failed.is_empty() {
            assert!(report.detail("token").contains("the token is not accepted"), "{report:?}");
            assert!(report.fix("token").contains("BEACON_TOKEN"), "{report:?}");
        }
    }
    std::fs::create_dir(place.data()).unwrap();
    std::fs::write(place.data().join("token"), "right-token\n").unwrap();
    // That token is for the Beacon that runs on the directory, and this is none.
    let arguments = ["--api", &bare, "doctor", "--providers", &providers];
    assert_eq!(Report::of(&place, &arguments, &[]).await.failed(), ["token"]);
}

#[tokio::test]
async fn what_answers_at_api_and_is_no_beacon_or_not_well_is_named() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let other = Fake::start(|_| Some((200, "", "<h1>hello</h1>".to_owned()))).await;
    let hybrid = Fake::start(|head| router(head, "")).await;
    let unwell = Fake::start(|_| Some((503, "", r#"{"status": "unhealthy"}"#.to_owned()))).await;
    let (_port, nobody) = port_where_nobody_listens();
    for (api, told) in [
        (other.url(), "it is not a Beacon"),
        (hybrid.url(), "it is a hybrid router, not a Beacon"),
        (unwell.url(), "unhealthy (HTTP 503)"),
        (format!("http://{nobody}"), "refuses the connection"),
    ] {
        let arguments = ["--api", &api, "doctor", "--providers", &providers];
        let report = Report::of(&place, &arguments, &[]).await;
        assert_eq!(report.failed(), ["beacon"], "{api}");
        assert!(report.detail("beacon").contains(told), "{report:?}");
        assert_eq!(report.check("token")["status"], "skipped");
    }
}

#[tokio::test]
async fn tables_and_queues_that_are_missing_or_wrong_are_named() {
    let place = Place::new();
    let _up = Up::start(&place, &["--providers", &place.providers("[0, 0]")]).await;
    let stack = std::fs::read(place.data().join("stack.json")).unwrap();
    let stack: Value = serde_json::from_slice(&stack).unwrap();
    let of = |field: &str| stack[field].as_str().unwrap().to_owned();
    let queue = |name: &str| format!("{}/000000000000/{name}", of("sqs"));
    let [dispatch, question, completion] =
        ["beacon-dispatch", "beacon-question.fifo", "beacon-completion"].map(queue);
    let missing = queue("missing");
    let (router, dynamodb, sqs) = (of("router"), of("dynamodb"), of("sqs"));
    for (table, dispatch, completion, failed, told) in [
        ("beacon", &dispatch, &completion, &[][..], ""),
        ("missing", &dispatch, &completion, &["table"], "`missing` does not exist in region us-"),
        ("beacon", &missing, &completion, &["dispatch queue"], "does not exist"),
        ("beacon", &dispatch, &question, &["completion queue"], "is FIFO, and must be standard"),
    ] {
        let environment = [
            (URL, router.as_str()),
            ("AWS_ENDPOINT_URL", &dynamodb),
            ("AWS_ENDPOINT_URL_SQS", &sqs),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "hidden-secret"),
            ("BEACON_TABLE", table),
            ("BEACON_DISPATCH_QUEUE_URL", dispatch),
            ("BEACON_QUESTION_QUEUE_URL", &question),
            ("BEACON_COMPLETION_QUEUE_URL", completion),
        ];
        let report = Report::of(&place, &["doctor"], &environment).await;
        assert_eq!(report.failed(), failed, "{report:?}");
        if let [failed] = failed {
            assert!(report.detail(failed).contains(told), "{}", report.detail(failed));
        } else {
            for name in ["table", "question queue", "beacon", "token", "clock", "inference"] {
                assert_eq!(report.check(name)["status"], "ok", "{name}");
            }
        }
        assert!(!report.text().contains("hidden-secret"));
    }
}

#[tokio::test]
async fn a_full_disk_is_named() {
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    let probe = place.data().join("doctor-probe");
    symlink("/dev/full", &probe).unwrap();
    let arguments = ["doctor", "--providers", &place.providers("[0, 0]")];
    let report = Report::of(&place, &arguments, &[]).await;
    assert_eq!(report.failed(), ["data directory"]);
    assert!(report.detail("data directory").contains("no space left on device"), "{report:?}");
    assert!(report.fix("data directory").contains("--data"), "{report:?}");
    assert_eq!(std::fs::read_dir(place.data()).unwrap().count(), 0);
    assert_eq!(Report::of(&place, &arguments, &[]).await.failed(), Vec::<&str>::new());
}

#[tokio::test]
async fn no_secret_is_ever_printed() {
    let place = Place::new();
    let secret = "sesame-opens";
    let (in_url, in_queue) = (format!("http://u:{secret}@h"), format!("http://u:{secret}@h/q"));
    let environment = [
        (URL, in_url.as_str()),
        ("BEACON_TOKEN", secret),
        ("BEACON_ADMIN_TOKENS", secret),
        ("BEACON_SUBMITTER_TOKENS", secret),
        ("BEACON_READER_TOKENS", secret),
        ("BEACON_REQUESTS_PER_MINUTE", secret),
        ("BEACON_DISPATCH_QUEUE_URL", &in_queue),
    ];
    let api = format!("http://beacon:{secret}@127.0.0.1:9");
    for arguments in [&["--api", &api, "doctor"][..], &["--api", &api, "doctor", "--json"]] {
        let done = with(place.command(arguments), &environment).await;
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.stdout.contains("set, 12 characters"), "{done:?}");
        assert!(!format!("{done:?}").contains(secret), "{done:?}");
    }
}

/// What `beacon doctor --json` printed.
#[derive(Debug)]
struct Report {
    done: Done,
    checks: Vec<Value>,
}

impl Report {
    async fn of(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let command = place.command(&[arguments, &["--json"]].concat());
        let done = with(command, environment).await;
        let report = done.json();
        let checks = report["checks"].as_array().unwrap().clone();
        let report_ok = report["ok"].as_bool().unwrap();
        let ok = checks.iter().all(|check| check["status"] != "failed");
        assert_eq!((report_ok, done.code), (ok, Some(i32::from(!ok))), "{done:?}");
        for check in &checks {
            assert_eq!(check["fix"].is_string(), check["status"] == "failed", "{check}");
        }
        Self { done, checks }
    }

    fn names(&self) -> Vec<&str> {
        self.checks.iter().map(|check| check["name"].as_str().unwrap()).collect()
    }

    fn failed(&self) -> Vec<&str> {
        let failed = self.checks.iter().filter(|check| check["status"] == "failed");
        failed.map(|check| check["name"].as_str().unwrap()).collect()
    }

    fn check(&self, name: &str) -> &Value {
        self.checks.iter().find(|check| check["name"] == name).expect(name)
    }

    fn detail(&self, name: &str) -> &str {
        self.check(name)["detail"].as_str().unwrap()
    }

    fn fix(&self, name: &str) -> &str {
        self.check(name)["fix"].as_str().unwrap()
    }

    fn text(&self) -> String {
        format!("{}{}", self.done.stdout, self.done.stderr)
    }
}
