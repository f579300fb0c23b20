//! SDK clients of the local stack: the ordinary ones, with its addresses and any credentials.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

/// One attempt at a request to the table.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Addresses of a local stack's table and queues.
#[derive(Debug, Clone)]
pub struct Local {
    /// The embedded table.
    pub dynamodb: String,
    /// The embedded queues.
    pub sqs: String,
}

impl Local {
    /// Name of the table.
    pub const TABLE: &'static str = "beacon";
    /// Region that clients name.
    pub(crate) const REGION: &'static str = "us-east-1";
    /// Key and secret that clients show: the embedded services accept any.
    pub(crate) const KEY: &'static str = "local";

    /// A client of the table.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static(Self::REGION))
            .credentials_provider(credentials())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
            .endpoint_url(&self.dynamodb);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client of the queues.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static(Self::REGION))
            .credentials_provider(credentials())
            .endpoint_url(&self.sqs);
        aws_sdk_sqs::Client::from_conf(config.build())
    }
}

fn credentials() -> Credentials {
    Credentials::new(Local::KEY, Local::KEY, None, None, "beacon")
}
