//! SDK clients, on the same TLS for every function.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// Makes *ring* the process's TLS implementation. Calling it twice is harmless.
pub fn install_tls() {
    // An error only says that one is installed already, and this is the only one linked.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

/// Region, credentials and endpoints from the environment, as AWS documents them.
pub async fn load_sdk_config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await
}
