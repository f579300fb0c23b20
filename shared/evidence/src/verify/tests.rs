//! What is found in evidence that was changed, and what is told of it.

use beacon_core::JobId;
use beacon_core::job::{Job, JobStatus};
use beacon_core::lane::Tallies;
use beacon_core::prompt::Prompt;
use beacon_core::seal::ProviderReceipt;
use beacon_core::spec::{SpecHash, parse};
use serde_json::json;

use super::*;
use crate::key::SecretKey;
use crate::receipt::{Put, sealed};
use crate::testing::{completed, execution, key};

const PROMPT: Prompt<'_> = Prompt { system: Some("Be brief."), question: "2+2? <é>" };

fn entry(index: u32, key: &SecretKey) -> Entry {
    let (id, question_id, variant) = execution(index);
    let put = Put { question_id: &question_id, variant: &variant };
    let mut row = completed(&format!("It is {index}.\u{2028}"));
    row.prompt_sha256 = PROMPT.sha256();
    row.provider_receipt = (index % 2 == 1).then(|| ProviderReceipt::new(&json!({"b": 1e-7}), 0));
    let row = sealed(&id, put, row, "beacon 0.1.0", key);
    Entry {
        answer: format!("It is {index}.\u{2028}"),
        prompt: PROMPT.messages(),
        provider_receipt: row.provider_receipt.as_ref().and_then(|of| of.json()).map(str::to_owned),
        receipt: Receipt::of(&id, put, &row).unwrap(),
    }
}

fn root(entries: &[Entry], key: &SecretKey) -> Root {
    let completed = entries.len() as u64;
    root_of(entries, Tallies { completed, ..Tallies::default() }, key)
}

fn root_of(entries: &[Entry], tallies: Tallies, key: &SecretKey) -> Root {
    let spec = json!({"questions": ["math_basic"], "models": ["m"], "regions": ["US"]});
    let spec = parse(&spec, &[]).unwrap().spec;
    let (id, _, _) = execution(0);
    let at = "2026-11-27T10:00:00Z".parse().unwrap();
    let mut job = Job::new(id.job, &spec, SpecHash::of(b"{}"), 1, at);
    job.status = JobStatus::Completed;
    job.run = beacon_core::Run(2);
    job.expected = entries.len() as u64;
    let leaves: Vec<Hash> =
        entries.iter().map(|entry| merkle::leaf(&entry.receipt.canonical())).collect();
    Root::sign(&job, at, &tallies, &leaves, "beacon 0.1.0", key)
}

fn of_nine() -> Vec<Vec<u8>> {
    let entries: Vec<Entry> = (0..9).map(|index| entry(index, &key())).collect();
    let header = Header::new(root(&entries, &key())).line();
    [header].into_iter().chain(entries.iter().map(Entry::line)).collect()
}

fn keys() -> KeyRing {
    [key().public()].into_iter().collect()
}

/// The first flaw of a bundle.
fn verify(bundle: &[u8], keys: &KeyRing) -> Result<Root, Flaw> {
    let mut verifier = Verifier::new(keys);
    let mut lines = bundle.split_inclusive(|byte| *byte == b'\n');
    verifier.header(lines.next().unwrap_or_default())?;
    for line in lines {
        verifier.entry(line)?;
    }
    Ok(verifier.finish()?.unwrap())
}

#[test]
fn a_bundle_holds() {
    let verified = verify(&of_nine().concat(), &keys()).unwrap();
    assert_eq!((verified.body.tree_size, verified.body.completed), (9, 9));
}

#[test]
fn a_flipped_bit_of_any_byte_is_found() {
    let bundle = of_nine().concat();
    let keys = keys();
    for at in 0..bundle.len() {
        let mut flipped = bundle.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(verify(&flipped, &keys).is_err(), "byte {at}");
    }
}

#[test]
fn whatever_is_left_out_put_in_or_moved_is_found_and_named() {
    let lines = of_nine();
    let keys = keys();
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        verify(&changed.concat(), &keys).unwrap_err().to_string()
    };
    assert!(with(&|lines| drop(lines.remove(9))).contains("over 9 receipts; here are 8"));
    assert!(with(&|lines| lines.swap(3, 4)).contains("in this order give the root"));
    assert!(with(&|lines| lines[3] = lines[4].clone()).contains("is there twice"));
    assert!(with(&|lines| lines.push(entry(9, &key()).line())).contains("here are 10"));
    assert!(with(&|lines| lines.push(b"\n".to_vec())).contains("cannot be read as one"));
    assert!(with(&|lines| lines[9].truncate(99)).contains("does not end with a line feed"));
    assert!(with(&|lines| lines.clear()).contains("it is empty"));
    assert!(
        with(&|lines| lines[1] = entry(0, &SecretKey::new(&[9; 32])).line())
            .contains("none of the keys")
    );
    let changed = |change: &dyn Fn(&mut Entry)| {
        with(&|lines| {
            let mut entry = entry(1, &key());
            change(&mut entry);
            lines[2] = entry.line();
        })
    };
    assert!(
        changed(&|entry| entry.answer.push(' ')).contains("`answer` is not the answer of job-1.1.")
    );
    assert!(
        changed(&|entry| entry.prompt[1].content.push('?')).contains("`prompt` is not the prompt")
    );
    assert!(
        changed(&|entry| entry.provider_receipt = Some("{}".into())).contains("`provider_receipt`")
    );
    assert!(changed(&|entry| entry.provider_receipt = None).contains("or it is left out"));
    assert!(changed(&|entry| entry.receipt.body.attempts = 3).contains("signature of job-1.1."));
}

