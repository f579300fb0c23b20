//! What holds for the repository's own files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/logging.rs"]
mod logging;
#[path = "tidy/verifier.rs"]
mod verifier;

use std::path::{Path, PathBuf};

#[test]
fn every_source_file_says_what_it_holds_and_is_not_long() {
    for file in sources() {
        let text = read(&file);
        let name = file.display();
        assert!(text.starts_with("//!"), "{name} does not begin with what it holds");
        let lines = text.lines().count();
        assert!(lines <= 400, "{name} has {lines} lines; split it by what it holds");
        if file.ends_with("src/main.rs") && file.to_string_lossy().contains("functions/") {
            assert!(lines <= 60, "{name} has {lines} lines; a main only wires");
        }
    }
}

#[test]
fn the_core_has_no_runtime_no_clock_and_no_io() {
    let manifest = read(&root().join("shared/core/Cargo.toml"));
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("[dev-dependencies]").next().unwrap();
    for absent in ["tokio", "reqwest", "aws", "axum", "tracing", "rand", "zstd"] {
        assert!(!dependencies.contains(absent), "the core depends on {absent}");
    }
}

#[test]
fn no_file_is_named_for_nothing() {
    for file in sources() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let empty = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "mod"];
        assert!(!empty.contains(&name.as_str()), "{}", file.display());
    }
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    for manifest in members() {
        let text = read(&manifest);
        let own = text.lines().filter(|line| line.contains("version = \""));
        assert_eq!(own.count(), 0, "{} pins a version of its own", manifest.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["cli", "functions", "infra", "shared", "tests", "xtask"] {
        collect(&root().join(folder), "rs", &mut found);
    }
    assert!(found.len() > 50, "only {} sources were found", found.len());
    found
}

fn members() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["cli", "functions", "infra", "shared", "tests", "xtask"] {
        collect(&root().join(folder), "toml", &mut found);
    }
    found.retain(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"));
    assert!(found.len() > 10, "only {} manifests were found", found.len());
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
