//! The root of a job that is signed for in several goes, or while something else goes on.

use beacon_aws::Table;
use beacon_core::execution::{Ending, Outcome};
use beacon_core::{ExecutionId, QuestionIndex, Run};
use beacon_evidence::hash::Hash;
use beacon_evidence::merkle::{self, PART};
use beacon_evidence::receipt::Receipt;
use beacon_evidence::root::Root;
use beacon_evidence::verify::verify_root;
use beacon_tests::signed::key_ring;
use beacon_tests::written::{Written, answered, failure};
use serde_json::{Value, json};

use crate::analysis::{coordinator, handled, later};
use crate::analysis_again::retried;
use crate::faulty::{Fault, faulty};
use crate::here::Here;

/// 1,250 executions in each of two regions.
fn two_parts() -> Value {
    let questions: Vec<_> =
        (0..25).map(|n| json!({"id": format!("q{n}"), "text": format!("{n}?")})).collect();
    let models: Vec<String> = (0..50).map(|n| format!("m{n}")).collect();
    json!({"questions": questions, "models": models, "regions": ["US", "EU"]})
}

fn completed(_id: &ExecutionId) -> Ending {
    answered(Outcome::Text, "Four.")
}

fn completed_in_the_first(id: &ExecutionId) -> Ending {
    if id.region.as_str() == "us-east" { completed(id) } else { Ending::Failed(failure()) }
}

/// The leaves of a run, from the rows as they are.
async fn leaves(table: &Table, of: &Written, run: Run) -> Vec<Hash> {
    let all = QuestionIndex(u32::try_from(of.spec.questions.len()).unwrap());
    let mut leaves = Vec::new();
    for prompts in &of.spec.regions {
        let region = &prompts.region;
        let rows = table.rows_from(&of.id, region, QuestionIndex(0), all).await.unwrap();
        for ((question, model, sample), row) in rows.into_iter().filter(|(_, row)| row.run <= run) {
            let (job, region) = (of.id.clone(), region.clone());
            let id = ExecutionId { job, question, model, region, sample };
            let receipt = Receipt::of_job(&id, &of.spec, &row);
            leaves.extend(receipt.map(|receipt| merkle::leaf(&receipt.canonical())));
        }
    }
    leaves
}

/// The root of a run, which is signed and over these leaves.
async fn root_over(table: &Table, of: &Written, run: Run, leaves: &[Hash]) -> Root {
    let stored = table.root(&of.id, run).await.unwrap().unwrap();
    let root = verify_root(&stored.root.canonical(), &key_ring()).unwrap();
    let (size, hash) = (root.body.tree_size, root.body.root_hash);
    assert_eq!((size, hash), (leaves.len() as u64, merkle::root(leaves)));
    for index in [0, leaves.len() / 2, leaves.len() - 1] {
        let proof = table.proof(&stored, index as u64).await.unwrap().unwrap();
        assert_eq!((proof.leaf_hash, proof.check().unwrap()), (leaves[index], ()));
    }
    root
}

#[tokio::test]
async fn one_that_was_killed_goes_on_behind_the_parts_that_are_stored() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "killed", &two_parts()).await;
    written.run(Run::FIRST, completed).await;
    let job = written.end().await;
    // Held, and the first of three parts.
    let dies = coordinator(faulty(&here.local(), Fault::dead_after(2)));
    assert!(handled(&dies, &[&job]).await.is_empty());
    assert_eq!(table.leaves_so_far(&job.id, Run::FIRST).await.unwrap().len(), PART);
    assert_eq!(table.root(&job.id, Run::FIRST).await.unwrap(), None);
    // Held again, the second part, the key, the third part and the root; not whose was last.
    let dies = later(faulty(&here.local(), Fault::dead_after(5)), 16);
    assert!(handled(&dies, &[&job]).await.is_empty());
    let whole = leaves(&table, &written, Run::FIRST).await;
    assert_eq!(whole.len(), 2_500);
    root_over(&table, &written, Run::FIRST, &whole).await;
    assert_eq!(table.last_root().await.unwrap(), None);
    assert!(handled(&later(table.clone(), 32), &[&job]).await.is_empty());
    assert_eq!(table.last_root().await.unwrap(), Some((job.id, Run::FIRST)));
}

#[tokio::test]
async fn what_a_retry_completes_meanwhile_is_under_the_next_root_alone() {
    let here = Here::idle().await;
    let table = here.table();
    let written = Written::submit(&table, "retried", &two_parts()).await;
    written.run(Run::FIRST, completed_in_the_first).await;
    let job = written.end().await;
    let (beside, seen) = (table.clone(), job.clone());
    // The first part is stored before the second region is read.
    let fault = Fault::happening(move || {
        Box::pin(async move {
            retried(&beside, &seen).await;
            let again = Written::submit(&beside, "retried", &two_parts()).await;
            again.run(Run(2), completed).await;
        })
    });
    assert!(handled(&coordinator(faulty(&here.local(), fault)), &[&job]).await.is_empty());
    let of_first = leaves(&table, &written, Run::FIRST).await;
    assert_eq!(of_first.len(), 1_250);
    let first = root_over(&table, &written, Run::FIRST, &of_first).await;
    assert_eq!((first.body.completed, first.body.failed), (1_250, 1_250));

    let again = written.end().await;
    assert!(handled(&coordinator(table.clone()), &[&again]).await.is_empty());
    let of_second = leaves(&table, &written, Run(2)).await;
    assert_eq!(of_second.len(), 2_500);
    let second = root_over(&table, &written, Run(2), &of_second).await;
    assert_eq!((second.body.completed, second.body.failed), (2_500, 0));
    assert_eq!(table.root(&job.id, Run::FIRST).await.unwrap().unwrap().root, first);
}
