//! The token that the command line shows to a Beacon's API.

use std::net::IpAddr;

use beacon_infra::{DataDir, api_token};
use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::arguments::Arguments;

/// For --stack what was found with it. For --api `BEACON_TOKEN`, or the password in
/// `http://beacon:TOKEN@host`; the data directory's only if the Beacon that runs on it is meant. Else
/// the data directory's, or `BEACON_TOKEN`.
pub(crate) fn token(arguments: &Arguments) -> Option<String> {
    if let Some(deployed) = &arguments.deployed {
        return Some(deployed.token.0.clone());
    }
    let of_directory = || DataDir::token(&arguments.data);
    let Some(api) = arguments.api.as_deref() else { return of_directory().or_else(api_token) };
    let url = Url::parse(api).ok();
    let running = DataDir::running(&arguments.data).map(|running| running.api.to_string());
    choose(api_token(), url.as_ref(), running.as_deref(), of_directory)
}

fn choose(
    environment: Option<String>,
    api: Option<&Url>,
    running: Option<&str>,
    of_directory: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let of_address = || {
        let token = percent_decode_str(api?.password()?).decode_utf8().ok()?.into_owned();
        Some(token).filter(|token| !token.is_empty())
    };
    let address =
        api.and_then(|api| Some(format!("{}:{}", api.host_str()?, api.port_or_known_default()?)));
    let is_own = address.is_some() && address.as_deref() == running;
    environment.or_else(of_address).or_else(|| if is_own { of_directory() } else { None })
}

/// An address without what it says of a user, so that it can be shown.
pub(crate) fn without_user(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
    // Only addresses without a host refuse, and those have no user.
    let _no_host = (url.set_username(""), url.set_password(None));
    url.to_string()
}

/// Whether an address can only be on this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directorys_token_is_shown_only_to_the_beacon_that_runs_on_it() {
        let set = || Some("of-environment".to_owned());
        let (there, with) = ("http://h:1", "http://beacon:of%2Fapi@h:1");
        let own = "http://127.0.0.1:8787/";
        for (environment, api, running, expected) in [
            (set(), with, None, Some("of-environment")),
            (None, with, None, Some("of/api")),
            (None, own, Some("127.0.0.1:8787"), Some("of-directory")),
            (None, own, Some("127.0.0.1:8788"), None),
            (None, own, None, None),
            (None, there, Some("127.0.0.1:8787"), None),
        ] {
            let url = Url::parse(api).unwrap();
            let of_directory = || Some("of-directory".to_owned());
            let chosen = choose(environment, Some(&url), running, of_directory);
            assert_eq!(chosen.as_deref(), expected, "{api} {running:?}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_token() {
        assert_eq!(without_user("http://beacon:secret@h:1"), "http://h:1/");
        assert_eq!(without_user("nonsense"), "nonsense");
    }
}
