//! Signing a specification, and submitting it to a Beacon that wants signatures.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use beacon_evidence::key::SecretKey;
use serde_json::{Value, json};

use crate::place::{Place, argument};
use crate::up::Up;

/// Numbers and characters that somebody might send otherwise than they were signed, and a file of questions.
const SPEC: &str = "name: 'Is 1 < 2 & 3 > 2? 🌍 é'\nquestions: [math_basic, {file: own.csv}]\n\
    models: [mistral-7b]\nregions: [US]\ntemperature: 0.7\ntop_p: 0.000001\nseed: 9007199254740992\n";

/// A key's file, as `openssl rand -hex 32` makes it.
fn key_file(place: &Place, name: &str, mode: u32) -> String {
    let path = place.write(name, &format!("{}\n", "2a".repeat(32)));
    set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

fn spec_file(place: &Place) -> String {
    place.write("own.csv", "id,text\nown,\"Is \"\"<b>\"\" bold?\"\n");
    place.write("spec.yaml", SPEC)
}

/// A Beacon that wants signatures of that key.
async fn up(place: &Place) -> Up {
    let key = SecretKey::new(&[0x2a; 32]).public();
    let list = json!([{"kid": key.id(), "public_key": key, "status": "active"}]);
    let list = place.write("trusted.json", &list.to_string());
    let providers = place.providers("[0, 0]");
    let arguments = ["up", "--listen", "127.0.0.1:0", "--json", "--providers", &providers];
    let mut command = place.command(&arguments);
    command.env("BEACON_TRUSTED_KEYS", list);
    Up::spawn(command, place).await
}

#[tokio::test]
async fn what_is_signed_is_taken_once_and_what_is_not_is_refused() {
    let place = Place::new();
    let (spec, up) = (spec_file(&place), up(&place).await);
    let unsigned = place.beacon(&["submit", &spec]).await;
    assert_eq!(unsigned.code, Some(2), "{unsigned:?}");
    assert!(unsigned.stderr.contains("`signature` is missing"), "{unsigned:?}");

    // The data directory's own key.
    key_file(&place, "data/signing-key", 0o600);
    let file = argument(&place.path("signed.json"));
    let signed = place.beacon(&["sign", &spec, "--out", &file, "--json"]).await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let id = SecretKey::new(&[0x2a; 32]).id().to_string();
    assert_eq!((&signed.json()["key_id"], &signed.json()["file"]), (&json!(id), &json!(file)));
    let submitted = place.beacon(&["submit", &file, "--json"]).await;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    let job = submitted.json()["job_id"].as_str().unwrap().to_owned();
    // Whoever saw no answer does the same again.
    let again = place.beacon(&["submit", &file, "--json"]).await.json();
    assert_eq!((&again["job_id"], &again["existing"]), (&json!(job), &json!(true)));
    let view = up.final_job(&job).await;
    assert_eq!((&view["status"], &view["expected"]), (&json!("completed"), &json!(2)));

    let other = place.beacon(&["submit", &file, "--id", "other"]).await;
    assert!(other.stderr.contains("`metadata.nonce` was sent before"), "{other:?}");
    let mut document: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    document["samples"] = json!(2);
    let tampered = place.write("tampered.json", &document.to_string());
    let tampered = place.beacon(&["submit", &tampered]).await;
    assert_eq!(tampered.code, Some(2), "{tampered:?}");
    assert!(tampered.stderr.contains("the signature is not of this specification"), "{tampered:?}");
    assert_eq!(up.get("jobs").await["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_id_may_be_chosen_later_and_the_predecessors_form_is_signed_too() {
    let place = Place::new();
    let up = up(&place).await;
    let key = key_file(&place, "key", 0o600);
    let portal = "shared/core/tests/portal.json";
    for (spec, id) in [(spec_file(&place).as_str(), "ours"), (portal, "theirs")] {
        let printed = place.beacon(&["sign", spec, "--key", &key]).await;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        let file = place.write(&format!("{id}.json"), &printed.stdout);
        let run = place.beacon(&["run", &file, "--id", id, "--json"]).await;
        assert_eq!((run.code, &run.json()["job_id"]), (Some(0), &json!(id)), "{run:?}");
    }
    assert_eq!(up.get("jobs").await["jobs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_signed_says_why() {
    let place = Place::new();
    let (spec, key) = (spec_file(&place), key_file(&place, "key", 0o600));
    let none = place.beacon(&["sign", &spec]).await;
    let open = key_file(&place, "open", 0o640);
    let upper = place.write("upper", &"2A".repeat(32));
    set_permissions(&upper, Permissions::from_mode(0o400)).unwrap();
    let list = place.write("list.json", "[]");
    let metadata = place.write("metadata.json", r#"{"metadata": 7}"#);
    let evidence = place.write("evidence.json", r#"{"format": "beacon-receipt-v1"}"#);
    let wrapped = place.write("wrapped.json", r#"{"jobspec": {}, "target_regions": ["US"]}"#);
    for (done, parts) in [
        (none, &["there is no key at", "signing-key", "openssl rand -hex 32"][..]),
        (place.beacon(&["sign", &spec, "--key", &open]).await, &["mode 0640", "chmod 600"]),
        (place.beacon(&["sign", &spec, "--key", &upper]).await, &["64 lower-case hexadecimal"]),
        (place.beacon(&["sign", &list, "--key", &key]).await, &["list.json", "must be an object"]),
        (place.beacon(&["sign", &metadata, "--key", &key]).await, &["metadata.json", "`metadata`"]),
        (
            place.beacon(&["sign", &evidence, "--key", &key]).await,
            &["evidence.json", "is no specification but one of Beacon's own receipts"],
        ),
        (
            place.beacon(&["sign", &wrapped, "--key", &key]).await,
            &["wrapped.json", "sign the JobSpec, and wrap it then"],
        ),
        (place.beacon(&["sign", "none.yaml", "--key", &key]).await, &["none.yaml"]),
        (
            place.beacon(&["sign", &spec, "--key", &key, "--out", "none/x"]).await,
            &["cannot be written"],
        ),
        (
            place.beacon(&["sign", &spec, "--key", &key, "--stack", "s"]).await,
            &["leave --stack out"],
        ),
    ] {
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
        for part in parts {
            assert!(done.stderr.contains(part), "{part}: {done:?}");
        }
        assert!(!done.stderr.contains("2a2a") && !done.stderr.contains("2A2A"), "{done:?}");
    }
    assert!(!place.data().exists(), "signing needs no tables");
}
