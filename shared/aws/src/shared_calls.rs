//! The calls with a key that several routers share, as one of them sees and changes them.

use std::sync::Arc;

use beacon_core::Nonce;
use beacon_core::shared_call::{
    self, CallWrite, Claim, Claimant, Renewal, RequestDigest, SharedBounds, SharedCall,
    SharedEnding,
};
use beacon_core::wire::{CallKey, CallView, InferenceResponse};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::client::Aws;
use crate::environment::{ConfigError, SharedSettings, shared_settings};
use crate::meter::Meter;
use crate::nonce::fresh_nonce;
use crate::table::{CallUpdate, Table, TableError};

/// Writes of one item that are tried when others change it meanwhile: its owner, those who stop it,
/// and who takes it over.
const TRIES: u32 = 10;

/// The shared calls, with a name for this router among the others.
#[derive(Debug)]
pub struct SharedCalls {
    table: Table,
    owner: Nonce,
    bounds: SharedBounds,
    /// Since when routers share their calls, Unix milliseconds.
    since_ms: OnceCell<u64>,
}

/// What a request with a key finds among the shared calls.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// It is this router's to make.
    Mine {
        /// Attempts given up before, for which the provider may charge.
        earlier_maybe_billed: u32,
        /// Where the answer of the attempt before can be fetched; then no other is to be made.
        result_url: Option<String>,
    },
    /// Another router makes it.
    Elsewhere,
    /// Its answer.
    Done(Box<InferenceResponse>),
    /// It was stopped.
    Stopped {
        /// The provider may have got it before.
        maybe_billed: bool,
        /// Attempts given up before it, for which the provider may charge.
        earlier_maybe_billed: u32,
    },
    /// The key is another request's.
    Conflict,
    /// Nothing that the request wants, which only joins.
    NothingToJoin,
}

/// What an owner finds when it gives a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// The call is its own for another lease.
    Mine,
    /// It is to stop the call.
    StopAsked,
    /// The call is not its own any more.
    Lost,
}

/// Why routers cannot share their calls as the environment says.
#[derive(Debug, Error)]
pub enum Unshared {
    /// The environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The table does not answer, or there is none of that name.
    #[error("the table `{name}` that `BEACON_ROUTER_TABLE` names cannot be used")]
    Table {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: TableError,
    },
}

impl SharedCalls {
    /// The calls in the table that the environment names, which is asked whether it is there; none
    /// where it names no table.
    pub async fn from_environment() -> Result<Option<Self>, Unshared> {
        let Some(SharedSettings { table: name, bounds }) = shared_settings()? else {
            return Ok(None);
        };
        let client = Aws::from_environment().await.dynamodb();
        let table = Table::new(client, name.clone(), Arc::new(Meter::off()));
        table.probe().await.map_err(|source| Unshared::Table { name, source })?;
        Ok(Some(Self::with_bounds(table, bounds)))
    }

    /// The calls in this table.
    pub fn new(table: Table) -> Self {
        Self::with_bounds(table, SharedBounds::default())
    }

    /// The same, within other times than those of routers that run for real.
    pub fn with_bounds(table: Table, bounds: SharedBounds) -> Self {
        Self { table, owner: fresh_nonce(), bounds, since_ms: OnceCell::new() }
    }

    /// Where they are.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How long things take.
    pub fn bounds(&self) -> SharedBounds {
        self.bounds
    }

    /// A request with a key has come to this router; one that `joins` wants only a call that runs,
    /// or its answer. Times are Unix milliseconds.
    pub async fn claim(
        &self,
        key: &CallKey,
        digest: RequestDigest,
        joins: bool,
        now_ms: u64,
    ) -> Result<Claimed, TableError> {
        self.shared_since(now_ms).await?;
        let claimant = Claimant { owner: &self.owner, digest, now_ms, joins };
        // Without a look first, a new call costs one write and no read.
        let mut seen = if joins { self.table.call(key, true).await? } else { None };
        for _try in 0..TRIES {
            let write = match shared_call::claim(seen.as_ref(), claimant, self.bounds) {
                Claim::Make(write) => write,
                Claim::Elsewhere => return Ok(Claimed::Elsewhere),
                Claim::Done(response) => return Ok(Claimed::Done(response)),
                Claim::Stopped { maybe_billed, earlier_maybe_billed } => {
                    return Ok(Claimed::Stopped { maybe_billed, earlier_maybe_billed });
                }
                Claim::Conflict => return Ok(Claimed::Conflict),
                Claim::NothingToJoin => return Ok(Claimed::NothingToJoin),
            };
            match self.write(key, &write).await? {
                Written::Happened => {
                    let SharedCall { earlier_maybe_billed, result_url, .. } = write.call;
                    return Ok(Claimed::Mine { earlier_maybe_billed, result_url });
                }
                Written::Other(stored) => seen = stored,
            }
        }
        // Whoever won meanwhile makes it.
        Ok(Claimed::Elsewhere)
    }

