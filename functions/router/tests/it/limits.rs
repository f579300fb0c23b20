//! The keys of a provider's times, rates and places: what is refused, and in which words.

use std::fs;

use beacon_router::{Config, ConfigError};

fn refused(more: &str) -> String {
    of_kind("openai", "url = \"http://127.0.0.1:1\"", more).unwrap_err().to_string()
}

fn of_kind(kind: &str, url: &str, more: &str) -> Result<Config, ConfigError> {
    let toml = format!(
        "[[providers]]\nname = \"lab\"\nkind = \"{kind}\"\nregion = \"us-east\"\n{url}\n\
         models = [\"m\"]\n{more}\n"
    );
    Config::from_toml_with(&toml, |_| Some("key".to_owned()))
}

#[test]
fn an_inverted_nesting_is_told_with_both_its_values() {
    let table = [
        (
            "first_byte_timeout_seconds = 30\ntimeout_seconds = 20",
            "`first_byte_timeout_seconds` (30s) must be less than `timeout_seconds` (20s)",
        ),
        (
            "first_byte_timeout_seconds = 20\ntimeout_seconds = 20",
            "`first_byte_timeout_seconds` (20s) must be less than `timeout_seconds` (20s)",
        ),
        (
            "first_byte_timeout_seconds = 421",
            "`first_byte_timeout_seconds` (421s) must be less than `timeout_seconds` (420s)",
        ),
        (
            "connect_timeout_seconds = 5\nfirst_byte_timeout_seconds = 2.5",
            "`connect_timeout_seconds` (5s) must be less than `first_byte_timeout_seconds` (2.5s)",
        ),
        (
            "connect_timeout_seconds = 5\ntimeout_seconds = 4",
            "`connect_timeout_seconds` (5s) must be less than `timeout_seconds` (4s)",
        ),
        (
            "cold_start_seconds = 300\ntimeout_seconds = 300",
            "`cold_start_seconds` (300s) must be less than `timeout_seconds` (300s)",
        ),
        (
            "cold_start_seconds = 300\nfirst_byte_timeout_seconds = 60\ntimeout_seconds = 350",
            "`cold_start_seconds` + `first_byte_timeout_seconds` (360s) must be less than \
             `timeout_seconds` (350s)",
        ),
    ];
    for (more, expected) in table {
        assert_eq!(refused(more), format!("provider `lab`: {expected}"), "{more}");
    }
}

#[test]
fn times_that_are_none_are_refused() {
    let keys = [
        "connect_timeout_seconds",
        "first_byte_timeout_seconds",
        "timeout_seconds",
        "cold_start_seconds",
    ];
    for key in keys {
        for value in ["0", "-1", "nan", "inf", "1e12"] {
            let told = refused(&format!("{key} = {value}"));
            assert!(told.contains(&format!("`{key}` must be above 0")), "{key} {value}: {told}");
        }
        let told = refused(&format!("{key} = \"1s\""));
        assert!(told.contains("provider `lab`") && told.contains("invalid type"), "{told}");
    }
    let more = "cold_start_seconds = 1\nsleeps_after_seconds = 0";
    assert!(refused(more).contains("`sleeps_after_seconds` must be above 0"));
    let more = "concurrency = 1\nqueue_timeout_seconds = 0";
    assert!(refused(more).contains("`queue_timeout_seconds` must be above 0"));
}

#[test]
fn a_key_that_means_nothing_alone_is_refused() {
    let table = [
        ("queue = 5", "`queue` must be given with `concurrency`"),
        ("queue_timeout_seconds = 5", "`queue_timeout_seconds` must be given with `concurrency`"),
        (
            "sleeps_after_seconds = 5",
            "`sleeps_after_seconds` must be given with `cold_start_seconds`",
        ),
    ];
    for (more, expected) in table {
        assert!(refused(more).contains(expected), "{}", refused(more));
    }
}

#[test]
fn counts_that_are_none_are_refused() {
    let table = [
        ("requests_per_minute = 0", "`requests_per_minute` must be at least 1"),
        ("tokens_per_minute = 0", "`tokens_per_minute` must be at least 1"),
        ("requests_per_minute = -1", "requests_per_minute"),
        ("tokens_per_minute = 1.5", "tokens_per_minute"),
        ("concurrency = 0", "`concurrency` must be from 1 to 100000"),
        ("concurrency = 100001", "`concurrency` must be from 1 to 100000"),
        ("concurrency = 1\nqueue = 100001", "`queue` must be at most 100000"),
        ("probe_seconds = 0.5", "`probe_seconds` must be at least 1"),
    ];
    for (more, expected) in table {
        assert!(refused(more).contains(expected), "{}", refused(more));
    }
}

#[test]
fn an_api_key_comes_from_one_place_that_holds_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let file = format!("api_key_file = {:?}", path.to_str().unwrap());
    assert!(refused(&file).contains("which cannot be read"), "{}", refused(&file));
    for (content, expected) in [(" \n", "which is empty"), ("sk-1\nsk-2", "a usable key")] {
        fs::write(&path, content).unwrap();
        let told = refused(&file);
        assert!(told.contains(expected) && !told.contains("sk-"), "{told}");
    }
    fs::write(&path, " sk-1234\n").unwrap();
    let both = refused(&format!("{file}\napi_key_env = \"LAB_KEY\""));
    assert!(both.contains("are both given"), "{both}");
    let config = of_kind("openai", "url = \"http://127.0.0.1:1\"", &file).unwrap();
    assert!(!format!("{config:?}").contains("sk-1234"));
}

#[test]
fn all_of_them_together_are_sound() {
    let all = "connect_timeout_seconds = 1\nfirst_byte_timeout_seconds = 10\n\
               timeout_seconds = 400\ncold_start_seconds = 300\nsleeps_after_seconds = 60\n\
               requests_per_minute = 10\ntokens_per_minute = 1000\nconcurrency = 4\nqueue = 0\n\
               queue_timeout_seconds = 5\nprobe_seconds = 60\n";
    for kind in ["openai", "modal"] {
        of_kind(kind, "url = \"http://127.0.0.1:1\"", all).unwrap();
    }
    of_kind("simulated", "", all).unwrap();
}
