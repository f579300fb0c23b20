//! What the API answers of analysis, and its description.

use beacon_core::verdict::RulesVersion;
use beacon_core::{Run, openapi};
use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aggregate::QuestionAggregate;
use crate::findings::Findings;
use crate::manifest::ManifestPage;
use crate::page::{Cut, PAGE_BYTES, escaped_bytes};
use crate::predecessor::{BiasAnalysis, CrossRegionDiff, CrossRegionQuestion};

/// What an analysis was made from. Pages where it differs do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeFrom {
    /// The run that it was made after.
    pub run: Run,
    /// Analyses that had been asked for anew, by labels or other rules.
    pub asked: u32,
    /// Of the classifier's rules.
    pub rules: RulesVersion,
    /// Of the methods of the findings.
    pub method: u32,
}

/// Findings. Those of a large job are several pages, which differ in `rates`, `comparisons` and
/// `questions` alone: each list continues that of the page before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingsPage {
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
    /// Of which analysis; the same on all pages that belong together.
    pub analysis: MadeFrom,
    /// A label or other rules came since, and newer findings follow.
    #[serde(default)]
    pub is_due: bool,
    /// For the next page; null on the last.
    pub cursor: Option<String>,
}

impl FindingsPage {
    /// The page that begins with this entry.
    ///
    /// # Errors
    /// Where they cannot be written as JSON.
    pub fn cut(
        mut findings: Findings,
        analysis: MadeFrom,
        from: usize,
    ) -> Result<Self, serde_json::Error> {
        let rates = std::mem::take(&mut findings.rates);
        let comparisons = std::mem::take(&mut findings.comparisons);
        let questions = std::mem::take(&mut findings.questions);
        let beside = escaped_bytes(&serde_json::to_string(&findings)?);
        let mut cut = Cut::new(from, PAGE_BYTES.saturating_sub(beside));
        findings.rates = cut.take(rates)?;
        findings.comparisons = cut.take(comparisons)?;
        findings.questions = cut.take(questions)?;
        Ok(Self { findings, analysis, is_due: false, cursor: cut.cursor() })
    }

    /// Adds the page that follows. False, and nothing is added, where that is of another analysis: begin
    /// again with the first page.
    #[must_use]
    pub fn append(&mut self, mut next: Self) -> bool {
        let same = self.analysis == next.analysis;
        if same {
            let Findings { rates, comparisons, questions, .. } = &mut next.findings;
            self.findings.rates.append(rates);
            self.findings.comparisons.append(comparisons);
            self.findings.questions.append(questions);
            self.is_due |= next.is_due;
            self.cursor = next.cursor;
        }
        same
    }
}

/// Aggregates of a job's questions, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AggregatesPage {
    /// Those of this page.
    pub aggregates: Vec<QuestionAggregate>,
    /// Of which analysis; the same on all pages that belong together.
    pub analysis: MadeFrom,
    /// For the next page; null on the last.
    pub cursor: Option<String>,
    /// Questions of a page at most.
    pub limit: usize,
    /// Entries of the job's question list.
    pub total: u64,
}

impl AggregatesPage {
    /// Adds the page that follows. False, and nothing is added, where that is of another analysis: begin
    /// again with the first page.
    #[must_use]
    pub fn append(&mut self, next: Self) -> bool {
        let same = self.analysis == next.analysis;
        if same {
            self.aggregates.extend(next.aggregates);
            self.cursor = next.cursor;
        }
        same
    }
}

/// The whole API described.
pub fn openapi() -> Value {
    openapi::document(|schemas: &mut SchemaGenerator| {
        beacon_evidence::answer::schemas(schemas);
        schemas.subschema_for::<FindingsPage>();
        schemas.subschema_for::<AggregatesPage>();
        schemas.subschema_for::<ManifestPage>();
        schemas.subschema_for::<BiasAnalysis>();
        schemas.subschema_for::<CrossRegionQuestion>();
        schemas.subschema_for::<CrossRegionDiff>();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn the_document_in_the_repository_is_the_one_served() {
        const FILE: &str = "docs/openapi.json";
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let kept = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
        let current = format!("{:#}\n", openapi());
        assert!(kept == current, "{FILE} is out of date; renew it: cargo xtask openapi");
    }
}
