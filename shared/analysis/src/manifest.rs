//! What a report needs of a job beside its pairs: written beside the report as `job.json`.

use beacon_core::spec::{Spec, SpecHash};
use beacon_core::view::JobView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::{Cut, PAGE_BYTES, escaped_bytes};

/// Version of [`Manifest`]'s form.
pub const FORMAT: &str = "beacon-job/1";

/// A job as its findings are computed and explained from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the software that wrote it.
    pub software: String,
    /// The job when it was exported.
    pub job: JobView,
    /// Of the specification as it is stored.
    pub spec_sha256: SpecHash,
    /// The specification, with every prompt as it was sent.
    pub spec: Spec,
}

/// A manifest. That of a large specification is several pages, which differ in the specification's
/// `questions` and `regions` alone: each list continues that of the page before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestPage {
    /// The job.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// For the next page; null on the last.
    pub cursor: Option<String>,
}

impl ManifestPage {
    /// The page that begins with this entry.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn cut(mut manifest: Manifest, from: usize) -> Result<Self, serde_json::Error> {
        let questions = std::mem::take(&mut manifest.spec.questions);
        let regions = std::mem::take(&mut manifest.spec.regions);
        let beside = escaped_bytes(&serde_json::to_string(&manifest)?);
        let mut cut = Cut::new(from, PAGE_BYTES.saturating_sub(beside));
        manifest.spec.questions = cut.take(questions)?;
        manifest.spec.regions = cut.take(regions)?;
        Ok(Self { manifest, cursor: cut.cursor() })
    }

    /// Adds the page that follows. A specification never changes, so that it is whole whenever its last
    /// page was added; the job is as the last page has it.
    pub fn append(&mut self, next: Self) {
        let Manifest { job, spec, .. } = next.manifest;
        self.manifest.job = job;
        self.manifest.spec.questions.extend(spec.questions);
        self.manifest.spec.regions.extend(spec.regions);
        self.cursor = next.cursor;
    }
}
