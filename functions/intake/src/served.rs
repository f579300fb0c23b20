//! Which pairs of model and region some provider serves.

use beacon_core::price::Prices;
use beacon_core::spec::{Problem, Spec};
use beacon_core::wire::ProviderView;
use beacon_core::{ModelId, Region};

/// Pairs that are listed, and models that each names, at most.
const MAX_PROBLEMS: usize = 100;
const MAX_NAMED: usize = 20;

/// The regions that providers declare.
pub(crate) fn regions(providers: &[ProviderView]) -> Vec<Region> {
    providers.iter().filter_map(|provider| Region::new(provider.region.as_str()).ok()).collect()
}

/// The pairs that nobody serves. A provider of an older router, which does not tell its models, may
/// serve any.
pub(crate) fn unserved(spec: &Spec, providers: &[ProviderView]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for (index, model) in spec.models.iter().enumerate() {
        for region in spec.regions.iter().map(|prompts| &prompts.region) {
            let is_served = providers.iter().any(|provider| provider.serves(model, region));
            if !is_served && problems.len() < MAX_PROBLEMS {
                problems.push(Problem {
                    field: format!("models[{index}]"),
                    message: format!(
                        "no provider serves `{model}` in `{region}`; served there: {}",
                        served_in(region, providers)
                    ),
                });
            }
        }
    }
    problems
}

/// The pairs whose price is not known, where the job may cost only so much: what is not known would
/// count as nothing.
pub(crate) fn unpriced(spec: &Spec, prices: &Prices) -> Vec<Problem> {
    let missing = prices.missing().filter(|_| spec.max_cost.is_some()).take(MAX_PROBLEMS);
    let problem = |(model, region): (usize, &Region)| {
        let name = spec.models.get(model).map(ModelId::as_str).unwrap_or_default();
        Problem {
            field: "max_cost".to_owned(),
            message: format!(
                "a provider of `{name}` in `{region}` declares no price; declare it in the \
                 router's providers file, or leave max_cost out"
            ),
        }
    };
    missing.map(problem).collect()
}

fn served_in(region: &Region, providers: &[ProviderView]) -> String {
    let there = providers.iter().filter(|provider| provider.is_in(region));
    let mut models: Vec<&str> =
        there.flat_map(|provider| provider.models.iter().flatten()).map(String::as_str).collect();
    models.sort_unstable();
    models.dedup();
    let more = models.len().saturating_sub(MAX_NAMED);
    models.truncate(MAX_NAMED);
    match (models.is_empty(), more) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => models.join(", "),
        (false, more) => format!("{} and {more} more", models.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::money::Dollars;
    use beacon_core::price::Price;
    use beacon_core::spec::parse;
    use serde_json::json;

    use super::*;

    fn provider(region: &str, models: Option<&[&str]>) -> ProviderView {
        serde_json::from_value(json!({
            "name": "p", "type": "openai", "region": region, "healthy": true, "models": models,
        }))
        .unwrap()
    }

    fn spec() -> Spec {
        let document =
            json!({"questions": ["math_basic"], "models": ["a", "b"], "regions": ["US", "EU"]});
        parse(&document, &[]).unwrap().spec
    }

    #[test]
    fn each_pair_that_nobody_serves_is_listed_with_what_is_served_there() {
        let providers = [provider("us-east", Some(&["a", "b"])), provider("eu-west", Some(&["b"]))];
        let problems = unserved(&spec(), &providers);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].field, "models[0]");
        assert_eq!(problems[0].message, "no provider serves `a` in `eu-west`; served there: b");
        assert_eq!(unserved(&spec(), &[]).len(), 4);
    }

    #[test]
    fn a_limit_of_cost_needs_every_price_and_no_other_job_does() {
        let silent = [provider("us-east", None), provider("eu-west", None)];
        let mut spec = spec();
        assert_eq!(unpriced(&spec, &Prices::of(&spec, &silent)), []);
        spec.max_cost = Some(Dollars::from_nanos(1));
        let mut priced = silent.clone();
        priced[0].price = Some(Price::PerSecond { per_second: 0.0 });
        let problems = unpriced(&spec, &Prices::of(&spec, &priced));
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["max_cost"; 2]);
        assert!(problems[0].message.contains("`a` in `eu-west` declares no price"));
    }

    #[test]
    fn a_provider_that_does_not_tell_its_models_may_serve_any() {
        let providers = [provider("US", None), provider("eu-west", None)];
        assert_eq!(unserved(&spec(), &providers), []);
    }
}
