//! `beacon bundle`, `beacon verify` and `beacon keys`: a job's evidence on its way to those who check it.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use beacon_evidence::canonical::to_canonical;
use serde_json::Value;

use crate::place::{Done, Place, argument, elsewhere, finished};
use crate::up::Up;

const SPEC: &str = "examples/bias-detection.yaml";
/// Of the predecessor's test vector.
const STRANGER: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

/// A place with a job that was run there, and its bundle as a file.
async fn with_a_job(job: &str) -> (Place, String) {
    let place = Place::new();
    ran(&place, job).await;
    let bundle = bundled(&place, job).await;
    (place, bundle)
}

async fn ran(place: &Place, job: &str) {
    let providers = place.providers("[0, 0]");
    let run = place.beacon(&["run", SPEC, "--id", job, "--providers", &providers]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

async fn bundled(place: &Place, job: &str) -> String {
    let path = argument(&place.path(&format!("{job}.jsonl")));
    let done = place.beacon(&["bundle", job, "--out", &path]).await;
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), ""), "{done:?}");
    path
}

async fn keys(place: &Place) -> Vec<Value> {
    let listed = place.beacon(&["keys", "--json"]).await.json();
    listed["keys"].as_array().unwrap().clone()
}

async fn public_key(place: &Place) -> String {
    keys(place).await[0]["public_key"].as_str().unwrap().to_owned()
}

/// The command where there is no data of a Beacon at all.
async fn alone(arguments: &[&str]) -> Done {
    let nowhere = Place::new();
    nowhere.beacon(arguments).await
}

