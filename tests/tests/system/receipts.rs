//! What of a job others can verify: receipts, the root over them, proofs and bundles, through the API.

use beacon_core::ExecutionId;
use beacon_core::seal::KeyId;
use beacon_evidence::bundle::{Entry, Header};
use beacon_evidence::canonical::{read_canonical, to_canonical};
use beacon_evidence::key::KeyRing;
use beacon_evidence::published::PublishedKeys;
use beacon_evidence::receipt::Receipt;
use beacon_evidence::root::{Proof, Root};
use beacon_evidence::verify::{Verifier, verify_proof, verify_receipt, verify_root_answer};
use serde_json::{Value, json};

use crate::here::{Answered, Api, Here, answered, eventually, main_job};
use crate::retry::{Lab, spec};
use crate::router::{Answer, Router, answered_in};

/// What a function's answer may have, and a line of a bundle beside.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

async fn get(api: &Api, path: &str) -> Answered {
    answered(api.request("GET", &format!("/api/v1/{path}"))).await
}

/// The answer once it is there: a job is signed for some seconds after its final status.
async fn signed(api: &Api, path: &str) -> Answered {
    eventually("a root", async || {
        let answer = get(api, path).await;
        (answer.status != 404 || !answer.refusal().1.starts_with("root_not_")).then_some(answer)
    })
    .await
}

/// A job's bundle in its pages.
async fn pages(api: &Api, path: &str) -> Vec<String> {
    let mut answer = signed(api, path).await;
    let mut pages = Vec::new();
    loop {
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/jsonl"));
        let next = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        pages.push(answer.text);
        let Some(next) = next else { return pages };
        let query = next.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        answer = get(api, &format!("{}{query}", path.split('?').next().unwrap())).await;
    }
}

async fn bundle(api: &Api, path: &str) -> String {
    pages(api, path).await.concat()
}

async fn published(api: &Api) -> PublishedKeys {
    serde_json::from_value(api.get("keys").await).unwrap()
}

async fn keys(api: &Api) -> KeyRing {
    published(api).await.ring().unwrap()
}

/// The root and the receipts of a bundle that holds.
fn verified(bundle: &str, keys: &KeyRing) -> (Root, Vec<Receipt>) {
    let mut verifier = Verifier::new(keys);
    let mut lines = bundle.split_inclusive('\n');
    verifier.header(lines.next().unwrap().as_bytes()).unwrap();
    let receipts = lines.map(|line| verifier.entry(line.as_bytes()).unwrap()).collect();
    (verifier.finish().unwrap().unwrap(), receipts)
}

async fn root(api: &Api, query: &str, keys: &KeyRing) -> Root {
    let answer = signed(api, &format!("transparency/root{query}")).await;
    let json = answer.json();
    assert_eq!(json["merkle_root"], json["root"], "{json}");
    assert_eq!(json["signed_root"]["root_hash"], json["root"], "{json}");
    verify_root_answer(answer.text.as_bytes(), keys).unwrap()
}

