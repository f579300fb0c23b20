//! Configuration from the environment: read once at start, and every mistake names its variable.

mod access;
mod router;
mod secrets;
mod settings;
mod signing;
mod stack;
mod trusted;

use std::env::VarError;
use std::sync::OnceLock;
use std::time::Duration;

use beacon_core::time_budget;
use reqwest::header::HeaderValue;
use thiserror::Error;
use tracing_subscriber::filter::{LevelFilter, Targets};

pub use access::{AccessSettings, access_settings, requests_per_minute, required_tokens};
pub use router::{
    EmbeddedSettings, RouterPlace, SharedSettings, configured_router, router_place, shared_settings,
};
pub use secrets::{ContentProblem, ListProblem, SecretsError, Unread, VariableProblem};
pub(crate) use secrets::{SecretId, Secrets};
pub use settings::{Setting, Source, effective_settings};
pub use signing::signer;
pub use stack::metric_lines;
pub use trusted::trusted_keys;

/// A setting without which no event may be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Not set, or set to nothing.
    #[error("`{variable}` is not set: {purpose}")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// What it is for.
        purpose: &'static str,
    },
    /// Set to something that cannot be used.
    #[error("`{variable}` is `{value}`: {problem}")]
    Invalid {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// Two names of one setting disagree.
    #[error("`{first}` and `{second}` are both set and differ: unset one of them")]
    Contradiction {
        /// One name.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// What the function's secrets hold, beside the environment and as final as it: read once, before
/// anything else. A process that names no secrets has none.
static KEPT: OnceLock<Secrets> = OnceLock::new();

/// From here on these count as variables. Only the first call does anything.
pub(crate) fn keep_secrets(secrets: Secrets) {
    let _first = KEPT.get_or_init(|| secrets);
}

/// The secret that a variable stands in.
fn secret_of(variable: &str) -> Option<&'static str> {
    Some(KEPT.get()?.get(variable)?.secret.as_str())
}

/// A variable as it stands in a secret or in the environment.
fn raw(variable: &str) -> Result<String, VarError> {
    let kept = KEPT.get().and_then(|secrets| secrets.get(variable));
    kept.map_or_else(|| of_environment(variable), |entry| Ok(entry.value.clone()))
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn of_environment(variable: &str) -> Result<String, VarError> {
    std::env::var(variable)
}

/// Whether the environment sets a variable to something.
pub(crate) fn in_environment(variable: &str) -> bool {
    match of_environment(variable) {
        Ok(value) => !value.trim().is_empty(),
        Err(VarError::NotUnicode(_)) => true,
        Err(VarError::NotPresent) => false,
    }
}

/// The secrets that `BEACON_SECRETS` names; none where it is not set.
pub(crate) fn named_secrets() -> Result<Vec<SecretId>, SecretsError> {
    let list = match of_environment(secrets::SECRETS) {
        Ok(list) if !list.trim().is_empty() => SecretId::list(&list),
        Err(VarError::NotUnicode(_)) => Err(ListProblem::NotUnicode),
        Ok(_) | Err(VarError::NotPresent) => Ok(Vec::new()),
    };
    list.map_err(SecretsError::List)
}

/// The value of a variable that somebody else named, such as a provider's key; absent where it is
/// not set, blank or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    filled(raw(name))
}

/// The variable's value; absent where it is not set, blank or not UTF-8.
fn optional(variable: &'static str) -> Option<String> {
    filled(raw(variable))
}

fn filled(raw: Result<String, VarError>) -> Option<String> {
    raw.ok().filter(|value| !value.trim().is_empty())
}

/// The value of a variable that must be set.
pub fn required(variable: &'static str, purpose: &'static str) -> Result<String, ConfigError> {
    optional(variable).ok_or(ConfigError::Missing { variable, purpose })
}

/// Name of the table.
pub fn table_name() -> Result<String, ConfigError> {
    required("BEACON_TABLE", "the name of the DynamoDB table")
}

/// How much is logged, from `BEACON_LOG`: a level, or directives as `tracing` writes them.
pub(crate) fn log_filter() -> Result<Targets, ConfigError> {
    log_filter_from(optional(LOG))
}

const LOG: &str = "BEACON_LOG";

/// A filter of targets and levels alone: one of spans and fields brings a regular expression engine.
fn log_filter_from(set: Option<String>) -> Result<Targets, ConfigError> {
    let Some(value) = set else { return Ok(Targets::new().with_default(LevelFilter::INFO)) };
    value.trim().parse::<Targets>().map_err(|error| ConfigError::Invalid {
        variable: LOG,
        value,
        problem: format!("{error}; use error, warn, info, debug or trace, or MODULE=LEVEL"),
    })
}

/// Addresses of the three queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// Standard: lanes to dispatch.
    pub dispatch: String,
    /// FIFO: questions, a group a lane.
    pub question: String,
    /// Standard: closed lanes.
    pub completion: String,
}

