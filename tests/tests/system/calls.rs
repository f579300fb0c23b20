//! The call log of the simulated providers.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// What providers were asked, in the order in which it happened.
pub(crate) struct Calls(Vec<Line>);

struct Line {
    event: String,
    execution: String,
    at_ms: u64,
}

impl Calls {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // The last line may be half written at this moment.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Self(whole.lines().map(line).collect())
    }

    /// The executions whose calls began, in that order.
    pub(crate) fn begun(&self) -> Vec<&str> {
        self.begins().map(|line| line.execution.as_str()).collect()
    }

    /// When the first call began whose execution's id begins so; Unix milliseconds.
    pub(crate) fn first_begin_ms(&self, of: &str) -> Option<u64> {
        self.begins().find(|line| line.execution.starts_with(of)).map(|line| line.at_ms)
    }

    /// Calls that neither ended nor were dropped.
    pub(crate) fn in_flight(&self) -> usize {
        2 * self.begins().count() - self.0.len()
    }

    /// Asserts that each execution was called once.
    pub(crate) fn assert_each_once(&self, executions: usize) {
        let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
        for execution in self.begun() {
            *calls.entry(execution).or_default() += 1;
        }
        calls.retain(|_, calls| *calls > 1);
        assert!(calls.is_empty(), "{calls:?}");
        assert_eq!(self.begun().len(), executions);
    }

    fn begins(&self) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(|line| line.event == "begin")
    }
}

fn line(text: &str) -> Line {
    let line: Value = serde_json::from_str(text).unwrap();
    let field = |name: &str| line[name].as_str().unwrap();
    // A key is the execution's id and the number of the attempt.
    let execution = field("key").rsplit_once(':').unwrap().0.to_owned();
    Line { event: field("event").to_owned(), execution, at_ms: line["at_ms"].as_u64().unwrap() }
}
