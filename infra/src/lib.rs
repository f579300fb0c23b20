//! Beacon whole on one machine: the same functions, fed with the same Lambda events, on embedded
//! tables and queues that are reached through the ordinary AWS SDK over loopback.

pub mod sqs;

mod access;
mod api;
mod clients;
mod component;
mod data_dir;
mod poller;
mod servers;
mod stack;

pub use beacon_aws::{
    AccessSettings, ConfigError, access_settings, client_token, RouterSettings, configured_router, http_client, install_tls, router_timeout,
};
pub use clients::Local;
pub use data_dir::{DataDir, DataDirError, Running};
pub use stack::{Duty, RouterChoice, Stack, StackError, StackOptions};
