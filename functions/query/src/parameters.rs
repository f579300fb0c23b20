//! Parameters of an address, each with its own error.

use beacon_analysis::page::Cut;
use beacon_aws::{ApiError, NoEvidence};
use beacon_core::execution::ExecutionStatus;
use beacon_core::verdict::Verdict;
use beacon_core::{ExecutionId, JobId, Run, Sample};
use lambda_http::aws_lambda_events::query_map::QueryMap;

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Parameters(QueryMap);

impl Parameters {
    pub(crate) fn new(map: QueryMap) -> Self {
        Self(map)
    }

    /// The first value under any of the names; a blank one counts as not given, as where a form's
    /// field is left empty.
    pub(crate) fn text(&self, names: &[&'static str]) -> Option<&str> {
        self.given(names).filter(|value| !value.is_empty())
    }

    /// The first value under any of the names, be it blank: nothing is no number.
    fn given(&self, names: &[&'static str]) -> Option<&str> {
        names.iter().find_map(|name| self.0.first(name)).map(str::trim)
    }

    /// A whole number from 1 to the most.
    pub(crate) fn limit(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.given(&["limit", "exec_limit"]) else { return Ok(default) };
        let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
        limit.ok_or_else(|| invalid("limit", format!("must be a whole number from 1 to {most}")))
    }

    /// Pairs to leave out, which is how the predecessor pages.
    pub(crate) fn offset(&self) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.given(&["offset", "exec_offset"]) else { return Ok(None) };
        let offset = text.parse().ok().filter(|offset| *offset <= 1_000_000);
        let problem = || invalid("offset", "must be a whole number up to 1000000".to_owned());
        offset.map(Some).ok_or_else(problem)
    }

    pub(crate) fn status(&self) -> Result<Option<ExecutionStatus>, ApiError> {
        let Some(text) = self.text(&["status"]) else { return Ok(None) };
        serde_json::from_value(text.into()).map(Some).map_err(|_unknown| {
            let allowed = "pending, running, completed, failed, timed_out or cancelled";
            invalid("status", format!("must be {allowed}"))
        })
    }

    /// Some verdicts, with commas; a blank is none of them.
    pub(crate) fn verdicts(&self) -> Result<Option<Vec<Verdict>>, ApiError> {
        let Some(text) = self.given(&["verdict"]) else { return Ok(None) };
        let one = |text: &str| serde_json::from_value(text.trim().into()).ok();
        let all: Option<Vec<Verdict>> = text.split(',').map(one).collect();
        all.map(Some).ok_or_else(|| {
            let allowed = Verdict::names();
            invalid("verdict", format!("must be {allowed}, or some of them with commas"))
        })
    }

    /// Which repetition.
    pub(crate) fn sample(&self) -> Result<Sample, ApiError> {
        let Some(text) = self.given(&["sample"]) else { return Ok(Sample(0)) };
        let problem = || invalid("sample", "must be a whole number, 0 or more".to_owned());
        text.parse().map(Sample).map_err(|_no_number| problem())
    }

    /// Where a page of lists begins.
    pub(crate) fn first_entry(&self) -> Result<usize, ApiError> {
        self.cursor().map_or(Ok(0), |cursor| Cut::read(cursor).ok_or_else(bad_cursor))
    }

    /// A text that the predecessor's clients always send.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.text(&[name]).ok_or(ApiError::ParameterMissing(name))
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.text(&["cursor"])
    }

    /// The job whose executions are asked for.
    pub(crate) fn job(&self) -> Result<JobId, ApiError> {
        let Some(text) = self.text(&["jobspec_id", "job_id"]) else {
            return Err(invalid("jobspec_id", "is missing; it names the job".to_owned()));
        };
        JobId::new(text).map_err(|error| invalid("jobspec_id", error.to_string()))
    }

    /// The job whose receipts are asked for; none for the one finalised last.
    pub(crate) fn job_id(&self) -> Result<Option<JobId>, ApiError> {
        let Some(text) = self.given(&["job_id", "jobspec_id"]) else { return Ok(None) };
        JobId::new(text).map(Some).map_err(|error| invalid("job_id", error.to_string()))
    }

    /// Which run; none for the last that has what is asked for.
    pub(crate) fn run(&self) -> Result<Option<Run>, ApiError> {
        let Some(text) = self.given(&["run"]) else { return Ok(None) };
        let run = text.parse().ok().filter(|run| *run >= Run::FIRST.0);
        let problem = || invalid("run", "must be a whole number, 1 or more".to_owned());
        run.map(|run| Some(Run(run))).ok_or_else(problem)
    }

    /// The execution whose receipt is meant.
    pub(crate) fn execution_id(&self) -> Result<Option<ExecutionId>, ApiError> {
        let Some(text) = self.given(&["execution_id"]) else { return Ok(None) };
        ExecutionId::parse(text)
            .map(Some)
            .map_err(|error| invalid("execution_id", error.to_string()))
    }

    /// A leaf of a tree.
    pub(crate) fn index(&self) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text(&["index"]) else { return Ok(None) };
        text.parse().map(Some).map_err(|_no_number| NoEvidence::IndexInvalid.into())
    }

    /// Whether the predecessor's name for a bundle is asked for.
    pub(crate) fn has_ipfs_cid(&self) -> bool {
        self.text(&["ipfs_cid"]).is_some()
    }

    /// Whether executions are wanted beside their job.
    pub(crate) fn include_executions(&self) -> Result<bool, ApiError> {
        match self.text(&["include"]) {
            None => Ok(false),
            Some("executions" | "all") => Ok(true),
            Some(_) => Err(invalid("include", "must be `executions`".to_owned())),
        }
    }
}

/// The three numbers of a cursor that is a place within a job: region and question, each an index into the
/// specification, and how many come before there.
pub(crate) fn place(text: &str) -> Option<(usize, u32, usize)> {
    let mut parts = text.split('.');
    let place =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(place)
}

pub(crate) fn invalid(name: &'static str, problem: String) -> ApiError {
    ApiError::InvalidParameter { name, problem }
}

pub(crate) fn bad_cursor() -> ApiError {
    invalid("cursor", "must be the `cursor` of the page before".to_owned())
}
