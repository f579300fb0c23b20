//! Compresses the API's description, which is the largest thing in the function's program.

use std::error::Error;
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "../../docs/openapi.json";

#[expect(clippy::disallowed_methods, reason = "so cargo tells a build script where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let compressed = zstd::encode_all(fs::File::open(DOCUMENT)?, 19)?;
    let out = std::env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("openapi.json.zst"), compressed)?;
    Ok(())
}
