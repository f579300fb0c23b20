//! A table whose connection ends after some writes, or at whose writes something happens.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use beacon_aws::{Meter, Table};
use beacon_infra::Local;
use futures_util::future::BoxFuture;

pub(crate) type Happening = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// What happens to requests.
#[derive(Clone)]
pub(crate) struct Fault {
    writes_left: Arc<AtomicU32>,
    puts: Arc<AtomicU32>,
    before_first_put: Arc<Mutex<Option<Happening>>>,
    before_transactions: Arc<Mutex<VecDeque<Happening>>>,
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault").field("writes_left", &self.writes_left).finish_non_exhaustive()
    }
}

impl Fault {
    /// After so many writes no request arrives, as of a process that was killed.
    pub(crate) fn dead_after(writes: u32) -> Self {
        Self {
            writes_left: Arc::new(AtomicU32::new(writes)),
            puts: Arc::default(),
            before_first_put: Arc::default(),
            before_transactions: Arc::default(),
        }
    }

    /// Every request arrives, and those that put an item are counted.
    pub(crate) fn counting() -> Self {
        Self::dead_after(u32::MAX)
    }

    /// Every request arrives; before the first that puts an item this happens.
    pub(crate) fn happening(
        happens: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    ) -> Self {
        let fault = Self::counting();
        *fault.before_first_put.lock().unwrap() = Some(Box::new(happens));
        fault
    }

    /// Every request arrives; before each of the first transactions one of these happens.
    pub(crate) fn before_transactions(happens: impl IntoIterator<Item = Happening>) -> Self {
        let fault = Self::counting();
        fault.before_transactions.lock().unwrap().extend(happens);
        fault
    }

    /// Requests that put an item.
    pub(crate) fn puts(&self) -> u32 {
        self.puts.load(Ordering::SeqCst)
    }
}

/// The stack's table over a connection with this fault.
pub(crate) fn faulty(local: &Local, fault: Fault) -> Table {
    let inner = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Faulty { fault, inner })
        .retry_config(RetryConfig::disabled())
        // What happens before a request may take long, which is no stall of the table's.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "beacon"))
        .endpoint_url(&local.dynamodb);
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    Table::new(client, Local::TABLE.to_owned(), Arc::new(Meter::off()))
}

#[derive(Debug, Clone)]
struct Faulty<T> {
    fault: Fault,
    inner: T,
}

impl HttpClient for Faulty<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Faulty { fault: self.fault.clone(), inner })
    }
}

impl HttpConnector for Faulty<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let is_put = target.ends_with(".PutItem");
        let is_transaction = target.ends_with(".TransactWriteItems");
        let is_write = is_put || is_transaction || target.ends_with(".UpdateItem");
        let left =
            self.fault.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                if is_write { left.checked_sub(1) } else { (left > 0).then_some(left) }
            });
        if left.is_err() {
            let gone = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            return HttpConnectorFuture::ready(Err(ConnectorError::io(gone.into())));
        }
        self.fault.puts.fetch_add(u32::from(is_put), Ordering::SeqCst);
        let happens = if is_put {
            self.fault.before_first_put.lock().unwrap().take()
        } else if is_transaction {
            self.fault.before_transactions.lock().unwrap().pop_front()
        } else {
            None
        };
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            if let Some(happens) = happens {
                happens().await;
            }
            inner.call(request).await
        })
    }
}
