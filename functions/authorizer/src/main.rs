//! The authorizer function on AWS: configuration and the runtime's loop.

use beacon_authorizer::{Authorizer, AuthorizerEvent};
use beacon_aws::{required_tokens, start};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start().await?;
    let authorizer = Authorizer { tokens: required_tokens()? };
    run(service_fn(async |event: LambdaEvent<AuthorizerEvent>| {
        Ok::<_, Error>(authorizer.handle(&event.payload))
    }))
    .await
}