async fn proof(api: &Api, query: &str, receipt: &Receipt, keys: &KeyRing) -> Proof {
    let answer = get(api, &format!("transparency/proof?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    verify_proof(answer.text.as_bytes(), Some(receipt), keys).unwrap()
}

#[tokio::test]
async fn a_job_is_signed_for_as_a_whole_and_each_receipt_is_proved_under_its_root() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    let bundle = bundle(&here.api, "jobs/j/bundle").await;
    let keys = keys(&here.api).await;
    let (of_bundle, receipts) = verified(&bundle, &keys);
    let said = &of_bundle.body;
    assert_eq!((said.expected, said.completed, said.tree_size, said.simulated), (72, 72, 72, 72));
    assert_eq!(said.spec_sha256.0, here.api.get("jobs/j/manifest").await["spec_sha256"]);
    for query in ["", "?job_id=j", "?job_id=j&run=1"] {
        assert_eq!(root(&here.api, query, &keys).await, of_bundle, "{query}");
    }
    for (index, receipt) in receipts.iter().enumerate() {
        let id = &receipt.body.execution_id;
        let by_index = proof(&here.api, &format!("job_id=j&index={index}"), receipt, &keys).await;
        let by_id = proof(&here.api, &format!("execution_id={id}"), receipt, &keys).await;
        assert_eq!(by_id.execution_id.as_ref(), Some(id));
        assert_eq!(by_index, Proof { execution_id: None, ..by_id });
    }
    let without_job = proof(&here.api, "index=7", &receipts[7], &keys).await;
    assert_eq!(without_job.root, of_bundle);

    let id = receipts[3].body.execution_id.to_string();
    let alone = get(&here.api, &format!("executions/{id}/receipt")).await;
    assert_eq!(alone.header("content-type"), "application/json");
    assert_eq!(verify_receipt(alone.text.as_bytes(), &keys).unwrap(), receipts[3]);
    for path in [format!("executions/{id}"), format!("executions/{id}/details")] {
        let one = here.api.get(&path).await;
        assert_eq!((&one["has_receipt"], &one["receipt"]), (&true.into(), &alone.json()));
        assert_eq!(one["provider_receipt"], Value::Null);
    }
    for row in here.api.executions("j").await {
        assert_eq!((&row["has_receipt"], &row["receipt"]), (&true.into(), &Value::Null));
    }
}

#[tokio::test]
async fn what_failed_is_counted_and_a_retry_signs_anew_beside_the_root_before() {
    let lab = Lab::dead().await;
    let here = Here::with_router(lab.base()).await;
    here.api.run(&spec("j")).await;
    let first = bundle(&here.api, "jobs/j/bundle").await;
    let keys = keys(&here.api).await;
    let (first_root, first_receipts) = verified(&first, &keys);
    let said = &first_root.body;
    assert_eq!((said.completed, said.failed, said.tree_size, said.simulated), (6, 6, 6, 0));
    let kept = get(&here.api, "transparency/proof?job_id=j&index=5").await;

    let rows = here.api.executions("j").await;
    let dead = rows.iter().find(|row| row["region"] == "eu-west").unwrap();
    let dead: ExecutionId = dead["id"].as_str().unwrap().to_owned().try_into().unwrap();
    let refused = get(&here.api, &format!("executions/{dead}/receipt")).await;
    assert_eq!(refused.refusal(), (404, "receipt_not_found".to_owned()));
    assert!(refused.text.contains("Execution or receipt not found"), "{refused:?}");
    assert!(refused.text.contains("is not completed"), "{refused:?}");
    let one = here.api.get(&format!("executions/{dead}")).await;
    assert_eq!((&one["has_receipt"], &one["receipt"]), (&false.into(), &Value::Null));
    let path = format!("transparency/proof?execution_id={dead}");
    assert_eq!(get(&here.api, &path).await.refusal(), (404, "proof_not_found".to_owned()));

    lab.repair();
    here.api.change("jobs/j/retry", &json!({})).await;
    here.api.final_job("j").await;
    let of_two = signed(&here.api, "transparency/root?job_id=j&run=2").await;
    let (second_root, second_receipts) = verified(&bundle(&here.api, "jobs/j/bundle").await, &keys);
    assert_eq!(verify_root_answer(of_two.text.as_bytes(), &keys).unwrap(), second_root);
    assert_eq!((second_root.body.run.0, second_root.body.tree_size), (2, 12));
    // It is remembered as the last a moment after it is stored.
    eventually("the last root", async || {
        (root(&here.api, "", &keys).await == second_root).then_some(())
    })
    .await;

    assert_eq!(bundle(&here.api, "jobs/j/bundle?run=1").await, first);
    assert_eq!(root(&here.api, "?job_id=j&run=1", &keys).await, first_root);
    assert!(first_receipts.iter().all(|receipt| second_receipts.contains(receipt)));
    verify_proof(kept.text.as_bytes(), Some(&first_receipts[5]), &keys).unwrap();
    assert_eq!(get(&here.api, "transparency/proof?job_id=j&run=1&index=5").await.text, kept.text);
    let of_dead = second_receipts.iter().find(|receipt| receipt.body.execution_id == dead);
    proof(&here.api, &format!("execution_id={dead}"), of_dead.unwrap(), &keys).await;
    let too_early = get(&here.api, &format!("{path}&run=1")).await;
    assert_eq!(too_early.refusal(), (404, "proof_not_found".to_owned()));
    assert!(too_early.text.contains("was completed after run 1"), "{too_early:?}");
}

#[tokio::test]
async fn after_a_new_key_what_the_old_one_signed_still_holds() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("before")).await;
    let before = bundle(&here.api, "jobs/before/bundle").await;
    let old = published(&here.api).await.keys[0].key_id;
    let rotate = |data: &beacon_infra::DataDir| drop(data.rotate_signing_key().unwrap());
    let here = here.restarted_after("[0, 0]", rotate).await;
    here.api.run(&main_job("after")).await;
    let after = bundle(&here.api, "jobs/after/bundle").await;
    let listed = published(&here.api).await;
    let ids: Vec<KeyId> = listed.keys.iter().map(|key| key.key_id).collect();
    assert_eq!((ids.len(), ids[1]), (2, old));
    let all = listed.ring().unwrap();
    let signed_by = |(root, receipts): (Root, Vec<Receipt>), key: KeyId| {
        root.body.key_id == key && receipts.iter().all(|receipt| receipt.body.key_id == key)
    };
    assert!(signed_by(verified(&before, &all), old));
    assert!(signed_by(verified(&after, &all), ids[0]));
    assert_eq!(bundle(&here.api, "jobs/before/bundle").await, before);
    let newest = PublishedKeys { keys: vec![listed.keys[0].clone()] }.ring().unwrap();
    assert!(Verifier::new(&newest).header(first_line(&before)).is_err());
    assert!(Verifier::new(&newest).header(first_line(&after)).is_ok());
}

