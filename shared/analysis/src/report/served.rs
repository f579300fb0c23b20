//! Who answered: providers, models and regions, counted over all of a job's pairs.

use std::collections::BTreeMap;

use beacon_core::execution::ExecutionStatus;
use beacon_core::view::ExecutionView;
use beacon_core::{ModelId, ProviderId, Region};

/// Those that are kept: more than any job asks. What a provider says of itself may differ in every answer.
const MOST: usize = 10_000;

/// What was asked and who says to have answered it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    /// The model asked.
    pub model_id: ModelId,
    /// The region asked.
    pub region: Region,
    /// Who answered, where it is told.
    pub provider_id: Option<ProviderId>,
    /// The model that the provider says it ran.
    pub served_model: Option<String>,
    /// The region served from.
    pub served_region: Option<String>,
}

/// Completed answers by who gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    counts: BTreeMap<Server, u64>,
    others: u64,
}

impl Served {
    /// Counts one question's pairs, given in any order. Questions are counted in theirs, so that the same
    /// pairs give the same even where there are too many to keep.
    pub fn count(&mut self, rows: &[ExecutionView]) {
        let mut rows: Vec<&ExecutionView> = rows.iter().collect();
        rows.sort_by_key(|row| &row.id);
        for view in rows.into_iter().filter(|view| view.status == ExecutionStatus::Completed) {
            let Some(row) = &view.row else { continue };
            let server = Server {
                model_id: view.model_id.clone(),
                region: view.region.clone(),
                provider_id: row.provider_id.clone(),
                served_model: row.served_model.clone(),
                served_region: row.served_region.clone(),
            };
            if let Some(count) = self.counts.get_mut(&server) {
                *count += 1;
            } else if self.counts.len() < MOST {
                self.counts.insert(server, 1);
            } else {
                self.others += 1;
            }
        }
    }

    /// Each with its answers.
    pub fn counts(&self) -> impl Iterator<Item = (&Server, u64)> {
        self.counts.iter().map(|(server, count)| (server, *count))
    }

    /// Answers of those who are not among them.
    pub fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answered, open, spec};
    use beacon_core::verdict::Verdict;

    #[test]
    fn each_is_counted_and_no_more_than_can_be_kept() {
        let spec = spec(1, &["m"], &["eu"], 1);
        let view = |served: &str| {
            let mut view = answered(open(&spec, 0, 0, 0, 0), "Yes.", Verdict::Answered);
            view.row.as_mut().unwrap().served_model = Some(served.to_owned());
            view
        };
        let mut served = Served::default();
        served.count(&[view("a"), view("b"), view("a"), open(&spec, 0, 0, 0, 0)]);
        let seen: Vec<_> =
            served.counts().map(|(server, count)| (server.served_model.clone(), count)).collect();
        assert_eq!(seen, [(Some("a".to_owned()), 2), (Some("b".to_owned()), 1)]);
        for number in 0..MOST {
            served.count(&[view(&number.to_string())]);
        }
        assert_eq!((served.counts().count(), served.others()), (MOST, 2));
        served.count(&[view("a")]);
        let a = served.counts().find(|(server, _)| server.served_model.as_deref() == Some("a"));
        assert_eq!((a.unwrap().1, served.others()), (3, 2));
    }
}