/// What of a file does not hold: line and flaw.
fn flaws(done: &Done) -> Vec<(Value, String)> {
    assert_eq!(done.code, Some(1), "{done:?}");
    let told = done.json();
    assert_eq!((&told["holds"], &told["root"]), (&false.into(), &Value::Null), "{told}");
    let flaws = told["flaws"].as_array().unwrap().iter();
    flaws.map(|flaw| (flaw["line"].clone(), flaw["flaw"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn a_bundle_is_verified_where_there_is_no_beacon() {
    let (place, bundle) = with_a_job("j").await;
    let key = public_key(&place).await;
    let verified = alone(&["verify", &bundle, "--key", &key]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    for told in [
        "holds: a bundle",
        "job        j  (run 1)",
        "status     completed",
        "expected   72",
        "completed  72\n",
        "failed     0",
        "simulated  72: SIMULATED answers, made up",
        "verified   72 receipts with their prompts and answers, 72 of them of SIMULATED answers",
    ] {
        assert!(verified.stdout.contains(told), "{told}: {verified:?}");
    }
    assert!(!verified.stdout.contains("keys  "), "{verified:?}");

    let listed = place.beacon(&["keys", "--json"]).await;
    let list = place.write("keys.json", &listed.stdout);
    let by_list = alone(&["verify", &bundle, "--keys", &list, "--json"]).await.json();
    assert_eq!((&by_list["holds"], &by_list["kind"]), (&true.into(), &"bundle".into()));
    assert_eq!((&by_list["receipts"], &by_list["root"]["tree_size"]), (&72.into(), &72.into()));
    assert_eq!(by_list["signed_by"], Value::from(vec![listed.json()["keys"][0]["key_id"].clone()]));
    assert_eq!(by_list["keys_of"], Value::Null);
    // Those of the data directory, which is said.
    let own = place.beacon(&["verify", &bundle]).await;
    assert_eq!(own.code, Some(0), "{own:?}");
    assert!(own.stdout.contains("said that they are its own"), "{own:?}");

    // The same bytes on standard output.
    let printed = place.beacon(&["bundle", "j"]).await;
    assert_eq!(printed.stdout, std::fs::read_to_string(&bundle).unwrap());
    let table = place.beacon(&["keys"]).await;
    assert!(table.stdout.contains(&key), "{table:?}");
}

#[tokio::test]
async fn what_does_not_hold_is_named_with_its_line() {
    let (place, path) = with_a_job("j").await;
    let key = public_key(&place).await;
    let bundle = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = bundle.split_inclusive('\n').collect();
    let verified = async |name: &str, content: &[u8]| {
        let edited = place.path(name);
        std::fs::write(&edited, content).unwrap();
        alone(&["verify", &argument(&edited), "--key", &key, "--json"]).await
    };
    let with =
        |at: usize, line: &str| [lines[..at].concat(), line.into(), lines[at + 1..].concat()];

    let edited =
        lines[5].replacen("\"prompt\":[{\"content\":\"You", "\"prompt\":[{\"content\":\"He", 1);
    let named = flaws(&verified("prompt", with(5, &edited).concat().as_bytes()).await);
    assert!(
        matches!(&named[..], [(line, flaw)] if *line == 6 && flaw.contains("not the prompt of j.")),
        "{named:?}"
    );

    let edited = lines[7].replacen("\"attempts\":1", "\"attempts\":2", 1);
    let named = flaws(&verified("attempts", with(7, &edited).concat().as_bytes()).await);
    assert_eq!(named[0].0, 8, "{named:?}");
    assert!(named[0].1.contains("the signature of j.") && named[1].1.contains("give the root"));

    let swapped = [lines[0].to_owned(), lines[2].into(), lines[1].into(), lines[3..].concat()];
    let named = flaws(&verified("swapped", swapped.concat().as_bytes()).await);
    assert!(
        matches!(&named[..], [(Value::Null, flaw)] if flaw.contains("in this order")),
        "{named:?}"
    );

    let named = flaws(&verified("short", lines[..72].concat().as_bytes()).await);
    assert!(named[0].1.contains("the root is over 72 receipts; here are 71"), "{named:?}");

    // A first line that was changed hides nothing of what stands below it.
    let other = lines[0].replacen("\"expected\":72", "\"expected\":73", 1);
    let named = flaws(&verified("first", [other, lines[1..].concat()].concat().as_bytes()).await);
    assert!(
        matches!(&named[..], [(line, flaw)] if *line == 1 && flaw.contains("the root of j")),
        "{named:?}"
    );
    let named = flaws(&verified("cut", [&lines[0][1..], &edited].concat().as_bytes()).await);
    assert_eq!((&named[0].0, &named[1].0), (&1.into(), &2.into()), "{named:?}");

    let long = ["{".repeat(9 * 1024 * 1024), "\n".into()].concat();
    let named = flaws(&verified("long", [bundle.as_str(), &long].concat().as_bytes()).await);
    assert!(
        matches!(&named[..], [(line, flaw)] if *line == 74 && flaw.contains("8388608 bytes")),
        "{named:?}"
    );
    for (name, content) in [("nothing", ""), ("text", "a bundle"), ("json", "{\"format\":\"x\"}")] {
        assert_eq!(flaws(&verified(name, content.as_bytes()).await).len(), 1, "{name}");
    }

    let stranger = alone(&["verify", &path, "--key", STRANGER, "--json"]).await;
    let all = stranger.json();
    assert_eq!((flaws(&stranger).len(), &all["more_flaws"]), (20, &53.into()));
    assert!(flaws(&stranger)[0].1.contains("none of the keys given"), "{all}");
    let told = alone(&["verify", &path, "--key", STRANGER]).await;
    assert!(told.stdout.contains("does NOT hold: 73 flaws"), "{told:?}");
    assert!(told.stdout.contains("and 53 more"), "{told:?}");
}

#[tokio::test]
async fn what_cannot_be_verified_at_all_says_what_to_do() {
    let (place, bundle) = with_a_job("j").await;
    let key = public_key(&place).await;
    let lies = keys(&place).await[0].to_string().replace(&key, STRANGER);
    let lies = place.write("lies.json", &format!("{{\"keys\":[{lies}]}}"));
    let missing = argument(&place.path("missing.jsonl"));
    for (arguments, told) in [
        (vec!["verify", &bundle], "there is no public key to verify with"),
        (vec!["verify", &bundle, "--key", "abc"], "`abc` is no public key"),
        (vec!["verify", &bundle, "--keys", &bundle], "cannot be used"),
        (vec!["verify", &bundle, "--keys", &lies], "the key that is called"),
        (vec!["verify", &missing, "--key", &key], "missing.jsonl` cannot be read"),
        (vec!["verify", &bundle, "--key", &key, "--proof", &bundle], "--proof goes with a receipt"),
        (vec!["keys"], "holds no data of Beacon"),
        (vec!["keys", "rotate"], "holds no data of Beacon"),
        (vec!["keys", "rotate", "--api", "http://127.0.0.1:1"], "leave one of"),
    ] {
        let done = alone(&arguments).await;
        assert_eq!(done.code, Some(2), "{arguments:?}: {done:?}");
        assert!(done.stderr.contains(told), "{told}: {done:?}");
    }
    for arguments in [vec!["bundle", "none"], vec!["bundle", "j", "--run", "2"]] {
        let done = place.beacon(&arguments).await;
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:?}");
    }
}

#[tokio::test]
async fn a_receipt_and_its_proof_are_verified_as_they_are_answered() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let up = Up::start(&place, &["--providers", &providers]).await;
    let run = place.beacon(&["run", SPEC, "--id", "j"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let key = public_key(&place).await;
    let saved = async |name: &str, path: &str| {
        // What is answered is canonical.
        let bytes = to_canonical(&up.get(path).await).unwrap();
        place.write(name, std::str::from_utf8(&bytes).unwrap())
    };
    let rows = up.executions("j").await;
    let (id, other) = (rows[4]["id"].as_str().unwrap(), rows[5]["id"].as_str().unwrap());
    let receipt = saved("receipt", &format!("executions/{id}/receipt")).await;
    let proof = saved("proof", &format!("transparency/proof?execution_id={id}")).await;
    let others = saved("others", &format!("transparency/proof?execution_id={other}")).await;
    let root = saved("root", "transparency/root").await;
    let verify =
        async |arguments: &[&str]| alone(&[&["verify", "--key", &key], arguments].concat()).await;
    for (arguments, told) in [
        (vec![receipt.as_str()], "holds: a receipt"),
        (vec![&receipt, "--proof", &proof], "it is leaf"),
        (vec![&proof], "is in the tree under this root"),
        (vec![&root], "holds: an answer with a root"),
    ] {
        let done = verify(&arguments).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.stdout.contains(told), "{told}: {done:?}");
    }
    let proved = verify(&[&receipt, "--proof", &proof]).await;
    for told in [id, "job        j  (run 1)", "a SIMULATED answer", "completed  72"] {
        assert!(proved.stdout.contains(told), "{told}: {proved:?}");
    }
    let of_other = verify(&[&receipt, "--proof", &others]).await;
    assert_eq!(of_other.code, Some(1), "{of_other:?}");
    assert!(of_other.stdout.contains("the proof is of another receipt than"), "{of_other:?}");
    let shown = place.beacon(&["show", id]).await;
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["receipt"], up.get(&format!("executions/{id}/receipt")).await, "{shown}");
    let text = std::fs::read_to_string(&receipt).unwrap();
    let ended = place.write("ended", &format!("{text}\n"));
    let ended = verify(&[&ended]).await;
    assert!(ended.code == Some(1) && ended.stdout.contains("differs from it at byte"), "{ended:?}");
    up.kill().await;
}

#[tokio::test]
async fn the_key_of_the_first_start_is_its_owners_alone_and_one_that_is_not_starts_nothing() {
    let place = Place::new();
    let up = Up::start(&place, &[]).await;
    let path = place.data().join("signing-key");
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!(file.permissions().mode() & 0o7777, 0o600);
    up.kill().await;

    set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let refused = place.beacon(&["up", "--listen", "127.0.0.1:0"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    assert!(refused.stderr.contains("signing-key"), "{refused:?}");
    assert!(refused.stderr.contains("others may read it"), "{refused:?}");
    let key = std::fs::read_to_string(&path).unwrap();
    assert!(!refused.stderr.contains(key.trim()), "{refused:?}");
}

#[tokio::test]
async fn after_a_rotation_the_old_and_the_new_hold() {
    let (place, before) = with_a_job("before").await;
    let old = keys(&place).await;
    let up = Up::start(&place, &[]).await;
    let busy = place.beacon(&["keys", "rotate"]).await;
    assert_eq!(busy.code, Some(2), "{busy:?}");
    assert!(busy.stderr.contains("in use by another process"), "{busy:?}");
    up.kill().await;

    let rotated = place.beacon(&["keys", "rotate"]).await;
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    assert!(rotated.stdout.contains("stay verifiable"), "{rotated:?}");
    let file = std::fs::metadata(place.data().join("signing-key")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    ran(&place, "after").await;
    let after = bundled(&place, "after").await;
    let both = keys(&place).await;
    assert_eq!((both.len(), &both[1]), (2, &old[0]), "newest first");
    assert!(rotated.stdout.contains(both[0]["key_id"].as_str().unwrap()), "{rotated:?}");
    for (bundle, key) in [(&before, &both[1]), (&after, &both[0])] {
        let verified = place.beacon(&["verify", bundle, "--json"]).await.json();
        assert_eq!(verified["holds"], true, "{verified}");
        assert_eq!(verified["signed_by"], Value::from(vec![key["key_id"].clone()]));
        let other = if key == &both[0] { &both[1] } else { &both[0] };
        let by_other = other["public_key"].as_str().unwrap();
        assert_eq!(alone(&["verify", bundle, "--key", by_other]).await.code, Some(1));
    }
    assert_eq!(bundled(&place, "before").await, before);
}

#[tokio::test]
async fn a_bundle_is_read_from_standard_input() {
    let (place, bundle) = with_a_job("j").await;
    let key = public_key(&place).await;
    let mut command = elsewhere(&["verify", "-", "--key", &key]);
    command.stdin(std::fs::File::open(bundle).unwrap());
    let verified = finished(command).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