/// The addresses of the queues.
pub fn queue_urls() -> Result<QueueUrls, ConfigError> {
    Ok(QueueUrls {
        dispatch: required("BEACON_DISPATCH_QUEUE_URL", "the address of the dispatch queue")?,
        question: required("BEACON_QUESTION_QUEUE_URL", "the address of the question queue")?,
        completion: required("BEACON_COMPLETION_QUEUE_URL", "the address of the completion queue")?,
    })
}

/// The address of the dead-letter queue of the question queue.
pub fn dead_questions_url() -> Result<String, ConfigError> {
    let what = "the address of the question queue's dead-letter queue";
    required("BEACON_QUESTION_DEAD_LETTER_QUEUE_URL", what)
}

/// What the command line shows to the API: `BEACON_TOKEN`.
pub fn api_token() -> Option<String> {
    optional("BEACON_TOKEN").map(|token| token.trim().to_owned())
}

/// What the command line shows to an embeddings endpoint: `BEACON_EMBEDDINGS_KEY`.
pub fn embeddings_key() -> Option<String> {
    optional("BEACON_EMBEDDINGS_KEY").map(|key| key.trim().to_owned())
}

/// Which router, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterSettings {
    /// Base address, without a slash at its end.
    pub base: String,
    /// All attempts and waits of the router.
    pub timeout: Duration,
    /// `Authorization` as the router wants it; never shown.
    pub authorization: Option<HeaderValue>,
}

fn router_settings_from(
    read: &dyn Fn(&'static str) -> Option<String>,
) -> Result<RouterSettings, ConfigError> {
    if let Some(value) = read("HYBRID_ROUTER_DISABLE") {
        return Err(disabled(value));
    }
    let base = aliased(read, "HYBRID_ROUTER_URL", "HYBRID_BASE")?;
    let Some((variable, value)) = base else {
        return Err(ConfigError::Missing {
            variable: "HYBRID_ROUTER_URL",
            purpose: "the address of the hybrid router, such as http://127.0.0.1:8080",
        });
    };
    let base = router_base(variable, &value)?;
    let authorization = read(ROUTER_TOKEN).map(|token| router_token(&token)).transpose()?;
    Ok(RouterSettings { base, timeout: router_timeout_from(read)?, authorization })
}

const ROUTER_TOKEN: &str = "HYBRID_ROUTER_TOKEN";

/// What shows the router's token.
fn router_token(token: &str) -> Result<HeaderValue, ConfigError> {
    let token = token.trim();
    let plain = token.chars().all(|c| c.is_ascii_graphic());
    let header = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| plain);
    let mut header = header.ok_or_else(|| ConfigError::Invalid {
        variable: ROUTER_TOKEN,
        value: "…".to_owned(),
        problem: "must be printable ASCII without blanks".to_owned(),
    })?;
    header.set_sensitive(true);
    Ok(header)
}

fn disabled(value: String) -> ConfigError {
    ConfigError::Invalid {
        variable: "HYBRID_ROUTER_DISABLE",
        value,
        problem: "the router cannot be disabled, there is no other executor; unset it".into(),
    }
}

/// An address that may stand in logs and rows: without credentials.
fn router_base(variable: &'static str, value: &str) -> Result<String, ConfigError> {
    let invalid = |value: &str, problem: &str| ConfigError::Invalid {
        variable,
        value: value.to_owned(),
        problem: problem.to_owned(),
    };
    let base = value.trim().trim_end_matches('/');
    let url = reqwest::Url::parse(base);
    let url =
        url.map_err(|_not_a_url| invalid("…", "is not an address such as http://host:8080"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("…", "must not hold credentials"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("…", "must end with its path"));
    }
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(invalid(base, "must begin with http:// or https:// and name a host"));
    }
    Ok(base.to_owned())
}

/// All attempts and waits of the router, from `HYBRID_ROUTER_TIMEOUT` (alias `HYBRID_TIMEOUT`).
pub fn router_timeout() -> Result<Duration, ConfigError> {
    router_timeout_from(&optional)
}

