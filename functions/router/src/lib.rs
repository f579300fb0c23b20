//! The hybrid router: one inference call to one provider of exactly the region asked.
//!
//! A call is never answered from another region, never sent twice by itself, and dropped with the
//! connection of the last who asked for it. A call with an idempotency key is made once, however
//! often it is asked for. The library is used by the service in `main.rs`, by the
//! command line and, where no service is wanted, inside the inference function. What it decides of
//! calls with a key is [`Memory`], which the simulation of faults decides with as well.

mod attempt;
mod calls;
mod chat;
mod choose;
mod clock;
mod config;
mod failure;
mod price;
mod provider;
mod response;
mod router;
mod service;
mod stats;

pub use calls::{Arrival, BOUNDS, Bounds, Digest, KeyConflict, Memory};
pub use clock::Clock;
pub use config::{Config, ConfigError, ProviderProblem};
pub use router::{CallContext, HybridRouter};
pub use service::{Access, AccessError, Limits, MAX_BODY_BYTES, Service, serve};
