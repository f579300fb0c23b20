//! The hybrid router: one inference call to one provider of exactly the region asked.
//!
//! A call is never answered from another region, never sent twice by itself, and dropped with the
//! connection of the last who asked for it. A call with an idempotency key is made once, however
//! often it is asked for. The library is used by the service in `main.rs`, by the
//! command line and, where no service is wanted, inside the inference function. What it decides of
//! calls with a key is [`Memory`], which the simulation of faults decides with as well.

mod attempt;
mod breaker;
mod calls;
mod chat;
mod choose;
mod clock;
mod config;
mod embedded;
mod failure;
mod inference;
mod metrics;
mod pace;
mod price;
mod probe;
mod provider;
mod record;
mod reload;
mod response;
mod retry_after;
mod route;
mod router;
mod service;
mod showing;
mod slots;
mod warmth;
mod way;

pub use calls::{Arrival, BOUNDS, Bounds, Digest, Handover, KeyRefused, Memory};
pub use clock::Clock;
pub use config::{Config, ConfigError, KeyFileProblem, ProviderProblem};
pub use embedded::EmbeddedLink;
pub use retry_after::retry_after;
pub use router::{CallContext, HybridRouter};
pub use service::{Access, AccessError, Limits, MAX_BODY_BYTES, Service, serve};
pub use way::{NoWay, Purpose, RouterWay};
