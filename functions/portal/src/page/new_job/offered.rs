//! What the router's providers serve, as the form offers it.

use beacon_core::Region;
use beacon_core::wire::ProviderView;

/// A model that some provider serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) id: String,
    /// Where.
    pub(super) regions: Vec<String>,
    /// Everybody who serves it makes its answers up.
    pub(super) simulated: bool,
}

/// What can be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) models: Vec<Model>,
    pub(super) regions: Vec<String>,
    /// Providers that do not tell their models, each with its region.
    pub(super) silent: Vec<(String, String)>,
}

impl Offered {
    /// By these providers, in their order.
    pub(super) fn of(providers: &[ProviderView]) -> Self {
        let mut offered = Self::default();
        for provider in providers {
            add(&mut offered.regions, &provider.region);
            let Some(models) = &provider.models else {
                offered.silent.push((provider.name.clone(), provider.region.clone()));
                continue;
            };
            for model in models {
                offered.serve(model, provider);
            }
        }
        offered
    }

    fn serve(&mut self, id: &str, provider: &ProviderView) {
        if let Some(model) = self.models.iter_mut().find(|model| model.id == id) {
            add(&mut model.regions, &provider.region);
            model.simulated &= provider.simulated;
        } else {
            let (regions, simulated) = (vec![provider.region.clone()], provider.simulated);
            self.models.push(Model { id: id.to_owned(), regions, simulated });
        }
    }

    /// Models and regions of which each of those is served in each of these: the most regions, and all models that
    /// are there. None where nobody says what is served.
    pub(super) fn together(&self) -> Option<(Vec<&str>, Vec<&str>)> {
        let serves = |model: &Model, regions: &[String]| {
            regions.iter().all(|region| model.regions.contains(region))
        };
        let products = self.models.iter().filter(|model| !model.regions.is_empty()).map(|widest| {
            let models = self.models.iter().filter(|model| serves(model, &widest.regions));
            (models.map(|model| &*model.id).collect::<Vec<_>>(), &widest.regions)
        });
        let (models, regions) =
            products.max_by_key(|(models, regions)| (regions.len(), models.len()))?;
        let regions = self.regions.iter().filter(|region| regions.contains(region));
        Some((models, regions.map(String::as_str).collect()))
    }

    /// The same with what a form names beside, so that what was chosen stays where it can be changed.
    pub(super) fn with<'a>(
        &self,
        models: impl Iterator<Item = &'a str>,
        regions: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut all = self.clone();
        for id in models {
            if !all.models.iter().any(|model| model.id == id) {
                let (id, regions) = (id.to_owned(), Vec::new());
                all.models.push(Model { id, regions, simulated: false });
            }
        }
        for region in regions {
            add(&mut all.regions, region);
        }
        all
    }
}

/// The place of a region, where it is known.
pub(super) fn place(region: &str) -> Option<&'static str> {
    Region::new(region).ok()?.place()
}

fn add(list: &mut Vec<String>, entry: &str) {
    if !list.iter().any(|there| there == entry) {
        list.push(entry.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(
        name: &str,
        region: &str,
        models: Option<&[&str]>,
        simulated: bool,
    ) -> ProviderView {
        serde_json::from_value(json!({
            "name": name, "type": "openai", "region": region, "healthy": true, "models": models,
            "simulated": simulated,
        }))
        .unwrap()
    }

    #[test]
    fn a_model_is_offered_once_with_all_its_regions() {
        let offered = Offered::of(&[
            provider("p", "us-east", Some(&["a", "b"]), true),
            provider("q", "eu-west", Some(&["b"]), false),
            provider("r", "eu-west", None, false),
        ]);
        let model = |id: &str, regions: &[&str], simulated| Model {
            id: id.to_owned(),
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            simulated,
        };
        let [a, b] = [model("a", &["us-east"], true), model("b", &["us-east", "eu-west"], false)];
        assert_eq!(offered.models, [a, b]);
        assert_eq!(offered.regions, ["us-east", "eu-west"]);
        assert_eq!(offered.silent, [("r".to_owned(), "eu-west".to_owned())]);
        assert_eq!(offered.together(), Some((vec!["b"], vec!["us-east", "eu-west"])));
        let with = offered.with(["b", "c"].into_iter(), ["mars"].into_iter());
        assert_eq!(with.models[2], model("c", &[], false));
        assert_eq!(with.regions, ["us-east", "eu-west", "mars"]);
    }
    #[test]
    fn what_is_offered_together_is_served_together() {
        assert_eq!(Offered::of(&[provider("r", "eu", None, false)]).together(), None);
        // No model is served everywhere; two are where most are.
        let offered = Offered::of(&[
            provider("p", "us", Some(&["a", "b", "c"]), false),
            provider("q", "eu", Some(&["b", "c"]), false),
            provider("r", "asia", Some(&["d"]), false),
            provider("s", "mars", None, false),
        ]);
        assert_eq!(offered.together(), Some((vec!["b", "c"], vec!["us", "eu"])));
        // What a form names beside is served nowhere.
        let with = offered.with(["x"].into_iter(), ["venus"].into_iter());
        assert_eq!(with.together(), offered.together());
    }
}
