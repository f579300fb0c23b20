//! Reads the function's secrets from Secrets Manager, once, before the rest of the configuration.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use futures_util::future::try_join_all;
use tokio::time::timeout;

use crate::client::Aws;
use crate::environment::{
    ContentProblem, SecretId, Secrets, SecretsError, Unread, in_environment, keep_secrets,
    named_secrets,
};
use crate::error::chain;

/// All secrets together. Lambda gives a function ten seconds for its start.
const TIME: Duration = Duration::from_secs(8);

/// Reads what `BEACON_SECRETS` names; from then on its entries count as variables. Without that
/// variable nothing is asked.
pub(crate) async fn read_secrets(aws: &Aws) -> Result<(), SecretsError> {
    let ids = named_secrets()?;
    if ids.is_empty() {
        return Ok(());
    }
    let client = aws.secrets_manager();
    let texts = try_join_all(ids.iter().map(|id| read(&client, id))).await?;
    let mut secrets = Secrets::default();
    for (id, text) in ids.iter().zip(&texts) {
        secrets.add(id, text, &in_environment)?;
    }
    keep_secrets(secrets);
    Ok(())
}

async fn read(client: &Client, id: &SecretId) -> Result<String, SecretsError> {
    let secret = || id.as_str().to_owned();
    let unread = |problem| SecretsError::Unread { secret: secret(), problem };
    let asked = client.get_secret_value().secret_id(id.as_str()).send();
    let answer =
        timeout(TIME, asked).await.map_err(|_late| unread(Unread::Late(TIME.as_secs())))?;
    let value = answer.map_err(|error| unread(problem(&error)))?;
    let problem = ContentProblem::Binary;
    value.secret_string.ok_or_else(|| SecretsError::Content { secret: secret(), problem })
}

/// The SDK's own error is not kept: it may hold the answer, and with it the secret.
fn problem<E, R>(error: &SdkError<E, R>) -> Unread
where
    E: ProvideErrorMetadata,
{
    match error {
        SdkError::ServiceError(refused) => {
            let meta = refused.err().meta();
            // One without a code is an answer that could not be read.
            let Some(code) = meta.code().map(str::to_owned) else { return Unread::Unreadable };
            let message = meta.message().unwrap_or("no reason is given").to_owned();
            Unread::Refused { code, message }
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| chain(error));
            Unread::Unreachable(cause.unwrap_or_else(|| "the request was not sent".to_owned()))
        }
        SdkError::TimeoutError(_) => Unread::Unreachable("no answer in time".to_owned()),
        SdkError::ConstructionFailure(_) => {
            Unread::Unreachable("no request can be made".to_owned())
        }
        SdkError::ResponseError(_) | _ => Unread::Unreadable,
    }
}

#[cfg(test)]
mod tests;
