//! What a job may cost, and what it did, counted beside estimated.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::here::{Here, by_status, sum};

/// Simulated providers in two regions, which answer at once and tell what they used.
fn simulated(price: &str) -> String {
    let provider = |name, region| {
        format!(
            "[[providers]]\nname = \"{name}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = [\"m\"]\nlatency_ms = [0, 0]\n{price}\n"
        )
    };
    provider("us", "us-east") + &provider("eu", "eu-west")
}

/// Ten cents a token, so that an answer costs some dollars.
const DEAR: &str = "price = { per_million_input_tokens = 0, per_million_output_tokens = 100000 }";

fn job(id: &str, questions: usize, more: &Value) -> Value {
    let questions: Vec<Value> =
        (0..questions).map(|n| json!({"id": format!("q{n}"), "text": format!("{n}?")})).collect();
    let mut job =
        json!({"id": id, "questions": questions, "models": ["m"], "regions": ["US", "EU"]});
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

fn costs(rows: &[Value]) -> Vec<f64> {
    rows.iter().filter_map(|row| row["cost"].as_f64()).collect()
}

#[tokio::test]
async fn a_job_stops_when_it_has_spent_what_it_may() {
    let here = Here::with_providers(&simulated(DEAR)).await;
    let most = 30.0;
    let asked = json!({"max_cost": most, "questions_in_flight": 2});
    let view = here.api.run(&job("limited", 60, &asked)).await;
    assert_eq!(
        (&view["ending"]["cause"], sum(&view["counts"])),
        (&"cost_limit".into(), 120),
        "{view}"
    );
    let rows = here.api.executions("limited").await;
    let costs = costs(&rows);
    let (total, dearest) = (costs.iter().sum::<f64>(), costs.iter().copied().fold(0.0, f64::max));
    // One question of each lane was out when the limit was reached.
    assert!(most <= total && total <= most + 4.0 * dearest, "{total}, {dearest}");
    let counted = &view["cost"]["counted"];
    assert!((counted["provider"].as_f64().unwrap() - total).abs() < 1e-6, "{counted} {total}");
    assert_eq!(counted["executions_without_cost"], 0, "{counted}");
    assert_eq!(view["cost"]["max_cost"], most, "{view}");
    assert_eq!(by_status(&rows).keys().collect::<Vec<_>>(), [&"cancelled", &"completed"]);
    for row in rows.iter().filter(|row| row["status"] == "cancelled") {
        assert_eq!(row["failure"]["code"], "JOB_STOPPED", "{row}");
        assert!(row["failure"]["message"].as_str().unwrap().contains("max_cost"), "{row}");
    }

    // What was spent stays spent.
    let retry = here.api.change("jobs/limited/retry", &json!({})).await;
    assert_eq!(retry.refusal(), (409, "max_cost_spent".to_owned()));
}

#[tokio::test]
async fn what_a_provider_does_not_tell_counts_as_the_most_that_it_can_be() {
    let toml = format!(
        "[[providers]]\nname = \"silent\"\nkind = \"openai\"\nregion = \"us-east\"\n\
         url = \"{}/v1\"\nmodels = [\"m\"]\n\
         price = {{ per_million_input_tokens = 0, per_million_output_tokens = 10000 }}\n",
        without_usage().await
    );
    let here = Here::with_providers(&toml).await;
    // A hundred tokens are a dollar.
    let asked = json!({
        "max_cost": 5, "max_tokens": 100, "questions_in_flight": 2, "regions": ["US"],
    });
    let view = here.api.run(&job("untold", 40, &asked)).await;
    assert_eq!(view["ending"]["cause"], "cost_limit", "{view}");
    let counted = &view["cost"]["counted"];
    let without_cost = counted["executions_without_cost"].as_f64().unwrap();
    assert!((5.0..=6.0).contains(&without_cost), "{counted}");
    assert_eq!(view["counts"]["completed"].as_f64(), Some(without_cost), "{view}");
    // A call that the stop dropped may be charged for as well.
    let assumed = without_cost + view["maybe_billed"].as_f64().unwrap();
    assert_eq!(counted["assumed_at_most"].as_f64(), Some(assumed), "{view}");
    assert_eq!(counted["provider"], 0.0, "{counted}");
}

#[tokio::test]
async fn within_its_limit_a_job_ends_as_any_other() {
    let here = Here::with_providers(&simulated(DEAR)).await;
    let view = here.api.run(&job("enough", 3, &json!({"max_cost": 1000}))).await;
    assert_eq!((&view["status"], &view["ending"]), (&"completed".into(), &Value::Null), "{view}");
    let total: f64 = costs(&here.api.executions("enough").await).iter().sum();
    let cost = &view["cost"];
    assert!((cost["counted"]["provider"].as_f64().unwrap() - total).abs() < 1e-6, "{cost}");
    // Five hundred tokens of ten cents, six times.
    let estimated = &cost["estimated"]["provider"];
    assert_eq!(*estimated, json!({"at_most": 300.0, "unpriced": 0}), "{cost}");
    assert!(total <= 300.0, "{total}");
}

#[tokio::test]
async fn a_limit_needs_a_price_of_everything_that_may_be_asked() {
    let providers = simulated(DEAR).replacen(DEAR, "", 1);
    let here = Here::with_providers(&providers).await;
    let refused = here.api.change("jobs", &job("refused", 2, &json!({"max_cost": 5}))).await;
    assert_eq!(refused.refusal(), (422, "price_not_declared".to_owned()));
    assert_eq!(refused.fields(), ["max_cost"]);
    assert!(refused.text.contains("`m` in `us-east`"), "{refused:?}");
    assert_eq!(here.api.job("refused").await["error_code"], "job_not_found");

    // Without a limit it runs, and says what is not known.
    let view = here.api.run(&job("unlimited", 2, &json!({}))).await;
    let cost = &view["cost"];
    assert_eq!(cost["estimated"]["provider"]["unpriced"], 2, "{cost}");
    assert_eq!(cost["counted"]["executions_without_cost"], 2, "{cost}");
    assert_eq!(
        (&cost["max_cost"], &cost["counted"]["assumed_at_most"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn an_estimate_is_what_the_table_and_the_queues_count() {
    let here = Here::with_providers(&simulated("")).await;
    for (questions, in_flight) in [(4, 1), (40, 1), (40, 8)] {
        let asked = json!({"max_tokens": 50, "questions_in_flight": in_flight, "samples": 3});
        let id = format!("estimated-{questions}-{in_flight}");
        let view = here.api.run(&job(&id, questions, &asked)).await;
        let estimated = &view["cost"]["estimated"];
        for name in ["write_units", "queue_requests"] {
            let (thought, counted) =
                (estimated[name].as_f64().unwrap(), view["usage"][name].as_f64().unwrap());
            // An upper bound: messages that are received together take one request.
            let close = 0.8 * thought <= counted && counted <= thought;
            assert!(close, "{id}: {name} {thought}, counted {counted}");
        }
    }
}

/// A provider that answers every chat without saying what it used. It runs as long as the test.
async fn without_usage() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    format!("http://{address}")
}

async fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        if body.len() >= length.unwrap().parse::<usize>().unwrap() {
            break;
        }
    }
    let body = json!({
        "model": "m",
        "choices": [{
            "message": {"role": "assistant", "content": "four"}, "finish_reason": "stop", "index": 0,
        }],
    })
    .to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    let _gone = stream.write_all((head + &body).as_bytes()).await;
}
