//! Statuses of some questions' rows, read without their texts.

use beacon_aws::StoredStatus;
use beacon_core::execution::{Counted, Ending};
use beacon_core::{ExecutionId, JobId, QuestionIndex, Region};
use beacon_tests::written::failure;

use super::{World, answer, row};

#[tokio::test]
async fn statuses_of_some_questions_are_read_and_of_no_others() {
    let world = World::new().await;
    let (job, region) = (JobId::new("some").unwrap(), Region::new("us-east").unwrap());
    let mut written = Vec::new();
    // Keys are texts: 10 stands behind 9 all the same.
    for index in [8, 9, 10, 11] {
        for ending in [Ending::Completed(answer("yes")), Ending::Failed(failure())] {
            let model = if ending.failure().is_some() { "b" } else { "a~2Fb" };
            let id = ExecutionId::parse(&format!("some.{index}.us-east.0.{model}")).unwrap();
            let row = row(1, ending);
            world.table.put_result(&id, &row).await.unwrap();
            let counted = Counted { duration_ms: 0, ..row.stored().counted };
            let failure = row.ending.failure().cloned();
            let (question, model, sample) = (id.question, id.model, id.sample);
            written.push(StoredStatus { question, model, sample, counted, failure });
        }
    }
    let elsewhere = ExecutionId::parse("some.9.eu-west.0.b").unwrap();
    world.table.put_result(&elsewhere, &row(1, Ending::Failed(failure()))).await.unwrap();
    let read = async |from, until| {
        let (from, until) = (QuestionIndex(from), QuestionIndex(until));
        world.table.statuses_between(&job, &region, from, until).await.unwrap()
    };
    assert_eq!(read(9, 11).await, written[2..6]);
    assert_eq!(read(0, 1_000).await, written);
    for (from, until) in [(0, 8), (9, 9), (11, 9), (12, 20)] {
        assert_eq!(read(from, until).await, [], "{from} to {until}");
    }
    let mut all = Vec::new();
    world.table.for_each_status(&job, &region, |status| all.push(status)).await.unwrap();
    assert_eq!(all, written);
    world.stop().await;
}
