//! The template, read by those who know `CloudFormation`: cfn-lint, and SAM's own validation. Neither
//! asks AWS anything.

use std::process::Command;

use crate::python::installed;
use crate::test::{TestError, step};

const TEMPLATE: &str = "template.yaml";
/// Where people deploy it; not every kind of resource is everywhere.
const REGIONS: [&str; 5] =
    ["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-northeast-1"];

/// Runs both.
pub(crate) fn run() -> Result<(), TestError> {
    let tools = installed("template-lint")?;
    let mut lint = Command::new(tools.join("bin/cfn-lint"));
    step("the template's lints", lint.arg("--regions").args(REGIONS).args(["--", TEMPLATE]))?;
    let mut sam = Command::new(tools.join("bin/sam"));
    sam.args(["validate", "--lint", "--template-file", TEMPLATE]);
    // It looks for a developer's credentials, and has no use for them.
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            sam.env_remove(name);
        }
    }
    sam.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    step("the template as SAM takes it", sam.env("SAM_CLI_TELEMETRY", "0"))
}
