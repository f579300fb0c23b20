//! The call log of the simulated providers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// What providers were asked, in the order in which it happened.
pub(crate) struct Calls(Vec<Line>);

#[derive(Debug, Clone)]
struct Line {
    event: String,
    key: String,
}

impl Calls {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // The last line may be half written at this moment.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Self(whole.lines().map(line).collect())
    }

    pub(crate) fn lines(&self) -> usize {
        self.0.len()
    }

    /// What happened after so many lines.
    pub(crate) fn since(self, lines: usize) -> Self {
        Self(self.0.into_iter().skip(lines).collect())
    }

    /// The executions whose calls began, in that order.
    pub(crate) fn begun(&self) -> Vec<&str> {
        let begun = self.0.iter().filter(|line| line.event == "begin");
        begun.map(|line| execution(&line.key)).collect()
    }

    /// Executions whose calls neither ended nor were dropped.
    pub(crate) fn in_flight(&self) -> BTreeSet<&str> {
        let mut open: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &self.0 {
            let change = if line.event == "begin" { 1 } else { -1 };
            *open.entry(execution(&line.key)).or_default() += change;
        }
        open.into_iter().filter(|(_, open)| *open > 0).map(|(key, _)| key).collect()
    }

    /// Calls whose caller went away.
    pub(crate) fn dropped(&self) -> usize {
        self.0.iter().filter(|line| line.event == "dropped").count()
    }

    /// The questions of each region in the order in which they were asked, repeats folded.
    pub(crate) fn questions_by_region(&self) -> BTreeMap<&str, Vec<u32>> {
        let mut questions: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for id in self.begun() {
            let (question, region) = question_and_region(id);
            let asked = questions.entry(region).or_default();
            if asked.last() != Some(&question) {
                asked.push(question);
            }
        }
        questions
    }

    /// Asserts that no question of a region began before every call of the one before was over.
    pub(crate) fn assert_one_question_at_a_time(&self) {
        let mut open: BTreeMap<&str, (u32, i64)> = BTreeMap::new();
        for line in &self.0 {
            let (question, region) = question_and_region(execution(&line.key));
            let (open_question, calls) = open.entry(region).or_insert((question, 0));
            if line.event == "begin" {
                assert!(*calls == 0 || *open_question == question, "{line:?} is too early");
                *open_question = question;
                *calls += 1;
            } else {
                *calls -= 1;
            }
        }
    }
}

fn line(text: &str) -> Line {
    let line: Value = serde_json::from_str(text).unwrap();
    let field = |name: &str| line[name].as_str().unwrap().to_owned();
    Line { event: field("event"), key: field("key") }
}

/// A key is the execution's id and the number of the attempt.
fn execution(key: &str) -> &str {
    key.rsplit_once(':').unwrap().0
}

/// An execution's id is `job.question.region.sample.model`.
fn question_and_region(id: &str) -> (u32, &str) {
    let mut parts = id.split('.').skip(1);
    (parts.next().unwrap().parse().unwrap(), parts.next().unwrap())
}
