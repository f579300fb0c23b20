//! What a job will cost, said before anything runs.

use serde_json::json;

use crate::place::Place;

const SPEC: &str = "questions: [math_basic, identity_basic]\nmodels: [m]\nregions: [US, EU]\n\
                    samples: 2\nmax_tokens: 100\nsystem_prompt: none\n";

fn providers(prices: [&str; 2]) -> String {
    let provider = |(name, price): (&str, &str)| {
        format!(
            "[[providers]]\nname = \"{name}\"\nkind = \"simulated\"\nregion = \"{name}\"\n\
             models = [\"m\"]\n{price}\n"
        )
    };
    ["us-east", "eu-west"].into_iter().zip(prices).map(provider).collect()
}

const TOKENS: &str = "price = { per_million_input_tokens = 0, per_million_output_tokens = 50 }";
const SECONDS: &str = "price = { per_second = 0.001 }";

#[tokio::test]
async fn an_estimate_counts_everything_and_starts_nothing() {
    let place = Place::new();
    let spec = place.write("spec.yaml", SPEC);
    let file = place.write("prices.toml", &providers([TOKENS, SECONDS]));
    let asked = ["estimate", &spec, "--providers", &file, "--latency", "20", "--json"];
    let printed = place.beacon(&asked).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let view = printed.json();
    // Four executions of a hundred tokens, and four of twenty seconds.
    let provider = json!({"at_most": 0.1, "unpriced": 0});
    assert_eq!(view["estimate"]["provider"], provider, "{view}");
    let estimate = &view["estimate"];
    assert_eq!((&estimate["executions"], &estimate["lanes"]), (&8.into(), &2.into()), "{view}");
    // Two questions in each of two lanes, each renewed once.
    assert!(estimate["queue_requests"].as_u64().unwrap() >= 4 * 4, "{view}");
    assert_eq!(view["total_is"], "at_most", "{view}");
    let aws: f64 = view["aws"].as_object().unwrap().values().map(|of| of.as_f64().unwrap()).sum();
    assert!((view["total"].as_f64().unwrap() - aws - 0.1).abs() < 1e-7, "{view}");
    assert!(!place.data().exists(), "an estimate needs no tables");

    let told = place.beacon(&asked[..asked.len() - 1]).await;
    for part in ["8 executions in 2 lanes", "DynamoDB write request units", "total at most $0.1"] {
        assert!(told.stdout.contains(part), "{part}: {told:?}");
    }
}

#[tokio::test]
async fn what_has_no_price_is_unknown_and_never_nothing() {
    let place = Place::new();
    let spec = place.write("spec.yaml", SPEC);
    let file = place.write("prices.toml", &providers([TOKENS, ""]));
    for (arguments, unpriced) in
        [(vec!["estimate", &spec, "--providers", &file], 4), (vec!["estimate", &spec], 8)]
    {
        let told = place.beacon(&arguments).await;
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.stdout.contains("total at least"), "{told:?}");
        let unknown = told.stdout.lines().find(|line| line.contains("unknown")).unwrap();
        assert!(unknown.contains(&unpriced.to_string()), "{unknown}");
    }
}

#[tokio::test]
async fn a_wrong_specification_is_told_as_a_submit_tells_it() {
    let place = Place::new();
    let spec = place.write("spec.yaml", &format!("{SPEC}max_cost: 0\ntimeout: 25h\n"));
    let told = place.beacon(&["estimate", &spec]).await;
    assert_eq!(told.code, Some(2), "{told:?}");
    for field in ["max_cost", "timeout"] {
        assert!(told.stderr.contains(&format!("  {field}: is ")), "{field}: {told:?}");
    }
}

#[tokio::test]
async fn a_job_shows_what_was_counted_beside_what_was_estimated() {
    let place = Place::new();
    let spec = place.write("spec.yaml", SPEC);
    let file = place.write("prices.toml", &providers([TOKENS, TOKENS]));
    let run = place.beacon(&["run", &spec, "--id", "j", "--providers", &file]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let status = place.beacon(&["status", "j"]).await;
    for told in [&run, &status] {
        assert!(told.stdout.contains("\nused: "), "{told:?}");
        assert!(told.stdout.contains("\nproviders: $0."), "{told:?}");
        assert!(told.stdout.contains("(estimated at most $0.0400)"), "{told:?}");
    }
}
