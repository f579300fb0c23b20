//! What makes rows and jobs evidence: seals, providers' receipts, roots and their leaves, public keys.

use beacon_aws::{Leaf, Place, ResultWrite, Signer};
use beacon_core::execution::Ending;
use beacon_core::job::{Job, JobStatus};
use beacon_core::lane::Tallies;
use beacon_core::seal::{KeyId, ProviderReceipt, Seal, Signature};
use beacon_core::spec::SpecHash;
use beacon_core::{ExecutionId, JobId, QuestionIndex, Run};
use beacon_evidence::hash::Hash;
use beacon_evidence::key::SecretKey;
use beacon_evidence::merkle::{self, PART};
use beacon_evidence::root::Root;
use beacon_infra::Local;
use beacon_tests::signed::signer;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{World, answer, now, row, spec};

fn seal(byte: u8) -> Seal {
    let software = "beacon 0.1.0".to_owned();
    Seal { key_id: KeyId::new([byte; 32]), software, signature: Signature::new([byte; 64]) }
}

/// Text that hardly gets smaller.
fn noise(bytes: usize) -> String {
    let hashes = (0_u32..).map(|n| Hash::of(&n.to_be_bytes()).to_string());
    hashes.take(bytes / 64 + 1).collect::<String>()[..bytes].to_owned()
}

#[tokio::test]
async fn a_row_reads_back_with_its_seal_and_the_providers_receipt() {
    let world = World::new().await;
    let receipts = [
        None,
        Some(ProviderReceipt::new(&json!({"output": {"response": "four", "é": 1e-7}}), 4)),
        Some(ProviderReceipt::new(&json!({"response": noise(ProviderReceipt::MOST_BYTES)}), 4)),
    ];
    assert!(matches!(receipts[2], Some(ProviderReceipt::TooLarge { .. })));
    for (index, provider_receipt) in receipts.into_iter().enumerate() {
        let id = ExecutionId::parse(&format!("sealed.{index}.us-east.0.m")).unwrap();
        let mut row = row(1, Ending::Completed(answer("four")));
        if let Ending::Completed(answer) = &mut row.ending {
            answer.seal = (index > 0).then(|| seal(7));
        }
        row.provider_receipt = provider_receipt;
        world.table.put_result(&id, &row).await.unwrap();
        assert_eq!(world.table.row(&id).await.unwrap(), Some(row));
    }
    world.stop().await;
}

#[tokio::test]
async fn the_largest_receipt_that_is_kept_fits_beside_its_answer() {
    let world = World::new().await;
    for answer_bytes in [0, 256 * 1024] {
        let receipt = |bytes| ProviderReceipt::new(&json!(noise(bytes)), answer_bytes);
        // Two quotation marks.
        let most = ProviderReceipt::MOST_BYTES - answer_bytes - 2;
        assert!(receipt(most).json().is_some() && receipt(most + 1).json().is_none());
        let id = ExecutionId::parse(&format!("large-{answer_bytes}.0.us-east.0.m")).unwrap();
        let mut row = row(1, Ending::Completed(answer(&"x".repeat(answer_bytes))));
        row.provider_receipt = Some(receipt(most));
        let written = world.table.put_result(&id, &row).await.unwrap();
        assert_eq!(written, ResultWrite::Stored(row.stored()));
        assert_eq!(world.table.row(&id).await.unwrap(), Some(row));
    }
    world.stop().await;
}

#[tokio::test]
async fn a_write_that_does_not_win_leaves_no_signature() {
    let world = World::new().await;
    let id = ExecutionId::parse("raced.0.us-east.0.m").unwrap();
    let sealed = |holder: &str, byte| {
        let mut row = row(1, Ending::Completed(answer(holder)));
        row.holder = beacon_core::Nonce::new(holder).unwrap();
        if let Ending::Completed(answer) = &mut row.ending {
            answer.seal = Some(seal(byte));
        }
        row
    };
    let (first, second) = (sealed("first", 1), sealed("second", 2));
    world.table.put_result(&id, &first).await.unwrap();
    let dropped = world.table.put_result(&id, &second).await.unwrap();
    assert!(matches!(dropped, ResultWrite::Dropped { .. }));
    let (stored, holder) = (&first.stored().counted, &first.holder);
    world.table.put_late_result(&id, &second, stored, holder).await.unwrap();
    assert_eq!(world.table.row(&id).await.unwrap(), Some(first));
    let items = world.local.dynamodb().scan().table_name(Local::TABLE).send().await.unwrap();
    let signed = items.items().iter().filter(|item| item.contains_key("seal"));
    assert_eq!(signed.count(), 1);
    let late = items.items().iter().filter(|item| item.contains_key("stored_holder"));
    assert_eq!(late.count(), 1, "and that another came late");
    world.stop().await;
}

