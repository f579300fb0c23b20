//! SDK clients, on the same TLS for every function.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// Makes *ring* the process's TLS implementation. Calling it twice is harmless.
pub fn install_tls() {
    // An error only says that one is installed already, and this is the only one linked.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

/// One attempt at a request: each is answered within milliseconds, and none is a long poll.
const ATTEMPT: Duration = Duration::from_secs(5);

/// AWS as the environment describes it: region, credentials and endpoints.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Reads the environment as AWS documents it.
    pub async fn from_environment() -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build());
        Self { config: config.load().await }
    }

    /// The region, where one is set.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// A client of `DynamoDB`.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// A client of Secrets Manager.
    pub(crate) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }

    /// A client of SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }
}
