//! Which checks are left out, because one that they rest on failed.

use super::check::{Check, Status};

/// The skipped check, where what it rests on is not met. A need that was skipped itself passes its
/// own reason on, so that every reason is a check that failed.
pub(crate) fn skipped(name: &str, need: &Check) -> Option<Check> {
    match need.status {
        Status::Ok | Status::NotApplicable => None,
        Status::Failed => Some(Check::skipped(name, format!("skipped: needs {}", need.name))),
        Status::Skipped => Some(Check::skipped(name, need.detail.clone())),
    }
}

/// Adds the steps of a way that were not taken, each for the check at which the way ended.
pub(crate) fn complete(way: &[&str], known: &Check, taken: &mut Vec<Check>) {
    let end = std::iter::once(known).chain(&*taken).find(|check| skipped("", check).is_some());
    let Some(end) = end.cloned() else { return };
    for step in way {
        if !taken.iter().any(|check| check.name == *step) {
            taken.extend(skipped(step, &end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rests_on_a_failure_names_that_failure() {
        let name = Check::failed("name", "unknown", "correct it");
        let connection = skipped("connection", &name).unwrap();
        assert_eq!(connection.status, Status::Skipped);
        assert_eq!(connection.detail, "skipped: needs name");
        let health = skipped("health", &connection).unwrap();
        assert_eq!((health.detail.as_str(), health.fix), ("skipped: needs name", None));
    }

    #[test]
    fn what_rests_on_nothing_that_failed_is_not_skipped() {
        for need in [Check::ok("a", ""), Check::not_applicable("b", "no name")] {
            assert_eq!(skipped("c", &need), None);
        }
    }

    #[test]
    fn a_way_that_ended_early_is_completed_in_order() {
        let way = ["name", "connection", "health"];
        let known = Check::ok("url", "");
        let mut taken = vec![Check::ok("name", ""), Check::failed("connection", "refused", "")];
        complete(&way, &known, &mut taken);
        let names: Vec<&str> = taken.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names, way);
        assert_eq!(taken[2].detail, "skipped: needs connection");

        let mut taken = Vec::new();
        complete(&way, &Check::failed("url", "not set", "set it"), &mut taken);
        assert!(taken.iter().all(|check| check.detail == "skipped: needs url"), "{taken:?}");
        assert_eq!(taken.len(), 3);
    }
}
