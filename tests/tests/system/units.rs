//! What an execution costs in write units, as the table counts them.

use serde_json::{Value, json};

use crate::here::Here;
use crate::router::{Answer, Router, answered};

const QUESTIONS: u64 = 20;
/// Of the job and its specification, whatever its size.
const OF_THE_JOB: u64 = 20;

#[tokio::test]
async fn a_lane_costs_one_unit_a_write_with_many_models_too() {
    let router = Router::start(|_| Answer::Json(answered("four"))).await;
    let here = Here::with_router(router.base()).await;
    for models in [10, 50] {
        let questions: Vec<Value> =
            (0..QUESTIONS).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
        let names: Vec<String> = (0..models).map(|n| format!("model-{n}")).collect();
        let view = here
            .api
            .run(&json!({"questions": questions, "models": names, "regions": ["US"]}))
            .await;
        let executions = view["counts"]["completed"].as_f64().unwrap();
        assert_eq!(view["counts"]["completed"], QUESTIONS * models);
        // A row each, and each question's gate and finish.
        let units = view["usage"]["write_units"].as_f64().unwrap() - executions;
        let most = f64::from(u32::try_from(2 * QUESTIONS + OF_THE_JOB).unwrap());
        assert!(units <= most, "{units} units beside the rows, with {models} models");
    }
}
