//! The template that Beacon is deployed by, held against the code that it deploys.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, not their crate"
)]

#[path = "template/alarms.rs"]
mod alarms;
#[path = "template/build.rs"]
mod build;
#[path = "template/deployed.rs"]
mod deployed;
#[path = "template/functions.rs"]
mod functions;
#[expect(dead_code, reason = "functions are started here, and given no events")]
#[path = "../fakes/lambda.rs"]
mod lambda;
#[path = "template/policies.rs"]
mod policies;
#[path = "template/portal.rs"]
mod portal;
#[path = "template/queues.rs"]
mod queues;
#[path = "template/routes.rs"]
mod routes;
#[path = "template/schedule.rs"]
mod schedule;
#[path = "template/table.rs"]
mod table;
#[path = "template/timeouts.rs"]
mod timeouts;
#[path = "template/variables.rs"]
mod variables;
#[path = "template/yaml.rs"]
mod yaml;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
