//! A deployment of the template on an emulator of AWS, asked through its API.
//!
//! The emulator answers some of what it cannot do with 200, so nothing here is concluded from a status
//! alone: every check looks at what is in an answer. No test invokes a function: whatever runs was
//! started by the API, a queue or the schedule.

mod cancelled;
mod door;
#[path = "../../cli/tests/it/exported.rs"]
mod exported;
mod main_job;
mod place;
mod portal;
mod retried;
mod standstill;

pub use place::Deployment;

use std::time::Instant;

use place::Place;

/// Checks everything; panics with what it saw where something does not hold.
pub async fn check(deployment: Deployment) {
    let begun = Instant::now();
    let mut place = Place::new(deployment);
    door::check(&mut place).await;
    // Stands for minutes before the schedule moves it; meanwhile the others run.
    let emptied = standstill::begin(&mut place).await;
    main_job::check(&mut place).await;
    portal::check(&mut place).await;
    cancelled::check(&mut place).await;
    retried::check(&mut place).await;
    standstill::end(&mut place, emptied).await;
    place.nothing_is_dead().await;
    let (requests, seconds) = (place.requests(), begun.elapsed().as_secs());
    place.say(&format!("all of it: {requests} requests to the API, {seconds} s"));
}