    /// A sign of life of the call's owner.
    pub async fn renew(&self, key: &CallKey, now_ms: u64) -> Result<Renewed, TableError> {
        let mut seen = self.table.call(key, true).await?;
        for _try in 0..TRIES {
            match shared_call::renew(seen.as_ref(), &self.owner, now_ms, self.bounds) {
                Renewal::StopAsked => return Ok(Renewed::StopAsked),
                Renewal::Lost => return Ok(Renewed::Lost),
                Renewal::Renew(write) => match self.write(key, &write).await? {
                    Written::Happened => return Ok(Renewed::Mine),
                    Written::Other(stored) => seen = stored,
                },
            }
        }
        Ok(Renewed::Lost)
    }

    /// What the owner finds without giving a sign of life: a cheap read of what stood a moment ago.
    pub async fn watch(&self, key: &CallKey, now_ms: u64) -> Result<Renewed, TableError> {
        let seen = self.table.call(key, false).await?;
        Ok(match shared_call::renew(seen.as_ref(), &self.owner, now_ms, self.bounds) {
            Renewal::Renew(_) => Renewed::Mine,
            Renewal::StopAsked => Renewed::StopAsked,
            Renewal::Lost => Renewed::Lost,
        })
    }

    /// The owner ends its call. False where the call was not its own any more.
    pub async fn end(
        &self,
        key: &CallKey,
        ending: SharedEnding,
        now_ms: u64,
    ) -> Result<bool, TableError> {
        let decide =
            |seen: Option<&SharedCall>| shared_call::end(seen, &self.owner, ending.clone(), now_ms);
        self.change(key, decide).await
    }

    /// The owner stores where the provider will have the answer, for whoever takes the call over.
    /// False where the call was not its own any more.
    pub async fn set_result_url(&self, key: &CallKey, url: &str) -> Result<bool, TableError> {
        let decide =
            |seen: Option<&SharedCall>| shared_call::keep_result_url(seen, &self.owner, url);
        self.change(key, decide).await
    }

    /// Lets no request of the key be made any more, and asks who makes one to stop it.
    pub async fn stop(&self, key: &CallKey, now_ms: u64) -> Result<(), TableError> {
        let bounds = self.bounds;
        let decide = |seen: Option<&SharedCall>| shared_call::stop(seen, now_ms, bounds);
        self.change(key, decide).await?;
        Ok(())
    }

    /// Whether another router makes the call, as far as was known a moment ago.
    pub async fn runs(&self, key: &CallKey, now_ms: u64) -> Result<bool, TableError> {
        let seen = self.table.call(key, false).await?;
        Ok(seen.is_some_and(|call| call.runs(now_ms, self.bounds)))
    }

    /// What is known of a call.
    pub async fn look(&self, key: &CallKey, now_ms: u64) -> Result<CallView, TableError> {
        let since_ms = self.remembers_since(now_ms).await?;
        let seen = self.table.call(key, true).await?;
        Ok(shared_call::view(seen.as_ref(), key, since_ms, now_ms, self.bounds))
    }

    /// Since when the routers know every call that began, Unix milliseconds.
    pub async fn remembers_since(&self, now_ms: u64) -> Result<u64, TableError> {
        let since_ms = self.shared_since(now_ms).await?;
        Ok(shared_call::remembers_since_ms(since_ms, now_ms, self.bounds))
    }

    async fn shared_since(&self, now_ms: u64) -> Result<u64, TableError> {
        let ask = || self.table.calls_shared_since(now_ms);
        self.since_ms.get_or_try_init(ask).await.copied()
    }

    /// Changes a call; false where there is nothing to change.
    async fn change(
        &self,
        key: &CallKey,
        decide: impl Fn(Option<&SharedCall>) -> Option<CallWrite>,
    ) -> Result<bool, TableError> {
        let mut seen = self.table.call(key, true).await?;
        for _try in 0..TRIES {
            let Some(write) = decide(seen.as_ref()) else { return Ok(false) };
            match self.write(key, &write).await? {
                Written::Happened => return Ok(true),
                Written::Other(stored) => seen = stored,
            }
        }
        Ok(false)
    }

    async fn write(&self, key: &CallKey, write: &CallWrite) -> Result<Written, TableError> {
        Ok(match self.table.write_call(key, write, self.bounds.age).await? {
            CallUpdate::Applied => Written::Happened,
            // The request came twice.
            CallUpdate::Refused(Some(stored)) if *stored == write.call => Written::Happened,
            CallUpdate::Refused(stored) => Written::Other(stored.map(|stored| *stored)),
        })
    }
}

/// What became of a write.
enum Written {
    Happened,
    /// Another version stands.
    Other(Option<SharedCall>),
}
