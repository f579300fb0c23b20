//! What every function does before anything else.

use std::fmt;

use thiserror::Error;

use crate::client::Aws;
use crate::environment::{ConfigError, SecretsError};
use crate::error::chain;
use crate::log::log_as_json;
use crate::secrets::read_secrets;

/// Why a function does not start. What a `main` returns is printed as `Debug`, which is in words here,
/// so that the variable or the secret is named.
#[derive(Error)]
pub enum StartError {
    /// A variable is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret is wrong.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

/// Logs from here on, and reads the secrets that `BEACON_SECRETS` names: what they hold counts as
/// variables for all that is read of the environment afterwards.
pub async fn start() -> Result<Aws, StartError> {
    log_as_json()?;
    let aws = Aws::on_lambda();
    read_secrets(&aws).await?;
    Ok(aws)
}
