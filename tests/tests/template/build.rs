//! What `sam build` and `sam deploy` are told, so that neither takes a flag.

use beacon_core::region::Region;
use toml::{Table, Value};

use crate::deployed::Deployed;

fn toml(path: &str) -> Table {
    crate::read(path).parse().unwrap()
}

/// SAM builds with the release profile, and takes no other.
#[test]
fn what_sam_builds_has_the_functions_profile() {
    let profiles = toml("Cargo.toml")["profile"].as_table().unwrap().clone();
    let mut wanted = profiles["lambda"].as_table().unwrap().clone();
    assert_eq!(wanted.remove("inherits"), Some(Value::from("release")));
    let built = toml("CargoLambda.toml")["build"].as_table().unwrap().clone();
    assert_eq!(built["disable_optimizations"], Value::from(true));
    let set = built["config"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    let set: Table = set.collect::<Vec<_>>().join("\n").parse().unwrap();
    assert_eq!(set["profile"]["release"].as_table(), Some(&wanted));
}

#[test]
fn every_function_is_built_from_its_package() {
    let deployed = Deployed::with(&[]);
    for (id, function) in deployed.functions() {
        let metadata = &deployed.resource(id).whole["Metadata"];
        assert_eq!(metadata["BuildMethod"], "rust-cargolambda", "{id}");
        let name = id.strip_suffix("Function").unwrap().to_ascii_lowercase();
        assert_eq!(metadata["BuildProperties"]["Binary"], format!("beacon-{name}"), "{id}");
        assert_eq!(function["Runtime"], "provided.al2023", "{id}");
        let manifest = toml(&format!("functions/{name}/Cargo.toml"));
        assert_eq!(manifest["package"]["name"], Value::from(format!("beacon-{name}")));
    }
}

#[test]
fn the_deploy_says_what_the_readme_leaves_out() {
    let config = toml("samconfig.toml");
    let of = |command: &str| config["default"][command]["parameters"].clone();
    assert_eq!(of("build")["beta_features"], Value::from(true));
    let deploy = of("deploy");
    assert_eq!(deploy["stack_name"], Value::from("beacon"));
    assert_eq!(deploy["resolve_s3"], Value::from(true));
    assert_eq!(deploy["capabilities"], Value::from("CAPABILITY_IAM"));
}

/// The first job that the README runs there.
#[test]
fn the_providers_as_delivered_serve_the_main_job() {
    let delivered = crate::read("infra/providers/providers.toml");
    let router = beacon_router::Config::from_toml(&delivered).unwrap();
    let router = beacon_router::HybridRouter::new(router).unwrap();
    let example = crate::read("examples/bias-detection.yaml");
    let example: serde_json::Value = serde_saphyr::from_str(&example).unwrap();
    for region in example["regions"].as_array().unwrap() {
        let region = Region::resolve(region.as_str().unwrap(), &[]).unwrap();
        let providers = router.providers(Some(region.as_str()));
        assert!(providers.iter().all(|provider| provider.simulated));
        for model in example["models"].as_array().unwrap() {
            let model = model.as_str().unwrap();
            let served: Vec<_> =
                providers.iter().flat_map(|of| of.models.iter().flatten()).collect();
            assert!(served.iter().any(|served| *served == model), "{region}: {served:?}");
        }
    }
}