fn first_line(bundle: &str) -> &[u8] {
    bundle.split_inclusive('\n').next().unwrap().as_bytes()
}

#[tokio::test]
async fn a_bundle_of_long_answers_comes_in_pages_that_a_function_can_answer() {
    // Each quote travels as two bytes.
    let long = "\"x".repeat(60_000);
    let answer = long.clone();
    let router = Router::start(move |request| {
        let region = request["region_preference"].as_str().unwrap();
        Answer::Json(answered_in(region, &answer))
    })
    .await;
    let here = Here::with_router(router.base()).await;
    // It serves no third region.
    let mut spec = main_job("long");
    spec["regions"] = json!(["US", "EU"]);
    here.api.run(&spec).await;
    let pages = pages(&here.api, "jobs/long/bundle").await;
    assert!(pages.len() > 2, "{} pages", pages.len());
    for page in &pages {
        let escaped = serde_json::to_string(page).unwrap().len();
        assert!(page.len() <= PAGE_BYTES && escaped < 6_000_000, "{} {escaped}", page.len());
        assert!(page.ends_with('\n'));
    }
    let whole = pages.concat();
    let (root, receipts) = verified(&whole, &keys(&here.api).await);
    assert_eq!((root.body.tree_size, receipts.len()), (48, 48));
    let mut lines = whole.split_inclusive('\n').map(|line| line.trim_end_matches('\n').as_bytes());
    let header: Header = read_canonical(lines.next().unwrap()).unwrap();
    assert_eq!(header.root, root);
    assert!(lines.all(|line| read_canonical::<Entry>(line).unwrap().answer == long));
}

