//! Which router there is, and what routers share.

use std::path::PathBuf;
use std::time::Duration;

use beacon_core::shared_call::SharedBounds;

use super::{ConfigError, RouterSettings, aliased, optional, router_settings_from};
use super::{disabled, router_timeout_from};

/// What `HYBRID_ROUTER_URL` is where the router runs inside the function.
pub(super) const EMBEDDED: &str = "embedded";
/// The file of providers of a router inside the function, or as a service.
pub(super) const CONFIG: &str = "BEACON_ROUTER_CONFIG";
/// The table that routers share their calls in.
pub(super) const TABLE: &str = "BEACON_ROUTER_TABLE";
/// How long a router that died keeps its calls, seconds.
pub(super) const LEASE: &str = "BEACON_ROUTER_LEASE_SECONDS";

/// Where the router is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouterPlace {
    /// Elsewhere.
    At(RouterSettings),
    /// In this process.
    Embedded(EmbeddedSettings),
}

/// A router in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// The file of its providers.
    pub config: PathBuf,
    /// All attempts and waits of the router.
    pub timeout: Duration,
}

impl EmbeddedSettings {
    /// What stands in logs and rows in place of an address.
    pub const BASE: &'static str = EMBEDDED;
}

/// What routers share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSettings {
    /// The table's name.
    pub table: String,
    /// How long things take.
    pub bounds: SharedBounds,
}

type Read<'a> = &'a dyn Fn(&'static str) -> Option<String>;

/// The router from `HYBRID_ROUTER_URL` (alias `HYBRID_BASE`) and `HYBRID_ROUTER_TIMEOUT` (alias
/// `HYBRID_TIMEOUT`, seconds); the word `embedded` in place of an address is one in this process,
/// whose providers are in the file at `BEACON_ROUTER_CONFIG`.
pub fn router_place() -> Result<RouterPlace, ConfigError> {
    router_place_from(&optional)
}

/// The router that the environment names, if it names one.
pub fn configured_router() -> Result<Option<RouterPlace>, ConfigError> {
    match router_place() {
        Ok(place) => Ok(Some(place)),
        Err(ConfigError::Missing { variable: "HYBRID_ROUTER_URL", .. }) => Ok(None),
        Err(
            error @ (ConfigError::Missing { .. }
            | ConfigError::Invalid { .. }
            | ConfigError::Contradiction { .. }),
        ) => Err(error),
    }
}

fn router_place_from(read: Read<'_>) -> Result<RouterPlace, ConfigError> {
    if let Some(value) = read("HYBRID_ROUTER_DISABLE") {
        return Err(disabled(value));
    }
    let base = aliased(read, "HYBRID_ROUTER_URL", "HYBRID_BASE")?;
    if base.is_none_or(|(_, value)| !is_embedded(&value)) {
        return router_settings_from(read).map(RouterPlace::At);
    }
    let purpose = "the file of the providers of the embedded router";
    let config = read(CONFIG).ok_or(ConfigError::Missing { variable: CONFIG, purpose })?;
    let config = PathBuf::from(config.trim());
    Ok(RouterPlace::Embedded(EmbeddedSettings { config, timeout: router_timeout_from(read)? }))
}

pub(super) fn is_embedded(value: &str) -> bool {
    value.trim() == EMBEDDED
}

/// What routers share, from `BEACON_ROUTER_TABLE` and `BEACON_ROUTER_LEASE_SECONDS`; none where they
/// share nothing.
pub fn shared_settings() -> Result<Option<SharedSettings>, ConfigError> {
    shared_settings_from(&optional)
}

fn shared_settings_from(read: Read<'_>) -> Result<Option<SharedSettings>, ConfigError> {
    let bounds = match read(LEASE) {
        Some(value) => SharedBounds::of_lease(Duration::from_secs(lease_seconds(value)?)),
        None => SharedBounds::default(),
    };
    let Some(value) = read(TABLE) else { return Ok(None) };
    Ok(Some(SharedSettings { table: shared_table(value)?, bounds }))
}

pub(super) fn shared_table(value: String) -> Result<String, ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = value.trim();
    if (3..=255).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(name.to_owned());
    }
    let problem = "must be a table's name: 3 to 255 characters of [A-Za-z0-9_.-]".to_owned();
    Err(ConfigError::Invalid { variable: TABLE, value, problem })
}

pub(super) fn lease_seconds(value: String) -> Result<u64, ConfigError> {
    match value.trim().parse::<u64>() {
        Ok(seconds) if (1..=600).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err(ConfigError::Invalid {
            variable: LEASE,
            value,
            problem: "must be whole seconds from 1 to 600".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Set<'a> = &'a [(&'static str, &'a str)];

    fn read(set: Set<'_>, name: &str) -> Option<String> {
        set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn an_embedded_router_needs_its_providers() {
        let embedded = ("HYBRID_ROUTER_URL", "embedded");
        let place = |set: Set<'_>| router_place_from(&|name| read(set, name));
        let error = place(&[embedded]).unwrap_err().to_string();
        assert!(error.contains("`BEACON_ROUTER_CONFIG`"), "{error}");
        let set = [embedded, (CONFIG, "/providers.toml"), ("HYBRID_TIMEOUT", "30")];
        let expected = EmbeddedSettings {
            config: PathBuf::from("/providers.toml"),
            timeout: Duration::from_secs(30),
        };
        assert_eq!(place(&set), Ok(RouterPlace::Embedded(expected)));
        let at = place(&[("HYBRID_BASE", "http://router:8080/")]).unwrap();
        let RouterPlace::At(settings) = at else { panic!("{at:?}") };
        assert_eq!(settings.base, "http://router:8080");
    }

    #[test]
    fn what_routers_share_is_checked() {
        let shared = |set: Set<'_>| shared_settings_from(&|name| read(set, name));
        assert_eq!(shared(&[]), Ok(None));
        let settings = shared(&[(TABLE, " beacon ")]).unwrap().unwrap();
        assert_eq!((settings.table.as_str(), settings.bounds), ("beacon", SharedBounds::default()));
        let settings = shared(&[(TABLE, "beacon"), (LEASE, "3")]).unwrap().unwrap();
        let expected = (Duration::from_secs(3), Duration::from_millis(500));
        assert_eq!((settings.bounds.lease, settings.bounds.clocks), expected);
        for (set, named) in [
            (&[(TABLE, "b")][..], TABLE),
            (&[(TABLE, "a table")], TABLE),
            (&[(LEASE, "0")], LEASE),
            (&[(TABLE, "beacon"), (LEASE, "soon")], LEASE),
        ] {
            let error = shared(set).unwrap_err().to_string();
            assert!(error.contains(&format!("`{named}`")), "{error}");
        }
    }
}
