//! The token for a Beacon at an address given with --api.

use beacon_infra::{DataDir, client_token};

use crate::arguments::Arguments;

/// The address without what it says of a user, and the token for it: `BEACON_TOKEN`, the password
/// in `http://beacon:TOKEN@host`, or, where this machine's own Beacon listens at the address, the
/// data directory's. That one is sent nowhere else.
pub(crate) fn remote(base: &str, arguments: &Arguments) -> (String, Option<String>) {
    let Ok(mut url) = reqwest::Url::parse(base) else { return (base.to_owned(), client_token()) };
    let password = url.password().map(str::to_owned);
    if password.is_some() || !url.username().is_empty() {
        // Only addresses without a host refuse, and those cannot be asked.
        let _no_host = (url.set_username(""), url.set_password(None));
    }
    let running = DataDir::running(&arguments.data);
    let own = running.filter(|running| {
        url.host_str().zip(url.port_or_known_default()).is_some_and(|(host, port)| {
            format!("{host}:{port}") == running.api.to_string()
        })
    });
    let token = client_token()
        .or(password)
        .or_else(|| own.and_then(|_running| DataDir::token(&arguments.data)));
    (url.to_string(), token)
}
