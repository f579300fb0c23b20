//! The schema that the command prints is the one that editors read from the repository.

use std::path::Path;

use crate::place::Place;

const FILE: &str = "docs/specification.schema.json";

#[tokio::test]
async fn the_schema_in_the_repository_is_the_one_printed() {
    let place = Place::new();
    let printed = place.beacon(&["schema"]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.stderr.is_empty(), "{printed:?}");
    assert!(!place.data().exists(), "printing a schema needs no tables");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let kept = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    assert!(kept == printed.stdout, "{FILE} is out of date; renew it: beacon schema > {FILE}");
}
