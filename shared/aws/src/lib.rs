//! Beacon on `DynamoDB` and SQS: the adapters, configuration from the environment, event plumbing.

mod api;
mod at_length;
mod client;
pub mod clock;
mod closing;
mod environment;
mod error;
mod event;
mod finalise;
mod link;
mod log;
mod meter;
mod metric_lines;
mod nonce;
mod outbound;
mod providers;
mod queue;
mod secrets;
mod shared_calls;
mod start;
mod table;
mod tls;
mod tokens;

pub use api::{Admitted, ApiError, Door, NoEvidence, json, request_id, source, text};
pub use at_length::at_length;
pub use client::Aws;
pub use clock::Clock;
pub use closing::{Calls, ended_row};
pub use environment::{
    AccessSettings, ConfigError, ContentProblem, EmbeddedSettings, ListProblem, QueueUrls,
    RouterPlace, RouterSettings, SecretsError, Setting, SharedSettings, Source, Unread,
    VariableProblem, access_settings, api_token, configured_router, dead_questions_url,
    effective_settings, embeddings_key, metric_lines, queue_urls, requests_per_minute, required,
    required_tokens, router_place, router_timeout, shared_settings, signer, table_name,
    trusted_keys, variable,
};
pub use error::chain;
pub use event::{Received, each_message, partial_response};
pub use finalise::Finalised;
pub use link::{Answer, HttpLink, Link, Lost, Request, call_view};
pub use log::log_as_json;
pub use meter::Meter;
pub use metric_lines::MetricLines;
pub use nonce::fresh_nonce;
pub use outbound::{BodyError, Unsent, http_client, read_body};
pub use providers::{RouterProbe, RouterUnavailable};
pub use queue::{DeadQuestions, QueueError, QueueName, QueueState, Queues};
pub use shared_calls::{Claimed, Renewed, SharedCalls, Unshared};
pub use start::{StartError, start};
pub use table::{
    AnalysisAsked, AnalysisHeld, BreakerUpdate, CallUpdate, JobUpdate, Judged, KnownKey,
    LaneUpdate, Leaf, ListedJob, NewJob, NonceUse, OpenBill, OpenRoute, Place, ResultWrite, Said,
    Session, SessionId, Signer, SpecifiedJob, SpentNonce, StoredAnalysis, StoredRoot, StoredStatus,
    Submit, Table, TableError, Verdicts, WholeJob, schema,
};
pub use tls::{install_tls, tls_config};
pub use tokens::{Caller, Presented, TokenError, TokenMark, Tokens};
