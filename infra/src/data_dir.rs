//! The data directory: the table's file, a lock, and where the running stack listens.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use beacon_evidence::key::{NoKey, SecretKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// The file system refuses.
    #[error("`{path}` cannot be {act}")]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// What was tried.
        act: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key that signs cannot be used.
    #[error("`{path}` is not used to sign: {why}")]
    SigningKey {
        /// Its file.
        path: PathBuf,
        /// Why.
        why: KeyFlaw,
    },
    /// Another process has it and does not say where it listens.
    #[error(
        "the data directory `{path}` is in use by another process; \
         stop that one, or choose another directory with --data"
    )]
    Locked {
        /// Which directory.
        path: PathBuf,
    },
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, Error)]
pub enum KeyFlaw {
    /// It is no secret any more.
    #[error(
        "others may read it: if nobody did, `chmod 600` it; else delete it, and a new key is made"
    )]
    Open,
    /// It was changed, or never was one.
    #[error("it {0}; put the key back, or delete the file, and a new key is made")]
    NoKey(NoKey),
}

/// What the stack that has the directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its API.
    pub api: SocketAddr,
    /// Its embedded table.
    pub dynamodb: String,
    /// Its embedded queues.
    pub sqs: String,
    /// Its router's base address.
    pub router: String,
    /// Its process.
    pub pid: u32,
    /// Some of its providers make their answers up.
    pub simulated: bool,
}

/// A data directory that this process alone may use.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // Held for as long as the directory is in use; the system releases it with the process.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if need be, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |path: &Path, act| {
            let path = path.to_owned();
            move |source| DataDirError::File { path, act, source }
        };
        let mut directory = DirBuilder::new();
        directory.recursive(true).mode(0o700);
        directory.create(path).map_err(failed(path, "created"))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(failed(&lock_path, "created"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::Locked { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => {
                return Err(DataDirError::File { path: lock_path, act: "locked", source });
            }
        }
        // What an earlier process said of itself is no longer so.
        forget(path);
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Whether a directory holds data.
    pub fn exists(path: &Path) -> bool {
        path.join(DATABASE).exists()
    }

    /// The stack that has a directory, if one has it and says where it listens. What a process
    /// that was killed left behind does not count: its lock is free.
    pub fn running(path: &Path) -> Option<Running> {
        let lock = File::open(path.join(LOCK)).ok()?;
        let held = matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock));
        drop(lock);
        if !held {
            return None;
        }
        serde_json::from_slice(&std::fs::read(path.join(STACK)).ok()?).ok()
    }

    /// The token of the Beacon on a directory, if it was started before.
    pub fn token(path: &Path) -> Option<String> {
        let token = std::fs::read_to_string(path.join(TOKEN)).ok()?;
        Some(token.trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// The directory's token; made at the first start, and readable by its owner alone.
    pub(crate) fn own_token(&self) -> Result<String, DataDirError> {
        if let Some(token) = Self::token(&self.path) {
            return Ok(token);
        }
        let path = self.path.join(TOKEN);
        let failed = |source| DataDirError::File { path: path.clone(), act: "written", source };
        let token = format!("{:032x}", rand::random::<u128>());
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        writeln!(file, "{token}").map_err(failed)?;
        Ok(token)
    }

    /// The key that signs what the directory's Beacon makes; made at the first start, and readable by its
    /// owner alone.
    pub(crate) fn signing_key(&self) -> Result<SecretKey, DataDirError> {
        let path = self.path.join(SIGNING_KEY);
        let failed = |act| {
            let path = path.clone();
            move |source| DataDirError::File { path, act, source }
        };
        let mode = match std::fs::metadata(&path) {
            Ok(there) => there.permissions().mode(),
            Err(error) if error.kind() == ErrorKind::NotFound => return self.rotate_signing_key(),
            Err(error) => return Err(failed("read")(error)),
        };
        if mode & 0o077 != 0 {
            return Err(DataDirError::SigningKey { path, why: KeyFlaw::Open });
        }
        let text = std::fs::read_to_string(&path).map_err(failed("read"))?;
        SecretKey::read(&text)
            .map_err(|error| DataDirError::SigningKey { path, why: KeyFlaw::NoKey(error) })
    }

    /// Makes a new key to sign with, from the next start on.
    pub fn rotate_signing_key(&self) -> Result<SecretKey, DataDirError> {
        let key = SecretKey::new(&rand::random::<[u8; 32]>());
        self.write(SIGNING_KEY, format!("{}\n", key.text()).as_bytes())?;
        Ok(key)
    }

    /// The table's file.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Tells other processes where this one listens, and functions that `cargo lambda` starts what
    /// they need of it.
    pub(crate) fn announce(&self, running: &Running, variables: &str) -> Result<(), DataDirError> {
        let path = self.path.join(STACK);
        let failed = |source| DataDirError::File { path: path.clone(), act: "written", source };
        let json = serde_json::to_vec_pretty(running).map_err(|error| failed(error.into()))?;
        self.write(FUNCTIONS, variables.as_bytes())?;
        self.write(STACK, &json)
    }

    /// Written beside and renamed, so that nobody reads half of it; readable by its owner alone.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), DataDirError> {
        let path = self.path.join(name);
        let failed = |source| DataDirError::File { path: path.clone(), act: "written", source };
        let beside = self.path.join(format!("{name}.new"));
        // What a process that was killed left may have other rights.
        let _absent_is_fine = std::fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options.open(&beside).and_then(|mut file| {
            file.write_all(content)?;
            // A key that is lost cannot be made again.
            file.sync_all()
        });
        written.map_err(failed)?;
        std::fs::rename(&beside, &path).map_err(failed)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        forget(&self.path);
    }
}

/// Takes away what a process said of itself.
fn forget(directory: &Path) {
    for name in [STACK, FUNCTIONS] {
        let _absent_is_fine = std::fs::remove_file(directory.join(name));
    }
}

const DATABASE: &str = "beacon.db";
const STACK: &str = "stack.json";
const FUNCTIONS: &str = "lambda.env";
const LOCK: &str = "lock";
const TOKEN: &str = "token";
const SIGNING_KEY: &str = "signing-key";
