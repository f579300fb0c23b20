//! Whose turn it is, of more jobs than a pass looks at.

use beacon_core::JobId;
use jiff::Timestamp;

/// At most so many of the jobs. Each minute begins elsewhere, so that jobs whose turn did not come are
/// early in the next, and those with trouble do not keep the rest waiting.
pub(crate) fn of_minute(mut jobs: Vec<JobId>, time: Timestamp, most: usize) -> Vec<JobId> {
    let minute = usize::try_from(time.as_second() / 60).unwrap_or(0);
    let first = minute.wrapping_mul(most) % jobs.len().max(1);
    jobs.rotate_left(first);
    jobs.truncate(most);
    jobs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MOST: usize = 100;

    #[test]
    fn every_job_has_its_turn() {
        let job = |n: usize| JobId::new(format!("j-{n}")).unwrap();
        for count in [0, 1, 99, 100, 101, 250, 1000] {
            let jobs: Vec<JobId> = (0..count).map(job).collect();
            let minutes = i64::try_from(count.div_ceil(MOST)).unwrap();
            let mut seen = BTreeSet::new();
            for minute in 29_000_000..29_000_000 + minutes {
                let time = Timestamp::from_second(minute * 60).unwrap();
                let turn = of_minute(jobs.clone(), time, MOST);
                assert_eq!(turn.len(), count.min(MOST));
                seen.extend(turn);
            }
            assert_eq!(seen.len(), count, "of {count}");
        }
    }
}