fn router_timeout_from(
    read: &dyn Fn(&'static str) -> Option<String>,
) -> Result<Duration, ConfigError> {
    let set = aliased(read, "HYBRID_ROUTER_TIMEOUT", "HYBRID_TIMEOUT")?;
    let Some((variable, value)) = set else { return Ok(time_budget::ROUTER) };
    whole_timeout(variable, value)
}

fn whole_timeout(variable: &'static str, value: String) -> Result<Duration, ConfigError> {
    let most = time_budget::ROUTER.as_secs();
    match value.trim().parse::<u64>() {
        Ok(seconds) if (1..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err(ConfigError::Invalid {
            variable,
            value,
            problem: format!("must be whole seconds from 1 to {most}, inside the function's own"),
        }),
    }
}

/// The value under either name, with the name it was found under.
fn aliased(
    read: &dyn Fn(&'static str) -> Option<String>,
    first: &'static str,
    second: &'static str,
) -> Result<Option<(&'static str, String)>, ConfigError> {
    match (read(first), read(second)) {
        (Some(one), Some(other)) if one != other => {
            Err(ConfigError::Contradiction { first, second })
        }
        (Some(value), _) => Ok(Some((first, value))),
        (None, value) => Ok(value.map(|value| (second, value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&'static str, &str)]) -> Result<RouterSettings, ConfigError> {
        router_settings_from(&|name| {
            set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_mistake_names_its_variable() {
        for (set, named) in [
            (&[][..], "HYBRID_ROUTER_URL"),
            (&[("HYBRID_ROUTER_URL", "localhost:8080")], "HYBRID_ROUTER_URL"),
            (&[("HYBRID_BASE", "x")], "HYBRID_BASE"),
            (&[("HYBRID_ROUTER_URL", "http://user:secret@host")], "HYBRID_ROUTER_URL"),
            (&[("HYBRID_ROUTER_URL", "http://host/?key=secret")], "HYBRID_ROUTER_URL"),
            (&[("HYBRID_ROUTER_URL", "http://a"), ("HYBRID_BASE", "http://b")], "HYBRID_BASE"),
            (&[("HYBRID_ROUTER_URL", "http://a"), ("HYBRID_TIMEOUT", "0")], "HYBRID_TIMEOUT"),
            (
                &[("HYBRID_ROUTER_URL", "http://a"), ("HYBRID_ROUTER_TIMEOUT", "5m")],
                "HYBRID_ROUTER_TIMEOUT",
            ),
            (
                &[("HYBRID_ROUTER_URL", "http://a"), ("HYBRID_ROUTER_DISABLE", "1")],
                "HYBRID_ROUTER_DISABLE",
            ),
        ] {
            let error = settings(set).unwrap_err().to_string();
            assert!(error.contains(&format!("`{named}`")), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_log_filter_is_a_level_or_directives() {
        let all = |level| Targets::new().with_default(level);
        let one = all(LevelFilter::WARN).with_target("beacon_inference", LevelFilter::INFO);
        for (set, filter) in [
            (None, all(LevelFilter::INFO)),
            (Some("debug"), all(LevelFilter::DEBUG)),
            (Some(" warn,beacon_inference=info "), one),
        ] {
            assert_eq!(log_filter_from(set.map(str::to_owned)), Ok(filter));
        }
        let error = log_filter_from(Some("a=b=c".into())).unwrap_err().to_string();
        assert!(error.contains("`BEACON_LOG`"), "{error}");
    }

    #[test]
    fn an_alias_is_as_good_as_the_name() {
        let settings = settings(&[("HYBRID_BASE", "http://r:1/"), ("HYBRID_TIMEOUT", "30")]);
        let expected = RouterSettings {
            base: "http://r:1".into(),
            timeout: Duration::from_secs(30),
            authorization: None,
        };
        assert_eq!(settings, Ok(expected));
    }

    #[test]
    fn the_routers_token_is_sent_and_never_shown() {
        let with =
            |token| settings(&[("HYBRID_BASE", "http://r:1"), ("HYBRID_ROUTER_TOKEN", token)]);
        let settings = with(" hush-hush ").unwrap();
        assert_eq!(settings.authorization.as_ref().unwrap(), "Bearer hush-hush");
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
        let error = with("hush hush").unwrap_err().to_string();
        assert!(error.contains("`HYBRID_ROUTER_TOKEN`") && !error.contains("hush"), "{error}");
    }
}
