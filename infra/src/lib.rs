//! Beacon whole on one machine: the same functions, fed with the same Lambda events, on embedded
//! tables and queues that are reached through the ordinary AWS SDK over loopback.

pub mod sqs;

mod access;
mod api;
mod clients;
mod component;
mod data_dir;
mod effective;
mod functions;
mod poller;
mod servers;
mod stack;

pub use beacon_aws::{
    AccessSettings, Aws, BodyError, ConfigError, EmbeddedSettings, Meter, QueueName, QueueState,
    Queues, RouterPlace, RouterProbe, RouterSettings, RouterUnavailable, Setting, SharedCalls,
    Source, Unshared, access_settings, api_token, chain, clock, configured_router,
    effective_settings, embeddings_key, http_client, install_tls, queue_urls, read_body,
    router_timeout, schema,
};
pub use clients::Local;
pub use data_dir::{DataDir, DataDirError, Running};
pub use stack::{Duty, RouterChoice, Stack, StackError, StackOptions};
