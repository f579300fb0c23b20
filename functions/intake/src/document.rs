//! What a client sent, in whichever form, and the answer in the same.

use std::collections::BTreeSet;

use beacon_aws::{ApiError, json};
use beacon_core::Region;
use beacon_core::spec::{
    Problem, Submission, is_jobspec, parse, parse_cross_region, parse_jobspec,
};
use beacon_core::view::{
    CrossRegionStatus, Submitted, SubmittedCrossRegion, cross_region_execution_id,
};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde_json::Value;

use crate::submit::Accepted;

/// Bytes of a `JobSpec` that is stored beside its job, which is one item.
const MAX_JOBSPEC_BYTES: usize = 300 * 1024;

/// What the address takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A specification, or the predecessor's `JobSpec`.
    Either,
    /// The predecessor's cross-region wrapper.
    CrossRegion,
}

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    form: Form,
    pub(crate) submission: Submission,
    /// Where it came as one.
    pub(crate) jobspec: Option<&'a Value>,
}

impl<'a> Document<'a> {
    pub(crate) fn read(sent: &'a Value, form: Form, declared: &[Region]) -> Result<Self, ApiError> {
        let (submission, jobspec) = match form {
            Form::CrossRegion => {
                let read = parse_cross_region(sent, declared).map_err(ApiError::InvalidJobSpec)?;
                (read.submission, Some(read.jobspec))
            }
            Form::Either if is_jobspec(sent) => {
                let read = parse_jobspec(sent, declared).map_err(ApiError::InvalidJobSpec)?;
                (read, Some(sent))
            }
            Form::Either => (parse(sent, declared).map_err(ApiError::InvalidSpec)?, None),
        };
        let bytes = jobspec.map_or(0, |jobspec| jobspec.to_string().len());
        if bytes > MAX_JOBSPEC_BYTES {
            let message =
                format!("has {bytes} bytes of JSON; at most {MAX_JOBSPEC_BYTES} are kept");
            let field = "specification".to_owned();
            return Err(ApiError::InvalidJobSpec(vec![Problem { field, message }]));
        }
        Ok(Self { form, submission, jobspec })
    }

    /// Refuses a wrapper that would run what it wraps elsewhere than is signed.
    pub(crate) fn check_regions(&self, declared: &[Region]) -> Result<(), ApiError> {
        let Some(jobspec) = self.jobspec.filter(|_| self.form == Form::CrossRegion) else {
            return Ok(());
        };
        // Where the wrapped specification names no regions, the wrapper alone does.
        let Ok(signed) = parse_jobspec(jobspec, declared) else { return Ok(()) };
        let regions = |submission: &Submission| -> BTreeSet<Region> {
            submission.spec.regions.iter().map(|prompts| prompts.region.clone()).collect()
        };
        if regions(&signed) == regions(&self.submission) {
            return Ok(());
        }
        let message = "are not the `constraints.regions` that are signed".to_owned();
        let field = "target_regions".to_owned();
        Err(ApiError::InvalidJobSpec(vec![Problem { field, message }]))
    }

    /// The answer to the submit of a specification.
    pub(crate) fn submitted(self, accepted: Accepted) -> Submitted {
        let Accepted { job, existing } = accepted;
        Submitted {
            job_id: job.id.clone(),
            id: job.id,
            status: job.status,
            run: job.run,
            expected_executions: job.expected,
            existing,
            warnings: self.submission.warnings,
        }
    }

    pub(crate) fn answer(
        self,
        status: StatusCode,
        accepted: Accepted,
    ) -> Result<Response<Body>, ApiError> {
        match self.form {
            Form::Either => json(status, &self.submitted(accepted)),
            Form::CrossRegion => {
                let Accepted { job, existing } = accepted;
                let submitted = Submitted {
                    job_id: job.id.clone(),
                    id: job.id.clone(),
                    status: CrossRegionStatus::Submitted,
                    run: job.run,
                    expected_executions: job.expected,
                    existing,
                    warnings: self.submission.warnings,
                };
                json(
                    status,
                    &SubmittedCrossRegion {
                        submitted,
                        cross_region_execution_id: cross_region_execution_id(&job.id),
                        jobspec_id: job.id,
                        total_regions: self.submission.spec.regions.len(),
                        min_regions: job.min_regions,
                        submitted_at: job.created_at,
                        estimated_duration: "not known".to_owned(),
                    },
                )
            }
        }
    }
}