#[test]
fn who_has_other_keys_has_no_evidence() {
    let other = [SecretKey::new(&[9; 32]).public()].into_iter().collect();
    let flaw = verify(&of_nine().concat(), &other).unwrap_err();
    assert!(matches!(flaw, Flaw::UnknownKey { .. }), "{flaw}");
}

#[test]
fn a_receipt_of_an_older_key_still_holds() {
    let older = SecretKey::new(&[9; 32]);
    let entries = [entry(0, &older), entry(1, &key())];
    let bundle = [Header::new(root(&entries, &key())).line(), entries[0].line(), entries[1].line()];
    let both = [older.public(), key().public()].into_iter().collect();
    assert!(verify(&bundle.concat(), &both).is_ok());
}

#[test]
fn a_proof_holds_for_its_receipt_and_root_alone() {
    let entries: Vec<Entry> = (0..9).map(|index| entry(index, &key())).collect();
    let leaves: Vec<Hash> =
        entries.iter().map(|entry| merkle::leaf(&entry.receipt.canonical())).collect();
    let path = merkle::path_through(5, &leaves, 0, &merkle::part_roots(&leaves)).unwrap();
    let proof = Proof::new(None, 5, leaves[5], &path, root(&entries, &key()));
    let (text, keys) = (proof.canonical(), keys());
    let check = |receipt: &Receipt| verify_proof(&text, Some(receipt), &keys);
    assert_eq!(check(&entries[5].receipt).unwrap(), proof);
    assert!(matches!(check(&entries[4].receipt), Err(Flaw::OtherLeaf(_))));
    let named = |id: &ExecutionId| Proof { execution_id: Some(id.clone()), ..proof.clone() };
    let of = |index: usize| &entries[index].receipt.body.execution_id;
    let check = |proof: &Proof, receipt| verify_proof(&proof.canonical(), receipt, &keys);
    assert!(check(&named(of(5)), Some(&entries[5].receipt)).is_ok());
    assert!(matches!(check(&named(of(4)), Some(&entries[5].receipt)), Err(Flaw::OtherLeaf(_))));
    let elsewhere = ExecutionId { job: JobId::new("job-2").unwrap(), ..of(5).clone() };
    assert!(matches!(check(&named(&elsewhere), None), Err(Flaw::OtherJob(_))));
    let text = named(of(5)).canonical();
    for (at, _) in text.iter().enumerate() {
        let mut flipped = text.clone();
        flipped[at] ^= 1;
        assert!(verify_proof(&flipped, Some(&entries[5].receipt), &keys).is_err(), "byte {at}");
    }
}

#[test]
fn an_answer_with_a_root_says_what_the_root_says() {
    let keys = keys();
    let root = root(&[entry(0, &key())], &key());
    let answer = RootAnswer::new(root.clone()).canonical();
    assert_eq!(verify_root_answer(&answer, &keys).unwrap(), root);
    let other = RootAnswer { sequence: 2, ..RootAnswer::new(root) };
    assert!(matches!(verify_root_answer(&other.canonical(), &keys), Err(Flaw::OtherThanRoot)));
    for (at, _) in answer.iter().enumerate() {
        let mut flipped = answer.clone();
        flipped[at] ^= 1;
        assert!(verify_root_answer(&flipped, &keys).is_err(), "byte {at}");
    }
}

#[test]
fn a_receipt_and_a_root_hold_by_themselves() {
    let (entry, keys) = (entry(0, &key()), keys());
    let receipt = entry.receipt.canonical();
    assert_eq!(verify_receipt(&receipt, &keys).unwrap(), entry.receipt);
    let root = root(&[entry], &key()).canonical();
    assert!(verify_root(&root, &keys).is_ok());
    assert!(matches!(verify_root(&receipt, &keys), Err(Flaw::Unreadable { .. })));
    for (at, _) in receipt.iter().enumerate() {
        let mut flipped = receipt.clone();
        flipped[at] ^= 1;
        assert!(verify_receipt(&flipped, &keys).is_err(), "byte {at}");
    }
}

#[test]
fn a_root_of_which_the_counts_do_not_add_up_is_none_though_it_is_signed() {
    let entries = [entry(0, &key()), entry(1, &key())];
    for tallies in [
        Tallies { completed: 3, ..Tallies::default() },
        Tallies { completed: 1, failed: 1, ..Tallies::default() },
        Tallies { completed: 2, simulated: 3, ..Tallies::default() },
        Tallies { completed: 2, cancelled: 1 << 53, ..Tallies::default() },
    ] {
        let root = root_of(&entries, tallies, &key()).canonical();
        assert!(matches!(verify_root(&root, &keys()), Err(Flaw::Counts { .. })), "{tallies:?}");
    }
}
