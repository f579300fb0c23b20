//! The token that the command line shows to a Beacon's API.

use std::net::IpAddr;
use std::path::Path;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::arguments::Arguments;

/// The file in the data directory that a local Beacon writes its token to.
const FILE: &str = "token";

/// The token of `BEACON_TOKEN`, of --api (`http://beacon:TOKEN@host`), or of the data directory.
pub(crate) fn token(arguments: &Arguments) -> Option<String> {
    choose(beacon_infra::api_token(), arguments.api.as_deref(), &arguments.data)
}

fn choose(environment: Option<String>, api: Option<&str>, data: &Path) -> Option<String> {
    let url = api.and_then(|api| Url::parse(api).ok());
    let from_address = || {
        let password = url.as_ref()?.password()?;
        let token = percent_decode_str(password).decode_utf8().ok()?.into_owned();
        Some(token).filter(|token| !token.is_empty())
    };
    let from_file = || {
        let token = std::fs::read_to_string(data.join(FILE)).ok()?;
        Some(token.trim().to_owned()).filter(|token| !token.is_empty())
    };
    // A token of this machine is not shown to another.
    let local = api.is_none() || url.as_ref().is_some_and(is_this_machine);
    environment.or_else(from_address).or_else(|| if local { from_file() } else { None })
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
    fn the_nearest_token_counts_and_the_files_stays_on_this_machine() {
        let place = tempfile::TempDir::new().unwrap();
        std::fs::write(place.path().join(FILE), "of-file\n").unwrap();
        let set = || Some("of-environment".to_owned());
        let (there, with) = (Some("http://h:1"), Some("http://beacon:of%2Fapi@h:1"));
        for (environment, api, expected) in [
            (set(), with, Some("of-environment")),
            (None, with, Some("of/api")),
            (None, None, Some("of-file")),
            (None, Some("http://127.0.0.1:1"), Some("of-file")),
            (None, Some("http://localhost:1"), Some("of-file")),
            (None, there, None),
        ] {
            assert_eq!(choose(environment, api, place.path()).as_deref(), expected, "{api:?}");
        }
        assert_eq!(choose(None, None, &place.path().join("elsewhere")), None);
    }
}
