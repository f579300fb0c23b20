//! Which pairs of model and region some provider serves.

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
    let serves = |provider: &ProviderView, model: &ModelId, region: &Region| {
        let models = provider.models.as_ref();
        is_in(provider, region)
            && models.is_none_or(|models| models.iter().any(|served| served == model.as_str()))
    };
    let mut problems: Vec<Problem> = Vec::new();
    for (index, model) in spec.models.iter().enumerate() {
        for region in spec.regions.iter().map(|prompts| &prompts.region) {
            let is_served = providers.iter().any(|provider| serves(provider, model, region));
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

fn is_in(provider: &ProviderView, region: &Region) -> bool {
    Region::resolve(&provider.region, std::slice::from_ref(region)).as_ref() == Ok(region)
}

fn served_in(region: &Region, providers: &[ProviderView]) -> String {
    let there = providers.iter().filter(|provider| is_in(provider, region));
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
    fn a_provider_that_does_not_tell_its_models_may_serve_any() {
        let providers = [provider("US", None), provider("eu-west", None)];
        assert_eq!(unserved(&spec(), &providers), []);
    }
}
