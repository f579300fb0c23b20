//! The way of a function to the router that its environment names.

use std::fs;
use std::sync::Arc;

use beacon_aws::{
    EmbeddedSettings, HttpLink, Link, RouterPlace, RouterProbe, RouterSettings, SharedCalls, Table,
    http_client,
};
use thiserror::Error;

use crate::config::{Config, ConfigError};
use crate::embedded::EmbeddedLink;
use crate::router::HybridRouter;

/// The way to a router, over HTTP or in this process.
#[derive(Debug)]
pub struct RouterWay {
    /// Which router, for people, and how long to wait for it.
    pub settings: RouterSettings,
    /// What carries requests to it.
    pub link: Arc<dyn Link>,
    /// What asks it for its providers.
    pub probe: RouterProbe,
}

/// What a function wants of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To make calls, with the credentials of the providers.
    Calls,
    /// To ask what became of calls, to stop them, and to know the providers. An embedded router is
    /// given no credentials.
    Questions,
}

/// Why there is no way to the router.
#[derive(Debug, Error)]
pub enum NoWay {
    /// No client can be made.
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
    /// The providers of the embedded router cannot be used.
    #[error("`BEACON_ROUTER_CONFIG` is not usable")]
    Config(#[from] ConfigError),
}

impl RouterWay {
    /// To the router at that place. One in this process shares its calls in this table.
    pub fn new(place: RouterPlace, purpose: Purpose, table: &Table) -> Result<Self, NoWay> {
        match place {
            RouterPlace::At(settings) => Self::http(settings),
            RouterPlace::Embedded(EmbeddedSettings { config, timeout }) => {
                let config = match purpose {
                    Purpose::Calls => Config::from_file(&config)?,
                    Purpose::Questions => {
                        let read = |source| ConfigError::Read { path: config.clone(), source };
                        let text = fs::read_to_string(&config).map_err(read)?;
                        Config::from_toml_with(&text, |_variable| Some("none".to_owned()))?
                            .without_call_log()
                    }
                };
                let router = HybridRouter::new(config)?;
                Ok(Self::embedded(router, timeout, table))
            }
        }
    }

    /// To a router elsewhere.
    pub fn http(settings: RouterSettings) -> Result<Self, NoWay> {
        let link = Arc::new(HttpLink::new(&settings)?);
        let probe = RouterProbe::new(http_client()?, settings.base.clone());
        Ok(Self { settings, link, probe })
    }

    /// To this router, which shares its calls in this table.
    pub fn embedded(router: HybridRouter, timeout: std::time::Duration, table: &Table) -> Self {
        let router = router.with_shared_calls(SharedCalls::new(table.clone()));
        let settings = RouterSettings {
            base: EmbeddedSettings::BASE.to_owned(),
            timeout,
            authorization: None,
        };
        let link = Arc::new(EmbeddedLink::new(router.clone()));
        let probe = RouterProbe::embedded(move || router.providers(None));
        Self { settings, link, probe }
    }
}
