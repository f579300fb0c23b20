//! Every variable that Beacon reads, as it counts: for `beacon doctor` and `GET /debug/config`.

use std::env::VarError;

use beacon_core::access::Role;
use beacon_core::shared_call::SharedBounds;
use beacon_core::time_budget;
use beacon_core::view::SettingView;
use reqwest::Url;

use crate::tokens::Tokens;

use super::access::allowance;
use super::router::{CONFIG, LEASE, TABLE, is_embedded, lease_seconds, shared_table};
use super::secrets::{SECRETS, SecretId};
use super::signing::{SIGNING_KEY, secret_key};
use super::stack::{STACK, stack_name};
use super::trusted::{TRUSTED_KEYS, trust_list};
use super::{
    AccessSettings, ConfigError, ROUTER_TOKEN, disabled, filled, raw, router_base, router_token,
    secret_of, whole_timeout,
};

/// One setting as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The variable that sets it.
    pub variable: &'static str,
    /// What counts; of a secret only how long it is. None where nothing is set or can be used.
    pub value: Option<String>,
    /// Where that comes from.
    pub source: Source,
    /// Why what is set cannot be used, with the variable's name.
    pub problem: Option<String>,
}

/// Where a setting's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// This variable: the setting's own, or its older name.
    Variable(&'static str),
    /// The secret of this name or ARN.
    Secret(&'static str),
    /// This variable is set, but blank, which counts as not set.
    Blank(&'static str),
    /// Nothing is set, and there is a default.
    Default,
    /// Nothing is set, and there is no default.
    Unset,
}

impl Source {
    fn name(self) -> String {
        match self {
            Self::Variable(variable) => variable.to_owned(),
            Self::Secret(secret) => format!("secret {secret}"),
            Self::Blank(_) => "blank".to_owned(),
            Self::Default => "default".to_owned(),
            Self::Unset => "unset".to_owned(),
        }
    }
}

impl From<Setting> for SettingView {
    fn from(setting: Setting) -> Self {
        let Setting { variable, value, source, problem } = setting;
        Self { variable: variable.to_owned(), value, source: source.name(), problem }
    }
}

/// What a variable may hold.
#[derive(Debug, Clone, Copy)]
enum Kind {
    RouterUrl,
    RouterTimeout,
    /// Must not be set at all.
    Refused,
    Text,
    QueueUrl,
    /// A table that routers share.
    SharedTable,
    Stack,
    Lease,
    RequestsPerMinute,
    Token,
    RouterToken,
    /// A list of tokens that the API, or the router, accepts.
    Tokens,
    /// Names of secrets.
    Secrets,
    SigningKey,
    TrustedKeys,
}

/// What a variable's name says of where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// A secret of Beacon's.
    Secret,
    /// Another setting of Beacon's.
    Open,
    /// It looks like a setting of Beacon's, and is none.
    Unknown,
    /// Of AWS's SDK or of Lambda.
    Platform,
    /// Any other, such as a provider's key.
    Other,
}

/// What a name is.
pub(super) fn naming(name: &str) -> Naming {
    let known = VARIABLES.iter().find(|known| known.name == name || known.alias == Some(name));
    let ours = name.starts_with("BEACON_") || name.starts_with("HYBRID_");
    match known {
        Some(known) if known.kind.is_secret() => Naming::Secret,
        Some(_) => Naming::Open,
        None if ours => Naming::Unknown,
        None if name.starts_with("AWS_") || name.starts_with('_') => Naming::Platform,
        None => Naming::Other,
    }
}

struct Variable {
    name: &'static str,
    alias: Option<&'static str>,
    kind: Kind,
    default: Option<fn() -> String>,
}

const fn variable(name: &'static str, kind: Kind) -> Variable {
    Variable { name, alias: None, kind, default: None }
}

const VARIABLES: [Variable; 25] = [
    variable(SECRETS, Kind::Secrets),
    Variable { alias: Some("HYBRID_BASE"), ..variable("HYBRID_ROUTER_URL", Kind::RouterUrl) },
    Variable {
        alias: Some("HYBRID_TIMEOUT"),
        default: Some(|| seconds(time_budget::ROUTER)),
        ..variable("HYBRID_ROUTER_TIMEOUT", Kind::RouterTimeout)
    },
    variable("HYBRID_ROUTER_DISABLE", Kind::Refused),
    variable(ROUTER_TOKEN, Kind::RouterToken),
    variable("BEACON_ROUTER_TOKENS", Kind::Tokens),
    variable("BEACON_ROUTER_ADMIN_TOKENS", Kind::Tokens),
    variable(CONFIG, Kind::Text),
    variable(TABLE, Kind::SharedTable),
    Variable {
        default: Some(|| seconds(SharedBounds::default().lease)),
        ..variable(LEASE, Kind::Lease)
    },
    variable("BEACON_TABLE", Kind::Text),
    variable(SIGNING_KEY, Kind::SigningKey),
    variable("BEACON_DISPATCH_QUEUE_URL", Kind::QueueUrl),
    variable("BEACON_QUESTION_QUEUE_URL", Kind::QueueUrl),
    variable("BEACON_COMPLETION_QUEUE_URL", Kind::QueueUrl),
    variable("BEACON_QUESTION_DEAD_LETTER_QUEUE_URL", Kind::QueueUrl),
    Variable {
        default: Some(|| "info where it stays running, error elsewhere".to_owned()),
        ..variable("BEACON_LOG", Kind::Text)
    },
    variable(STACK, Kind::Stack),
    variable("BEACON_TOKEN", Kind::Token),
    variable("BEACON_EMBEDDINGS_KEY", Kind::Token),
    variable("BEACON_ADMIN_TOKENS", Kind::Tokens),
    variable("BEACON_SUBMITTER_TOKENS", Kind::Tokens),
    variable("BEACON_READER_TOKENS", Kind::Tokens),
    Variable {
        default: Some(|| format!("{}, on one machine 6000", AccessSettings::REQUESTS_PER_MINUTE)),
        ..variable("BEACON_REQUESTS_PER_MINUTE", Kind::RequestsPerMinute)
    },
    variable(TRUSTED_KEYS, Kind::TrustedKeys),
];

/// The settings that count for this process, secrets masked.
pub fn effective_settings() -> Vec<Setting> {
    settings_from(&raw, &secret_of)
}

type Read<'a> = &'a dyn Fn(&'static str) -> Result<String, VarError>;
type SecretOf<'a> = &'a dyn Fn(&str) -> Option<&'static str>;

fn settings_from(read: Read<'_>, secret_of: SecretOf<'_>) -> Vec<Setting> {
    VARIABLES.iter().map(|variable| variable.setting(read, secret_of)).collect()
}

impl Variable {
    fn setting(&self, read: Read<'_>, secret_of: SecretOf<'_>) -> Setting {
        let names = || std::iter::once(self.name).chain(self.alias);
        let set: Vec<(&'static str, String)> =
            names().filter_map(|name| Some((name, filled(read(name))?))).collect();
        let setting =
            |value, source, problem| Setting { variable: self.name, value, source, problem };
        let unusable = |source, error: &ConfigError| setting(None, source, Some(error.to_string()));
        let source = |name| secret_of(name).map_or(Source::Variable(name), Source::Secret);
        if let Some(name) = names().find(|name| matches!(read(name), Err(VarError::NotUnicode(_))))
        {
            return unusable(Source::Variable(name), &invalid(name, "is not UTF-8"));
        }
        match set.as_slice() {
            [(first, one), (second, other)] if one != other => {
                let error = ConfigError::Contradiction { first, second };
                unusable(Source::Variable(first), &error)
            }
            [(name, value), ..] => match self.kind.read(name, value) {
                Ok(value) => setting(Some(value), source(name), None),
                Err(error) => unusable(source(name), &error),
            },
            [] => {
                let default = self.default.map(|default| default());
                let source = match names().find(|name| read(name).is_ok()) {
                    Some(blank) => Source::Blank(blank),
                    None if default.is_some() => Source::Default,
                    None => Source::Unset,
                };
                setting(default, source, None)
            }
        }
    }
}

impl Kind {
    /// What may stand in a secret, and of which only the length is told.
    fn is_secret(self) -> bool {
        match self {
            Self::Token | Self::RouterToken | Self::Tokens | Self::SigningKey => true,
            Self::RouterUrl
            | Self::RouterTimeout
            | Self::Refused
            | Self::Text
            | Self::QueueUrl
            | Self::SharedTable
            | Self::Stack
            | Self::Lease
            | Self::RequestsPerMinute
            | Self::Secrets
            | Self::TrustedKeys => false,
        }
    }

    /// The value in the form in which it counts and may be shown.
    fn read(self, variable: &'static str, value: &str) -> Result<String, ConfigError> {
        let trimmed = value.trim();
        match self {
            Self::RouterUrl if is_embedded(value) => Ok(trimmed.to_owned()),
            Self::RouterUrl => router_base(variable, value),
            Self::RouterTimeout => whole_timeout(variable, value.to_owned()).map(seconds),
            Self::Refused => Err(disabled(value.to_owned())),
            Self::Text => Ok(trimmed.to_owned()),
            Self::SharedTable => shared_table(value.to_owned()),
            Self::Stack => stack_name(value).map(|name| name.to_string()),
            Self::Lease => lease_seconds(value.to_owned()).map(|seconds| format!("{seconds} s")),
            Self::QueueUrl => match Url::parse(trimmed) {
                Ok(url)
                    if url.has_host() && url.username().is_empty() && url.password().is_none() =>
                {
                    Ok(trimmed.to_owned())
                }
                Ok(_) | Err(_) => {
                    Err(invalid(variable, "must be a queue's address, without credentials"))
                }
            },
            Self::RequestsPerMinute => allowance(value).map(|count| count.to_string()),
            Self::TrustedKeys => trust_list(value).map(|list| format!("keys: {}", list.count())),
            Self::Token => Ok(masked(trimmed)),
            Self::RouterToken => router_token(value).map(|_header| masked(trimmed)),
            Self::SigningKey => secret_key(value).map(|key| format!("key {}", key.id())),
            Self::Tokens => match Tokens::default().add(Role::Reader, value) {
                Ok(()) => Ok(masked(trimmed)),
                Err(error) => Err(invalid(variable, &error.to_string())),
            },
            Self::Secrets => match SecretId::list(value) {
                Ok(_) => Ok(trimmed.to_owned()),
                Err(problem) => Err(invalid(variable, &problem.to_string())),
            },
        }
    }
}

/// Of a secret only its length is told.
fn masked(secret: &str) -> String {
    format!("set, {} characters", secret.chars().count())
}

/// What was set may hold a secret and is not repeated.
fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    ConfigError::Invalid { variable, value: "…".to_owned(), problem: problem.to_owned() }
}

fn seconds(duration: std::time::Duration) -> String {
    format!("{} s", duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(variable: &str, set: &[(&'static str, &str)]) -> Setting {
        let read = |name: &'static str| {
            let value = set.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
            value.map(str::to_owned).ok_or(VarError::NotPresent)
        };
        let of_secret = ["BEACON_READER_TOKENS"];
        let secret_of = |name: &str| of_secret.contains(&name).then_some("tokens");
        let settings = settings_from(&read, &secret_of);
        settings.into_iter().find(|setting| setting.variable == variable).unwrap()
    }

    #[test]
    fn each_setting_says_what_counts_and_where_it_comes_from() {
        let url = "HYBRID_ROUTER_URL";
        for (variable, set, value, source) in [
            (url, &[][..], None, Source::Unset),
            (url, &[(url, " http://r:1/ ")], Some("http://r:1"), Source::Variable(url)),
            (url, &[(url, "  ")], None, Source::Blank(url)),
            (
                url,
                &[(url, ""), ("HYBRID_BASE", "http://b")],
                Some("http://b"),
                Source::Variable("HYBRID_BASE"),
            ),
            ("HYBRID_ROUTER_TIMEOUT", &[], Some("600 s"), Source::Default),
            (
                "HYBRID_ROUTER_TIMEOUT",
                &[("HYBRID_TIMEOUT", "30")],
                Some("30 s"),
                Source::Variable("HYBRID_TIMEOUT"),
            ),
            (
                "BEACON_TABLE",
                &[("BEACON_TABLE", "beacon")],
                Some("beacon"),
                Source::Variable("BEACON_TABLE"),
            ),
        ] {
            let setting = setting(variable, set);
            assert_eq!((setting.value.as_deref(), setting.source), (value, source), "{set:?}");
            assert_eq!(setting.problem, None);
        }
    }

    #[test]
    fn what_cannot_be_used_names_its_variable_and_shows_no_secret() {
        for (variable, set, named) in [
            ("HYBRID_ROUTER_URL", ("HYBRID_BASE", "http://u:secret@h"), "HYBRID_BASE"),
            ("HYBRID_ROUTER_TIMEOUT", ("HYBRID_TIMEOUT", "soon"), "HYBRID_TIMEOUT"),
            ("HYBRID_ROUTER_DISABLE", ("HYBRID_ROUTER_DISABLE", "1"), "HYBRID_ROUTER_DISABLE"),
            (
                "BEACON_DISPATCH_QUEUE_URL",
                ("BEACON_DISPATCH_QUEUE_URL", "https://u:secret@h/q"),
                "BEACON_DISPATCH_QUEUE_URL",
            ),
            (
                "BEACON_REQUESTS_PER_MINUTE",
                ("BEACON_REQUESTS_PER_MINUTE", "many"),
                "BEACON_REQUESTS_PER_MINUTE",
            ),
            ("BEACON_STACK", ("BEACON_STACK", "my stack"), "BEACON_STACK"),
        ] {
            let setting = setting(variable, &[set]);
            assert_eq!(setting.value, None);
            assert!(setting.problem.as_ref().unwrap().contains(&format!("`{named}`")));
            assert!(!format!("{setting:?}").contains("secret"), "{setting:?}");
        }
        let both = [("HYBRID_ROUTER_URL", "http://a"), ("HYBRID_BASE", "http://b")];
        let problem = setting("HYBRID_ROUTER_URL", &both).problem.unwrap();
        assert!(problem.contains("HYBRID_BASE"), "{problem}");
    }

    #[test]
    fn of_a_secret_only_the_length_is_told() {
        for variable in [
            "HYBRID_ROUTER_TOKEN",
            "BEACON_ROUTER_TOKENS",
            "BEACON_ROUTER_ADMIN_TOKENS",
            "BEACON_TOKEN",
            "BEACON_EMBEDDINGS_KEY",
            "BEACON_ADMIN_TOKENS",
            "BEACON_SUBMITTER_TOKENS",
            "BEACON_READER_TOKENS",
        ] {
            let setting = setting(variable, &[(variable, "hush-hush-hush-hush")]);
            let json = serde_json::to_value(SettingView::from(setting)).unwrap();
            let expected = serde_json::json!({
                "variable": variable, "value": "set, 19 characters",
                "source": if variable == "BEACON_READER_TOKENS" { "secret tokens" } else { variable },
            });
            assert_eq!(json, expected);
        }
    }
}
