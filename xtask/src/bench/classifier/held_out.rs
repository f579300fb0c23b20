//! Judges rows by weights that were fitted without them.

use std::collections::BTreeMap;

use beacon_analysis::classify::{Classifier, ModelError};
use beacon_core::verdict::Verdict;

use super::data::{Data, Row};
use super::fit::{self, Example};

/// A file's rows, judged by weights that know nothing of them.
#[derive(Debug, Default)]
pub(super) struct HeldOut {
    /// Fitted to the rows that share no group with the row: of a model and a set, neither that set nor that
    /// model. Empty where the file has no groups.
    pub(super) without_group: Vec<Verdict>,
    /// Fitted to the other files alone. Empty where there is no other.
    pub(super) without_file: Vec<Verdict>,
}

/// All files' rows, judged so.
pub(super) fn judge(files: &[Data], examples: &[Vec<Example>]) -> Result<Vec<HeldOut>, ModelError> {
    let file = Classifier::model_file()?;
    let rows: Vec<(&Row, &Example)> = files
        .iter()
        .zip(examples)
        .flat_map(|(data, examples)| data.rows.iter().zip(examples))
        .collect();
    let mut all = Vec::new();
    for (at, (data, own)) in files.iter().zip(examples).enumerate() {
        let mut held_out = HeldOut::default();
        let others: Vec<&Example> = rows.iter().map(|(_, e)| *e).filter(|e| e.file != at).collect();
        if !others.is_empty() {
            let model = fit::fit(&others, &file)?;
            held_out.without_file = own.iter().map(|e| model.judge(&e.features).0).collect();
        }
        let mut models = BTreeMap::new();
        for (row, example) in data.rows.iter().zip(own).filter(|(row, _)| !row.groups.is_empty()) {
            if !models.contains_key(&row.groups) {
                let apart =
                    rows.iter().filter(|(other, _)| shares_none(&row.groups, &other.groups));
                let apart: Vec<&Example> = apart.map(|(_, example)| *example).collect();
                models.insert(&row.groups, fit::fit(&apart, &file)?);
            }
            if let Some(model) = models.get(&row.groups) {
                held_out.without_group.push(model.judge(&example.features).0);
            }
        }
        all.push(held_out);
    }
    Ok(all)
}

fn shares_none(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    one.iter().all(|(column, value)| other.get(column) != Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_same_set_or_the_same_model_is_not_apart() {
        let groups = |set: &str, model: &str| {
            BTreeMap::from([
                ("set".to_owned(), set.to_owned()),
                ("model".to_owned(), model.to_owned()),
            ])
        };
        assert!(!shares_none(&groups("a", "x"), &groups("a", "y")));
        assert!(!shares_none(&groups("a", "x"), &groups("b", "x")));
        assert!(shares_none(&groups("a", "x"), &groups("b", "y")));
        let model_only = BTreeMap::from([("model".to_owned(), "y".to_owned())]);
        assert!(
            shares_none(&groups("a", "x"), &model_only),
            "a column that is not there is not shared"
        );
    }
}
