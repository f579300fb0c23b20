//! `beacon keys`: what verifies a Beacon's receipts, and a new key to sign with.

use beacon_infra::{DataDir, StackError};
use serde_json::json;

use crate::arguments::{Arguments, Keys, KeysChange};
use crate::command::{CommandError, Done};
use crate::connect::{ConnectError, Connection};
use crate::print;

/// Lists the public keys, or makes a new key.
pub(crate) async fn keys(arguments: &Arguments, options: &Keys) -> Result<Done, CommandError> {
    match options.change {
        None => list(arguments).await,
        Some(KeysChange::Rotate) => rotate(arguments),
    }
}

async fn list(arguments: &Arguments) -> Result<Done, CommandError> {
    let connection = Connection::for_read(arguments).await?;
    let keys = connection.api.keys().await;
    connection.close().await;
    let keys = keys?;
    if arguments.json {
        print::json(&keys)?;
    } else {
        print::keys(&keys);
    }
    Ok(Done(0))
}

fn rotate(arguments: &Arguments) -> Result<Done, CommandError> {
    if arguments.api.is_some() {
        return Err(CommandError::RotateElsewhere);
    }
    if !DataDir::exists(&arguments.data) {
        return Err(ConnectError::NoData(arguments.data.clone()).into());
    }
    let data = DataDir::open(&arguments.data).map_err(StackError::from)?;
    let key = data.rotate_signing_key().map_err(StackError::from)?;
    let (key_id, public_key) = (key.id(), key.public());
    let told = format!(
        "signs with the key {key_id} from the next start on; its public key is {public_key}\n\
         receipts that are signed already stay verifiable: the public keys of earlier keys stay in the table"
    );
    print::done(arguments.json, &json!({ "key_id": key_id, "public_key": public_key }), &told)?;
    Ok(Done(0))
}
