//! Counts and costs of specifications.

mod document;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::parse;

fn spec(questions: usize, models: usize, in_flight: usize) -> Spec {
    let questions: Vec<_> =
        (0..questions).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let models: Vec<_> = (0..models).map(|n| format!("m{n}")).collect();
    let document = json!({
        "questions": questions, "models": models, "regions": ["US", "EU"],
        "questions_in_flight": in_flight, "max_tokens": 100,
    });
    parse(&document, &[]).unwrap().spec
}

fn estimate(spec: &Spec, seconds: u64) -> Estimate {
    Estimate::of(spec, &Prices::default(), Duration::from_secs(seconds))
}

/// The bounds of the design: 1 + 2/M + 0.1 write units, 2 + (seconds ÷ 2)/M read units and 4/M queue
/// requests, one more for every 20 seconds of waiting, for each execution of M models.
#[test]
fn a_large_job_keeps_the_budget_of_the_design() {
    for (models, seconds) in [(1, 5), (3, 45), (10, 300)] {
        let of = estimate(&spec(1000, models, 1), seconds);
        let (executions, m) = (float(of.executions), float(models as u64));
        assert!(float(of.write_units) / executions <= 1.0 + 2.0 / m + 0.1, "{of:?}");
        assert!(float(of.read_units) / executions <= 2.0 + float(seconds) / 2.0 / m, "{of:?}");
        let waits = float(seconds / 20) / m;
        assert!(float(of.queue_requests) / executions <= 4.0 / m + waits, "{of:?}");
    }
}

#[test]
fn long_answers_take_more_write_units() {
    let short = spec(10, 2, 1);
    let mut long = short.clone();
    long.sampling.max_tokens = 1000;
    let more = estimate(&long, 1).write_units - estimate(&short, 1).write_units;
    // 4,600 bytes instead of 1,000.
    assert_eq!(more, 4 * short.expected());
}

#[test]
fn a_limit_of_cost_is_read_before_every_question_and_by_no_other_job() {
    let free = spec(10, 2, 3);
    let mut limited = free.clone();
    limited.max_cost = Some(Dollars::from_nanos(1));
    let more = estimate(&limited, 1).read_units - estimate(&free, 1).read_units;
    // 2 KiB of the job and six lanes.
    assert_eq!(more, 20 * 2);
    assert_eq!(estimate(&limited, 1).write_units, estimate(&free, 1).write_units);
}

#[test]
fn what_aws_charges_is_the_sum_of_its_lines() {
    let of = Estimate {
        latency_seconds: 1.0,
        executions: 0,
        lanes: 0,
        seconds: 0.0,
        write_units: 1_000_000,
        read_units: 2_000_000,
        queue_requests: 3_000_000,
        lambda_requests: 4_000_000,
        gb_seconds: 1e6,
        log_bytes: 2_000_000_000,
        analysis: AnalysisEstimate {
            write_units: 1_000_000,
            read_units: 1_000_000,
            gb_seconds: 0.0,
        },
        provider: ProviderEstimate { at_most: Dollars::ZERO, unpriced: 0 },
    };
    let cost = of.aws(&AWS);
    assert_eq!(cost.gb_seconds, Dollars::new(13.3334).unwrap());
    assert_eq!(cost.analysis, Dollars::new(0.75).unwrap());
    let sum = 0.75 + 0.625 + 2.0 * 0.125 + 3.0 * 0.5 + 4.0 * 0.2 + 13.3334 + 1.0;
    assert_eq!(cost.total(), Dollars::new(sum).unwrap());
}

proptest! {
    #[test]
    fn more_questions_models_or_waiting_never_cost_less(
        questions in 1_usize..300, models in 1_usize..20, in_flight in 1_usize..20, seconds in 0_u64..600,
    ) {
        let total = |questions, models, seconds| {
            estimate(&spec(questions, models, in_flight), seconds).aws(&AWS).total()
        };
        let this = total(questions, models, seconds);
        prop_assert!(total(questions + 1, models, seconds) >= this);
        prop_assert!(total(questions, models + 1, seconds) >= this);
        prop_assert!(total(questions, models, seconds + 20) > this);
    }
}
