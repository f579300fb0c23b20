//! The configuration: what is refused and in which words, the examples, and the service's own
//! variables.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use beacon_router::{Config, HybridRouter};

const SOUND: &str = r#"
[[providers]]
name = "lab"
kind = "openai"
region = "us-east"
url = "http://127.0.0.1:11434/v1"
models = ["m"]
"#;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn refused(toml: &str) -> String {
    Config::from_toml_with(toml, |_| None).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_told_with_the_provider_and_the_key() {
    let lab = |key: &str| format!("{SOUND}{key}\n");
    let instead = |from: &str, to: &str| SOUND.replace(from, to);
    let table = [
        (String::new(), "no `[[providers]]`"),
        ("call_log = 1\n".to_owned(), "line 1"),
        ("\nproviders = {".to_owned(), "line 2"),
        ("provider = []\n".to_owned(), "unknown field `provider`"),
        (lab("colour = \"red\""), "provider `lab`: unknown field `colour`"),
        (lab("seed = 1"), "provider `lab`: unknown field `seed`"),
        (instead("name = \"lab\"", ""), "provider `#1`: missing field `name`"),
        (instead("openai", "opnai"), "unknown variant `opnai`"),
        (instead("us-east", "Mars Base"), "`region` must be a region"),
        (instead("[\"m\"]", "[]"), "`models` must be a list of at least one"),
        (instead("[\"m\"]", "[\"m\", {id = \"m\", upstream = \"n\"}]"), "`models` lists `m` twice"),
        (instead("http:", "ftp:"), "`url` must be an http or https URL"),
        (instead("http://", "http://user:pass@"), "`url` must be an http or https URL"),
        (instead("http://127.0.0.1:11434/v1", "localhost"), "`url` must be an http or https URL"),
        (lab("api_key_env = \"LAB_KEY\""), "environment variable `LAB_KEY`, which is not set"),
        (lab("timeout_seconds = 0"), "`timeout_seconds` must be above 0"),
        (lab("timeout_seconds = 601"), "`timeout_seconds` must be above 0 and at most the 600"),
        (lab("timeout_seconds = nan"), "`timeout_seconds` must be above 0"),
        (lab("price = { per_second = -1 }"), "`price` must be"),
        (lab("price = { per_second = 1, per_million_input_tokens = 1 }"), "`price` must be"),
        (lab("price = {}"), "`price` must be"),
        (lab("price = { per_minute = 1 }"), "unknown field `per_minute`"),
        (SOUND.repeat(2), "provider `lab`: `name` is given to two providers"),
    ];
    for (toml, expected) in table {
        let told = refused(&toml);
        assert!(told.contains(expected), "{toml}\n{told}");
    }
}

#[test]
fn what_is_wrong_with_a_simulated_provider_is_told_too() {
    let sound = "[[providers]]\nname = \"s\"\nkind = \"simulated\"\nregion = \"eu\"\n\
                 models = [\"m\"]\n";
    let table = [
        ("url = \"http://x\"", "unknown field `url`"),
        ("empty_rate = 1.5", "`empty_rate` must be from 0 to 1"),
        ("refusal_rate = -0.1", "`refusal_rate` must be from 0 to 1"),
        ("error_rate = nan", "`error_rate` must be from 0 to 1"),
        ("latency_ms = [5, 1]", "`latency_ms` must be"),
        ("script = [{ match = \"\", behaviour = \"explode\" }]", "unknown variant `explode`"),
        ("script = [{ match = \"\", behaviour = { http_status = 200 } }]", "`http_status` must be"),
    ];
    for (key, expected) in table {
        let told = refused(&format!("{sound}{key}\n"));
        assert!(told.contains("provider `s`") && told.contains(expected), "{key}\n{told}");
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for key in ["api_key = \"sk-1234\"", "api_key_env = [\"sk-1234\"]"] {
        let told = refused(&format!("{SOUND}{key}\n"));
        assert!(told.contains("lab") && !told.contains("sk-1234"), "{told}");
    }
}

#[test]
fn an_empty_or_unusable_key_is_refused_by_its_variables_name() {
    let toml = format!("{SOUND}api_key_env = \"LAB_KEY\"\n");
    for (value, expected) in [("", "is not set"), ("a\nb", "is not a usable key")] {
        let error = Config::from_toml_with(&toml, |_| Some(value.to_owned())).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("`LAB_KEY`") && told.contains(expected), "{told}");
    }
    let config = Config::from_toml_with(&toml, |_| Some("sk-1234".to_owned())).unwrap();
    assert!(!format!("{config:?}").contains("sk-1234"));
}

#[test]
fn the_examples_are_sound() {
    for (kind, providers) in [("simulated", 3), ("ollama", 1), ("modal", 2), ("openai", 1)] {
        let text = fs::read_to_string(examples().join(format!("providers.{kind}.toml"))).unwrap();
        let config = Config::from_toml_with(&text, |_| Some("key".to_owned())).unwrap();
        let router = HybridRouter::new(config).unwrap();
        assert_eq!(router.providers(None).len(), providers, "{kind}");
        assert_eq!(router.is_simulated(), kind == "simulated");
    }
}

#[test]
fn the_simulated_example_is_the_built_in_configuration() {
    let file = examples().join("providers.simulated.toml");
    assert_eq!(Config::from_file(&file).unwrap(), Config::simulated());
    let told = Config::from_file(Path::new("nowhere.toml")).unwrap_err().to_string();
    assert!(told.contains("`nowhere.toml`"), "{told}");
}

#[test]
fn the_service_names_the_variable_that_is_wrong() {
    let example = examples().join("providers.simulated.toml");
    let example = example.to_str().unwrap();
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[], "`BEACON_ROUTER_CONFIG` is not set"),
        (&[("BEACON_ROUTER_CONFIG", example)], "`BEACON_ROUTER_LISTEN` is not set"),
        (
            &[("BEACON_ROUTER_CONFIG", "nowhere.toml"), ("BEACON_ROUTER_LISTEN", "127.0.0.1:0")],
            "`BEACON_ROUTER_CONFIG` is not usable",
        ),
        (
            &[("BEACON_ROUTER_CONFIG", example), ("BEACON_ROUTER_LISTEN", "everywhere")],
            "cannot listen on `BEACON_ROUTER_LISTEN`",
        ),
    ];
    for (variables, expected) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beacon-router"));
        let output = command.env_clear().envs(variables.iter().copied()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(told.contains(expected), "{told}");
    }
}
