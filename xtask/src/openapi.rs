//! `cargo xtask openapi`: the description of the API, as a file for those who read it here.

use std::path::Path;
use std::{fs, io};

/// Writes the document; a test holds the file against it.
pub(crate) fn write() -> io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    fs::write(file, format!("{:#}\n", beacon_analysis::answer::openapi()))
}
