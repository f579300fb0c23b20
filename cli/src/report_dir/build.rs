//! A report from an export and its job alone: no clock, no Beacon, so that the same gives the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use beacon_analysis::aggregate::{QuestionAggregate, aggregate};
use beacon_analysis::classify::Classifier;
use beacon_analysis::findings::{Findings, Subject, findings};
use beacon_analysis::manifest::Manifest;
use beacon_analysis::report::{Embeddings, QuestionAnswers, Report, SHOWN, Served, html, markdown};
use beacon_core::prompt::PromptHash;
use beacon_core::spec::{Spec, SpecHash};
use beacon_core::view::ExecutionView;
use beacon_core::{QuestionIndex, Region};
use serde::{Deserialize, Serialize};

use super::problem::{Mismatch, Origin, ReportError};
use super::source::Source;

/// What job.json holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobFile {
    #[serde(flatten)]
    pub(crate) manifest: Manifest,
    /// Where an embeddings endpoint was asked: so that nobody has to ask it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) embeddings: Option<Embeddings>,
}

/// What is computed from an export.
#[derive(Debug)]
pub(crate) struct Computed<'a> {
    manifest: &'a Manifest,
    pub(crate) source: Source<'a>,
    aggregates: Vec<QuestionAggregate>,
    served: Served,
    pub(crate) findings: Findings,
}

/// Whether the hash is that of the specification in its stored form.
fn check_spec(origin: &Origin, manifest: &Manifest) -> Result<(), Mismatch> {
    // One that was read as JSON can be written as such.
    let stored = serde_json::to_vec(&manifest.spec).unwrap_or_default();
    let (found, named) = (SpecHash::of(&stored), &manifest.spec_sha256);
    if found == *named {
        Ok(())
    } else {
        Err(Mismatch::Spec { origin: origin.clone(), found, named: named.clone() })
    }
}

/// Whether each pair of a question was sent the prompt that the specification has.
fn check_prompts(
    origin: &Origin,
    spec: &Spec,
    question: QuestionIndex,
    rows: &[ExecutionView],
) -> Result<(), Mismatch> {
    let Some(asked) = spec.question(question) else { return Ok(()) };
    let regions = spec.regions.iter().map(|prompts| &prompts.region);
    let hashes: BTreeMap<&Region, PromptHash> =
        regions.filter_map(|region| Some((region, spec.prompt(asked, region)?.sha256()))).collect();
    let differs = |view: &&ExecutionView| {
        let row = view.row.as_ref();
        row.is_some_and(|row| hashes.get(&view.region) != Some(&row.prompt_sha256))
    };
    match rows.iter().find(differs) {
        Some(view) => Err(Mismatch::Prompt { origin: origin.clone(), pair: view.id.clone() }),
        None => Ok(()),
    }
}

/// A report in its two forms.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) html: String,
    pub(crate) markdown: String,
    pub(crate) findings: Findings,
}

impl<'a> Computed<'a> {
    /// Reads the export once, and each question's pairs for themselves.
    pub(crate) fn new(
        export: &Path,
        origin: &Origin,
        manifest: &'a Manifest,
    ) -> Result<Self, ReportError> {
        let Manifest { job, spec, .. } = manifest;
        check_spec(origin, manifest)?;
        let mut source = Source::open(export, origin.clone(), &job.job_id, spec)?;
        let (mut aggregates, mut rules) = (Vec::new(), None);
        let mut served = Served::default();
        for (question, _) in (0..).map(QuestionIndex).zip(&spec.questions) {
            let rows = source.question(question)?;
            source.check_rules(&rows, &mut rules)?;
            check_prompts(origin, spec, question, &rows)?;
            served.count(&rows);
            aggregates.push(aggregate(spec, question, &rows));
        }
        let rules = rules.unwrap_or_else(|| Classifier::built_in().rules().clone());
        let (job_id, run, simulated) = (&job.job_id, job.run, job.simulated);
        let subject = Subject { job_id, run, simulated, rules: &rules, spec };
        let findings = findings(&subject, &aggregates);
        Ok(Self { manifest, source, aggregates, served, findings })
    }

    /// Writes it, with the answers to the most divergent questions.
    pub(crate) fn write(mut self, embeddings: Option<&Embeddings>) -> Result<Written, ReportError> {
        let mut shown = Vec::new();
        for question in self.findings.questions.iter().take(SHOWN) {
            let question = question.question;
            shown.push(QuestionAnswers { question, rows: self.source.question(question)? });
        }
        let report = Report {
            manifest: self.manifest,
            findings: &self.findings,
            aggregates: &self.aggregates,
            shown: &shown,
            served: Some(&self.served),
            export_sha256: Some(&self.source.sha256),
            embeddings,
        };
        let (html, markdown) = (html(&report), markdown(&report));
        Ok(Written { html, markdown, findings: self.findings })
    }
}
