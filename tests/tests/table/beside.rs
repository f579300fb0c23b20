//! Items that stand beside lanes and rows: work lists, and calls whose fate is not known.

use beacon_core::bill::{Bill, Fate};
use beacon_core::lane::{WorkItem, WorkList};
use beacon_core::wire::CallKey;
use beacon_core::{JobId, LaneId, QuestionIndex, Region, Run};
use jiff::Timestamp;

use super::World;

#[tokio::test]
async fn the_first_work_list_of_a_run_stands() {
    let world = World::new().await;
    let (job, run) = (JobId::new("work").unwrap(), Run(2));
    let lane = LaneId { region: Region::new("us-east").unwrap(), k: 0 };
    let list = |questions: &[u32]| {
        let item = |question: &u32| WorkItem { question: QuestionIndex(*question), due: 1 };
        WorkList::new(questions.iter().map(item).collect())
    };
    // The one that is planned late has seen rows of this run.
    for planned in [list(&[0, 3, 4]), list(&[3, 4])] {
        world.table.put_work(&job, &lane, run, &planned).await.unwrap();
    }
    let stored = world.table.work(&job, &lane, run).await.unwrap();
    assert_eq!(stored, Some(list(&[0, 3, 4])));
    world.table.put_work(&job, &lane, Run(3), &list(&[1])).await.unwrap();
    assert_eq!(world.table.work(&job, &lane, Run(3)).await.unwrap(), Some(list(&[1])));
    world.stop().await;
}

#[tokio::test]
async fn calls_whose_fate_is_not_known_are_found_until_it_is() {
    let world = World::new().await;
    let bill = |job: &str, at: i64, fate| {
        let key = CallKey::new(format!("{job}.0.us-east.0.m:1")).unwrap();
        let at = Timestamp::from_second(at).unwrap();
        (JobId::new(job).unwrap(), Bill { key, run: Run::FIRST, at, fate })
    };
    // Those two are in one shard of the index.
    let open = [bill("a", 5, Fate::Unknown), bill("e", 7, Fate::Unknown)];
    for (job, bill) in open.iter().chain(&[bill("c", 6, Fate::Answered)]) {
        world.table.put_bill(job, bill).await.unwrap();
    }
    let found = async |oldest_first, limit| {
        let mut found = Vec::new();
        for open in world.table.open_bills(oldest_first, limit).await.unwrap() {
            let bill = world.table.open_bill(&open).await.unwrap().unwrap();
            found.push((open.job, bill));
        }
        found
    };
    assert_eq!(found(true, 10).await, open);
    assert_eq!(found(true, 1).await, open[..1]);
    assert_eq!(found(false, 1).await, open[1..]);
    let first = world.table.open_bills(true, 1).await.unwrap().remove(0);
    let known = Bill { fate: Fate::GivenUp, ..open[0].1.clone() };
    world.table.put_bill(&open[0].0, &known).await.unwrap();
    assert_eq!(found(true, 10).await, open[1..]);
    assert_eq!(
        world.table.open_bill(&first).await.unwrap(),
        None,
        "as an index that is late has it"
    );
    assert_eq!(world.table.bills(&open[0].0, 10).await.unwrap(), [known]);
    assert!(world.table.open_jobs().await.unwrap().is_empty());
    world.stop().await;
}
