//! Signing a specification with one's own key.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use beacon_core::prompt::hex;
use beacon_evidence::key::{NoKey, SecretKey};
use beacon_evidence::signed::{self, SignatureViolation, Signed};
use beacon_infra::clock;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::arguments::{Arguments, Sign};
use crate::command::{CommandError, Done};
use crate::print;
use crate::spec_file::SpecFile;

/// The data directory's own key.
const KEY: &str = "signing-key";
/// More than a key and what may stand around it.
const KEY_BYTES: u64 = 1024;

/// Why a specification was not signed.
#[derive(Debug, Error)]
pub(crate) enum SignError {
    #[error(
        "there is no key at `{path}`: make one with `(umask 077; openssl rand -hex 32 > {path})`, start a \
         Beacon on that directory once, or name another with --key"
    )]
    NoKeyFile { path: PathBuf },
    #[error("the key `{path}` cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the key `{path}` can be read by others (mode {mode:04o}): `chmod 600 {path}`, or make another"
    )]
    Open { path: PathBuf, mode: u32 },
    #[error("the key `{path}` {problem}")]
    Key { path: PathBuf, problem: NoKey },
    #[error("`{path}` is no specification: it must be an object, and its `metadata` too")]
    NoSpecification { path: PathBuf },
    #[error(
        "`{path}` is no specification but {is}, and a signature of it would be taken for evidence, or for none"
    )]
    Other { path: PathBuf, is: &'static str },
    #[error("`{path}` cannot be signed")]
    Unsignable {
        path: PathBuf,
        #[source]
        source: SignatureViolation,
    },
    #[error("`{path}` cannot be written")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Prints the specification with a signature that is good for ten minutes where signatures are required.
pub(crate) fn sign(arguments: &Arguments, options: &Sign) -> Result<Done, CommandError> {
    let path = options.key.clone().unwrap_or_else(|| arguments.data.join(KEY));
    let key = read_key(&path)?;
    let SpecFile { document, .. } = SpecFile::read(&options.spec, None)?;
    let document = signed_document(document, &key, &options.spec)?;
    let Some(out) = &options.out else {
        print::document(&document)?;
        return Ok(Done(0));
    };
    let written = std::fs::write(out, format!("{document:#}\n"));
    written.map_err(|source| SignError::Write { path: out.clone(), source })?;
    let told = json!({ "file": out, "key_id": key.id(), "public_key": key.public() });
    print::done(
        arguments.json,
        &told,
        &format!("{} is signed by key {}", out.display(), key.id()),
    )?;
    Ok(Done(0))
}

/// What makes a signed document that is sent twice one job; none of one that is not signed.
pub(crate) fn idempotency_key(document: &Value) -> Option<String> {
    let _signed = Signed::of(document).ok()??;
    Some(format!("signed-{}", hex(&Sha256::digest(document.to_string()))))
}

fn signed_document(mut document: Value, key: &SecretKey, path: &Path) -> Result<Value, SignError> {
    let others = [
        ("format", "one of Beacon's own receipts, roots or the like"),
        ("jobspec", "a JobSpec in its wrapper: sign the JobSpec, and wrap it then"),
    ];
    if let Some((_, is)) = others.into_iter().find(|(member, _)| document.get(*member).is_some()) {
        return Err(SignError::Other { path: path.to_owned(), is });
    }
    let stamped = document.as_object_mut().and_then(stamp);
    let members = stamped.ok_or_else(|| SignError::NoSpecification { path: path.to_owned() })?;
    let unsignable = |source| SignError::Unsignable { path: path.to_owned(), source };
    signed::sign(members, key).map_err(unsignable)?;
    Ok(document)
}

/// Says when it is signed, and makes it another than all before.
fn stamp(document: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    let metadata = document.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = json!({});
    }
    let metadata = metadata.as_object_mut()?;
    metadata.insert("timestamp".to_owned(), format!("{:.3}", clock::now()).into());
    metadata.insert("nonce".to_owned(), STANDARD.encode(rand::random::<[u8; 16]>()).into());
    Some(document)
}

/// A secret that others can read is none.
fn read_key(path: &Path) -> Result<SecretKey, SignError> {
    let failed = |source: std::io::Error| {
        let path = path.to_owned();
        if source.kind() == ErrorKind::NotFound {
            SignError::NoKeyFile { path }
        } else {
            SignError::Read { path, source }
        }
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SignError::Open { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(KEY_BYTES).read_to_string(&mut text).map_err(failed)?;
    SecretKey::read(&text).map_err(|problem| SignError::Key { path: path.to_owned(), problem })
}
