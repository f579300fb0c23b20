//! The settings, as they count.

use std::path::Path;

use beacon_infra::{Setting, Source, effective_settings};
use tracing_subscriber::EnvFilter;

use super::check::Check;
use crate::router_choice::RouterError;

/// The variable that names the router.
pub(crate) const ROUTER_URL: &str = "HYBRID_ROUTER_URL";

/// The variable that names the file of an embedded router's providers.
pub(crate) const ROUTER_CONFIG: &str = "BEACON_ROUTER_CONFIG";

/// The settings and what became of checking them.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) checks: Vec<Check>,
    settings: Vec<Setting>,
}

impl Environment {
    /// Checks each setting.
    pub(crate) fn check(providers: Option<&Path>) -> Self {
        let settings = effective_settings();
        let own_router = providers.is_some();
        let checks = settings.iter().map(|setting| check(setting, own_router)).collect();
        Self { checks, settings }
    }

    /// The check of one setting.
    pub(crate) fn of(&self, variable: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == variable)
    }

    /// What counts, where something usable is set.
    pub(crate) fn value(&self, variable: &str) -> Option<&str> {
        self.setting(variable)?.value.as_deref()
    }

    /// The name under which a setting is set.
    pub(crate) fn set_by(&self, variable: &'static str) -> &'static str {
        match self.setting(variable).map(|setting| setting.source) {
            Some(Source::Variable(name) | Source::Blank(name)) => name,
            Some(Source::Secret(_) | Source::Default | Source::Unset) | None => variable,
        }
    }

    fn setting(&self, variable: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.variable == variable)
    }
}

fn check(setting: &Setting, own_router: bool) -> Check {
    let name = setting.variable;
    let from = match setting.source {
        Source::Variable(variable) | Source::Blank(variable) => variable,
        Source::Secret(_) | Source::Default | Source::Unset => name,
    };
    if let Some(problem) = &setting.problem {
        return Check::failed(name, problem, format!("correct {from} or unset it"));
    }
    let value = setting.value.as_deref();
    let is_router = name == ROUTER_URL;
    match (setting.source, value) {
        (Source::Variable(_), Some(_)) if is_router && own_router => Check::failed(
            name,
            RouterError::Two.to_string(),
            format!("unset {from} or leave out --providers"),
        ),
        (Source::Variable(_), Some(value)) if name == "BEACON_LOG" => log_filter(name, value),
        (Source::Variable(_), Some(value)) if from == name => Check::ok(name, value),
        (Source::Variable(_), Some(value)) => Check::ok(name, format!("{value} (from {from})")),
        (Source::Secret(secret), Some(value)) => {
            Check::ok(name, format!("{value} (from secret {secret})"))
        }
        (Source::Blank(_), None) if is_router && !own_router => {
            no_router(from, "is set, but blank")
        }
        (Source::Unset, None) if is_router && !own_router => no_router(from, "is not set"),
        (Source::Blank(_), value) => {
            let default = value.map(|value| format!("; default: {value}")).unwrap_or_default();
            let detail = format!("{from} is set, but blank, which counts as not set{default}");
            Check::not_applicable(name, detail)
        }
        (Source::Default | Source::Unset, Some(value)) => {
            Check::ok(name, format!("{value} (default)"))
        }
        (Source::Variable(_) | Source::Secret(_) | Source::Default | Source::Unset, None) => {
            Check::not_applicable(name, "not set")
        }
    }
}

fn no_router(variable: &str, problem: &str) -> Check {
    let detail = format!("{variable} {problem}: answers would be simulated (made up)");
    let fix = format!("set {variable} to the router's address, or give --providers FILE");
    Check::failed(ROUTER_URL, detail, fix)
}

/// What cannot be read is passed over at the start, for the default.
fn log_filter(name: &str, value: &str) -> Check {
    match EnvFilter::builder().parse(value) {
        Ok(_) => Check::ok(name, value),
        Err(error) => {
            let fix = format!("correct {name} or unset it, for example {name}=debug");
            Check::failed(name, format!("`{name}` is `{value}`: {error}"), fix)
        }
    }
}