fn root(job: &str, run: u32, finished_at: Timestamp, leaves: &[Leaf]) -> Root {
    let mut job = Job::new(JobId::new(job).unwrap(), &spec(1), SpecHash::of(b"{}"), 1, now());
    (job.status, job.run) = (JobStatus::Completed, Run(run));
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
    let key = signer();
    Root::sign(&job, finished_at, &Tallies::default(), &hashes, "beacon 0.1.0", key.key())
}

/// Two regions, three leaves a question.
fn leaves(count: u32) -> Vec<Leaf> {
    let leaf = |index: u32| {
        let (region, question) =
            if index < count / 2 { (0, index) } else { (1, index - count / 2) };
        let place = Place { region, question: QuestionIndex(question / 3) };
        Leaf { hash: merkle::leaf(&index.to_be_bytes()), place }
    };
    (0..count).map(leaf).collect()
}

#[tokio::test]
async fn each_leaf_of_a_root_in_parts_is_proved_by_its_index_and_by_its_place() {
    let world = World::new().await;
    let leaves = leaves(2_500);
    let root = root("rooted", 1, now(), &leaves);
    let job = &root.body.job_id;
    // A part that is stored behind a gap does not count.
    for (stored, part) in [(1, &leaves[PART..2 * PART]), (0, &leaves[..PART])] {
        assert_eq!(world.table.leaves_so_far(job, Run(1)).await.unwrap(), []);
        world.table.put_leaves(job, Run(1), stored, part).await.unwrap();
    }
    assert_eq!(world.table.leaves_so_far(job, Run(1)).await.unwrap(), leaves[..2 * PART]);
    assert!(world.table.put_root(&root, &leaves).await.unwrap());
    assert_eq!(world.table.leaves_so_far(job, Run(1)).await.unwrap(), leaves[..2 * PART]);
    let stored = world.table.root(&root.body.job_id, Run(1)).await.unwrap().unwrap();
    assert_eq!(stored.root, root);
    let id = ExecutionId::parse("rooted.0.us-east.0.m").unwrap();
    for (index, leaf) in
        leaves.iter().enumerate().filter(|(index, _)| index % 31 == 0 || index % 1024 > 1020)
    {
        let proof = world.table.proof(&stored, index as u64).await.unwrap().unwrap();
        assert_eq!((proof.check().unwrap(), proof.leaf_hash), ((), leaf.hash));
        let of_place = world.table.proof_of(&stored, &id, *leaf).await.unwrap().unwrap();
        assert_eq!((of_place.leaf_index, &of_place.siblings), (index as u64, &proof.siblings));
    }
    for none in [2_500, 3_071, 3_072, u64::MAX] {
        assert_eq!(world.table.proof(&stored, none).await.unwrap(), None, "{none}");
    }
    let elsewhere = Leaf { place: Place { region: 1, ..leaves[0].place }, ..leaves[0] };
    assert_eq!(world.table.proof_of(&stored, &id, elsewhere).await.unwrap(), None);
    world.stop().await;
}

#[tokio::test]
async fn the_first_root_of_a_run_stands_and_the_job_that_ended_last_is_remembered() {
    let world = World::new().await;
    let later = now() + SignedDuration::from_secs(1);
    assert_eq!(world.table.last_root().await.unwrap(), None);
    let (early, late) = (root("early", 2, now(), &[]), root("late", 1, later, &leaves(2)));
    world.table.put_root(&late, &leaves(2)).await.unwrap();
    world.table.put_root(&early, &[]).await.unwrap();
    let last = world.table.last_root().await.unwrap();
    assert_eq!(last, Some((late.body.job_id.clone(), Run(1))));

    let other = root("late", 1, now(), &leaves(2));
    assert!(!world.table.put_root(&other, &leaves(2)).await.unwrap());
    let latest = async |root: &Root| world.table.latest_root(&root.body.job_id).await.unwrap();
    assert_eq!(latest(&late).await.unwrap().root, late);
    let second = root("late", 2, later, &leaves(4));
    world.table.put_root(&second, &leaves(4)).await.unwrap();
    assert_eq!(latest(&late).await.unwrap().root, second);
    let first = world.table.root(&late.body.job_id, Run(1)).await.unwrap().unwrap();
    assert!(world.table.proof(&first, 1).await.unwrap().unwrap().check().is_ok());
    world.stop().await;
}

#[tokio::test]
async fn a_key_is_known_since_it_was_first_told_of() {
    let world = World::new().await;
    let (one, other) = (signer(), Signer::new(SecretKey::new(&[9; 32])));
    let later = now() + SignedDuration::from_secs(1);
    for (signer, at) in [(&one, now()), (&one, later), (&signer(), later), (&other, later)] {
        world.table.make_known(signer, at).await.unwrap();
    }
    let known = world.table.public_keys().await.unwrap();
    let since = |signer: &Signer| {
        let key = known.iter().find(|key| key.public_key == signer.key().public());
        key.map(|key| key.first_used_at)
    };
    assert_eq!((since(&one), since(&other)), (Some(now()), Some(later)));
    assert_eq!(known.len(), 2, "who only reads makes no key known");
    world.stop().await;
}
