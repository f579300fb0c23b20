//! The verifier in `docs/verify.md` is short enough to be read, and rests on one package.

use super::{read, root};

#[test]
fn the_verifier_has_at_most_60_lines_and_needs_cryptography_alone() {
    let text = read(&root().join("docs/verify.md"));
    let blocks: Vec<&str> = text.split("```python\n").skip(1).collect();
    let &[rest] = blocks.as_slice() else { panic!("one verifier, not {}", blocks.len()) };
    let (verifier, _) = rest.split_once("```").unwrap();
    let lines = verifier.lines().count();
    assert!((1..=60).contains(&lines), "{lines} lines");
    let long: Vec<&str> = verifier.lines().filter(|line| line.len() > 101).collect();
    assert!(long.is_empty(), "longer than 101 bytes: {long:?}");
    let imports: Vec<&str> = verifier
        .lines()
        .filter(|line| line.starts_with("import ") || line.starts_with("from "))
        .collect();
    assert_eq!(
        imports,
        [
            "import base64, decimal, hashlib, json, sys, urllib.parse",
            "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey",
        ]
    );
}
