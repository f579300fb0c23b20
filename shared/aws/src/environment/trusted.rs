//! Whose signed specifications are accepted.

use std::env::VarError;
use std::fs::File;
use std::io::Read as _;

use beacon_evidence::trust::{MOST_BYTES, TrustList};

use super::{ConfigError, raw};

pub(super) const TRUSTED_KEYS: &str = "BEACON_TRUSTED_KEYS";

/// The keys of `BEACON_TRUSTED_KEYS`: their list as JSON, or the path of a file that holds it, which is
/// read once. None where it is not set: nothing need be signed. What is blank or cannot be read never counts as
/// not set, or everything would be accepted.
pub fn trusted_keys() -> Result<Option<TrustList>, ConfigError> {
    trusted_keys_of(raw(TRUSTED_KEYS))
}

fn trusted_keys_of(set: Result<String, VarError>) -> Result<Option<TrustList>, ConfigError> {
    match set {
        Ok(blank) if blank.trim().is_empty() => Err(ConfigError::Invalid {
            variable: TRUSTED_KEYS,
            value: String::new(),
            problem: "is blank; unset it where anybody's specifications are accepted".to_owned(),
        }),
        Ok(value) => trust_list(&value).map(Some),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(ConfigError::Invalid {
            variable: TRUSTED_KEYS,
            value: "…".to_owned(),
            problem: "is not UTF-8".to_owned(),
        }),
    }
}

/// The list that a setting names. What begins as JSON is no path.
pub(super) fn trust_list(value: &str) -> Result<TrustList, ConfigError> {
    let text = value.trim();
    let invalid = |value: &str, problem: String| ConfigError::Invalid {
        variable: TRUSTED_KEYS,
        value: value.to_owned(),
        problem,
    };
    if text.starts_with(['[', '{']) {
        return TrustList::read(text.as_bytes()).map_err(|error| invalid("…", error.to_string()));
    }
    let mut json = Vec::new();
    let most = MOST_BYTES as u64 + 1;
    let read = File::open(text).and_then(|file| file.take(most).read_to_end(&mut json));
    read.map_err(|error| {
        invalid(
            text,
            format!("cannot be read ({error}); set it to a list as JSON, or to the path of one"),
        )
    })?;
    TrustList::read(&json).map_err(|error| invalid(text, error.to_string()))
}

#[cfg(test)]
mod tests {
    use beacon_evidence::key::SecretKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_the_list_or_the_path_of_one() {
        let key = SecretKey::new(&[7; 32]).public();
        let list = json!([{"kid": key.id(), "public_key": key, "status": "active"}]).to_string();
        let path = std::env::temp_dir().join(format!("beacon-trusted-{}", rand::random::<u64>()));
        std::fs::write(&path, &list).unwrap();
        let given = trust_list(&list).unwrap();
        assert_eq!((given.count(), trust_list(path.to_str().unwrap())), (1, Ok(given.clone())));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(trusted_keys_of(Ok(list.clone())), Ok(Some(given)));
        assert_eq!(trusted_keys_of(Err(VarError::NotPresent)), Ok(None));
        for unusable in [Ok(" ".to_owned()), Err(VarError::NotUnicode("x".into()))] {
            assert!(trusted_keys_of(unusable).is_err());
        }
        for (value, told) in [
            (list.replace("active", "trusted"), "entry [0]: `status`"),
            ("{}".to_owned(), "must be a JSON list"),
            ("[".to_owned(), "not JSON"),
            (path.to_str().unwrap().to_owned(), "cannot be read"),
        ] {
            let error = trust_list(&value).unwrap_err().to_string();
            assert!(error.contains("`BEACON_TRUSTED_KEYS`") && error.contains(told), "{error}");
        }
    }
}
