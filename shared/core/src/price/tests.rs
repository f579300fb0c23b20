//! Prices of providers, and bounds of calls by them.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::parse;

fn provider(region: &str, price: &serde_json::Value) -> ProviderView {
    serde_json::from_value(json!({
        "name": "p", "type": "openai", "region": region, "healthy": true, "models": ["a", "b"],
        "price": price,
    }))
    .unwrap()
}

fn tokens(input: f64, output: f64) -> serde_json::Value {
    json!({"per_million_input_tokens": input, "per_million_output_tokens": output})
}

fn spec() -> Spec {
    let document = json!({
        "questions": [{"id": "q", "text": "0123456789"}], "models": ["a", "b"],
        "regions": ["US", "EU"], "samples": 3, "max_tokens": 100, "system_prompt": "none",
    });
    parse(&document, &[]).unwrap().spec
}

#[test]
fn a_price_that_is_none_counts_as_not_declared() {
    for unknown in [json!(null), json!(3), json!({"per_call": 1}), tokens(-1.0, 1.0)] {
        assert_eq!(provider("us-east", &unknown).price, None);
    }
    let told = provider("us-east", &json!({"per_second": 0.5})).price;
    assert_eq!(told, Some(Price::PerSecond { per_second: 0.5 }));
}

#[test]
fn the_dearest_provider_counts_and_one_without_a_price_leaves_none() {
    let us = [provider("us-east", &tokens(1.0, 8.0)), provider("US", &tokens(2.0, 4.0))];
    let prices = Prices::of(&spec(), &us);
    let dearest = Ceiling { second: 0.0, input: 2.0, output: 8.0 };
    assert_eq!(prices.in_region(&Region::new("us-east").unwrap()), [Some(dearest); 2]);
    // Nobody serves the models in Europe.
    let eu = Region::new("eu-west").unwrap();
    assert_eq!(prices.missing().collect::<Vec<_>>(), [(0, &eu), (1, &eu)]);

    let [first, second] = us;
    let silent = provider("us-east", &json!(null));
    let prices = Prices::of(&spec(), &[first, silent, second]);
    assert_eq!(prices.in_region(&Region::new("us-east").unwrap()), [None; 2]);
}

#[test]
fn an_estimate_says_how_many_executions_it_leaves_out() {
    let prices = Prices::of(&spec(), &[provider("us-east", &tokens(1.0, 10.0))]);
    let estimate = prices.estimate(&spec(), Duration::from_secs(1));
    // Two models, three samples: 10 bytes and a template in, 100 tokens out.
    let one = (42.0 * 1.0 + 100.0 * 10.0) / 1e6;
    assert_eq!(estimate.at_most, Dollars::new(6.0 * one).unwrap());
    assert_eq!(estimate.unpriced, 6);
}

#[test]
fn seconds_are_charged_as_long_as_a_call_may_take() {
    let ceiling = Ceiling { second: 0.001, input: 0.0, output: 0.0 };
    assert_eq!(ceiling.most(9, 9, Duration::from_secs(2)), Dollars::new(0.002).unwrap());
    assert_eq!(ceiling.bound(9, 9), Dollars::new(0.62).unwrap());
}

proptest! {
    /// Whatever a provider counts within the bounds costs no more than the bound.
    #[test]
    fn no_call_costs_more_than_its_bound(
        text in ".{0,200}",
        input_tokens in 0_u64..300,
        output_tokens in 0_u32..1000,
        max_tokens in 1_u32..1000,
        (input, output) in (0.0..100.0, 0.0..100.0),
    ) {
        let prompt = Prompt { system: None, question: &text };
        let most = most_prompt_tokens(prompt);
        prop_assume!(input_tokens <= most && output_tokens <= max_tokens);
        let used = f64::from(u32::try_from(input_tokens).unwrap()) * input
            + f64::from(output_tokens) * output;
        let bound = Ceiling { second: 0.0, input, output }.bound(most, max_tokens);
        prop_assert!(Dollars::new(used / 1e6).unwrap() <= bound);
    }
}