#[tokio::test]
async fn a_providers_own_receipt_is_handed_on_with_ours() {
    let own = json!({"output": {"response": "four"}, "execution_details": {"cost": 0.25}});
    let sent = own.clone();
    let router = Router::start(move |request| {
        let region = request["region_preference"].as_str().unwrap();
        let mut answer = answered_in(region, "four");
        answer["metadata"]["receipt"] = sent.clone();
        Answer::Json(answer)
    })
    .await;
    let here = Here::with_router(router.base()).await;
    let spec =
        json!({"id": "own", "questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    here.api.run(&spec).await;
    let bundle = bundle(&here.api, "jobs/own/bundle").await;
    let (_, receipts) = verified(&bundle, &keys(&here.api).await);
    let line = bundle.lines().nth(1).unwrap();
    let entry: Entry = read_canonical(line.as_bytes()).unwrap();
    let kept: Value = serde_json::from_str(&entry.provider_receipt.unwrap()).unwrap();
    assert_eq!((&kept, receipts[0].body.provider_receipt_kept), (&own, true));
    let one = here.api.get(&format!("executions/{}", receipts[0].body.execution_id)).await;
    assert_eq!(one["provider_receipt"], own);
}

#[tokio::test]
async fn what_is_not_there_says_why() {
    let here = Here::simulated("[60000, 60000]").await;
    let nothing = get(&here.api, "transparency/root").await;
    assert_eq!(nothing.refusal(), (404, "root_not_found".to_owned()));
    here.api.submit(&main_job("runs")).await;
    let said = |answer: &Answered| answer.json()["error"].as_str().unwrap().to_owned();
    for (path, status, code, told) in [
        ("transparency/root?job_id=runs", 409, "job_not_final", "when it has ended"),
        (
            "transparency/root?job_id=runs&run=2",
            404,
            "root_not_found",
            "has no run 2; its last is 1",
        ),
        ("transparency/root?job_id=none", 404, "job_not_found", "`none`"),
        ("transparency/root?job_id=", 400, "invalid_parameter", "`job_id` is wrong"),
        ("transparency/root?run=1", 400, "invalid_parameter", "give `job_id` too"),
        ("transparency/root?job_id=runs&run=0", 400, "invalid_parameter", "1 or more"),
        ("transparency/proof", 400, "invalid_parameter", "index is required"),
        (
            "transparency/proof?index=-1",
            400,
            "invalid_parameter",
            "index must be a non-negative integer",
        ),
        (
            "transparency/proof?index=abc",
            400,
            "invalid_parameter",
            "index must be a non-negative integer",
        ),
        ("transparency/proof?index=0", 404, "root_not_found", "nothing was signed for yet"),
        ("transparency/proof?ipfs_cid=bafy", 400, "invalid_parameter", "/api/v1/jobs/{id}/bundle"),
        ("transparency/proof?execution_id=x", 400, "invalid_parameter", "`execution_id` is wrong"),
        (
            "transparency/proof?index=0&execution_id=runs.0.us-east.0.mistral-7b",
            400,
            "invalid_parameter",
            "give one",
        ),
        (
            "transparency/proof?execution_id=none.0.us-east.0.mistral-7b",
            404,
            "job_not_found",
            "`none`",
        ),
        ("jobs/runs/bundle", 409, "job_not_final", "when it has ended"),
        ("jobs/none/bundle", 404, "job_not_found", "`none`"),
        ("jobs/runs/bundle?cursor=1.x.2", 400, "invalid_parameter", "`cursor`"),
        (
            "executions/runs.0.us-east.0.mistral-7b/receipt",
            404,
            "receipt_not_found",
            "has not ended",
        ),
        (
            "executions/runs.9.us-east.0.mistral-7b/receipt",
            404,
            "receipt_not_found",
            "no execution of its job",
        ),
        (
            "executions/none.0.us-east.0.mistral-7b/receipt",
            404,
            "receipt_not_found",
            "job that is not there",
        ),
    ] {
        let answer = get(&here.api, path).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{path}");
        assert!(said(&answer).contains(told), "{path}: {}", said(&answer));
    }
    here.killed();
}

#[tokio::test]
async fn a_leaf_that_no_tree_has_is_not_proved() {
    let here = Here::simulated("[0, 0]").await;
    here.api.run(&main_job("j")).await;
    root(&here.api, "?job_id=j", &keys(&here.api).await).await;
    for index in ["72", "1024", "18446744073709551615"] {
        let answer = get(&here.api, &format!("transparency/proof?job_id=j&index={index}")).await;
        assert_eq!(answer.refusal(), (404, "proof_not_found".to_owned()), "{index}");
    }
    // The one text of what is answered: it can be saved and verified.
    let answer = get(&here.api, "transparency/proof?job_id=j&index=71").await;
    assert_eq!(to_canonical(&answer.json()).unwrap(), answer.text.as_bytes());
}
