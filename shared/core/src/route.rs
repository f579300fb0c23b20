//! Addresses of the API: what each is, who answers it, and who may ask.

use crate::access::Role;
use crate::id::{ExecutionId, IdError, JobId};

/// Something that can be asked of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET /health`: the parts and how each is.
    Health,
    /// `GET /health/live`: the process answers.
    Live,
    /// `GET /health/ready`: whether jobs can be accepted and run.
    Ready,
    /// `GET /openapi.json`: this API, described.
    OpenApi,
    /// `GET /metrics`: Prometheus text.
    Metrics,
    /// `GET /api/v1/questions`: the built-in questions.
    Questions,
    /// `POST /api/v1/jobs`.
    Submit,
    /// `POST /api/v1/jobs/cross-region`: the predecessor's wrapper.
    SubmitCrossRegion,
    /// `POST /api/v1/jobs/{id}/cancel`.
    Cancel(JobId),
    /// `POST /api/v1/jobs/{id}/retry`.
    Retry(JobId),
    /// `POST /api/v1/executions/{id}/retry-question`: one pair, under the predecessor's address.
    RetryQuestion(ExecutionId),
    /// `POST /api/v1/executions/{id}/retry-all-failed`: a job, or an execution's job.
    RetryAllFailed(JobId),
    /// `POST /api/v1/jobs/{id}/classify`: judges its answers anew.
    Classify(JobId),
    /// `POST /api/v1/executions/{id}/label`: a person's verdict.
    Label(ExecutionId),
    /// `GET /api/v1/jobs`: all jobs, newest first.
    Jobs,
    /// `GET /api/v1/jobs/{id}`.
    Job(JobId),
    /// `GET /api/v1/jobs/{id}/summary`: by region and model.
    Summary(JobId),
    /// `GET /api/v1/jobs/{id}/executions/all`.
    ExecutionsOfJob(JobId),
    /// `GET /api/v1/executions?jobspec_id=…`.
    Executions,
    /// `GET /api/v1/executions/{id}`, and `…/{id}/details`, the predecessor's name for it.
    Execution(ExecutionId),
    /// `GET /api/v1/executions/{id}/receipt`.
    Receipt(ExecutionId),
    /// `GET /api/v1/transparency/root?job_id&run`: over a job's receipts.
    Root,
    /// `GET /api/v1/transparency/proof?job_id&run&index`, or `?execution_id`: that a receipt is under a root.
    Proof,
    /// `GET /api/v1/jobs/{id}/bundle`: its receipts, prompts and answers under their root.
    Bundle(JobId),
    /// `GET /api/v1/keys`: the public keys that receipts are verified with.
    Keys,
    /// `GET /api/v1/jobs/{id}/findings`.
    Findings(JobId),
    /// `GET /api/v1/jobs/{id}/aggregates`: question by question.
    Aggregates(JobId),
    /// `GET /api/v1/jobs/{id}/manifest`: the job and its specification.
    Manifest(JobId),
    /// `GET /api/v2/jobs/{id}/bias-analysis`: findings in the predecessor's shape.
    BiasAnalysis(JobId),
    /// `GET /api/v1/executions/{id}/cross-region`: one question of a job in all regions, as the
    /// predecessor's clients ask for it.
    CrossRegion(JobId),
    /// `GET` or `POST /api/v1/executions/{id}/cross-region-diff`: a job's answers and findings, as the
    /// predecessor's clients ask for them. Either only reads.
    CrossRegionDiff(JobId),
    /// `GET /debug/config`: the effective configuration.
    DebugConfig,
    /// `GET /debug/executor`: which router executes.
    DebugExecutor,
    /// `GET /debug/jobs/{id}`: why a job is where it is.
    DebugJob(JobId),
}

/// The function that answers a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Accepts jobs.
    Intake,
    /// Reads.
    Query,
}

/// Why a request leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing is at this address.
    NotFound,
    /// The address takes other methods.
    MethodNotAllowed {
        /// Which, for the `Allow` header.
        allow: &'static str,
    },
    /// An id in the address is none.
    BadId {
        /// Of what.
        name: &'static str,
        /// Why.
        error: IdError,
    },
}

impl Route {
    /// The route of a method and a path.
    pub fn read(method: &str, path: &str) -> Result<Self, NoRoute> {
        let path = path.strip_prefix('/').ok_or(NoRoute::NotFound)?;
        let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        if let ["api", "v1", "jobs"] = parts.as_slice() {
            return match method {
                "GET" => Ok(Self::Jobs),
                "POST" => Ok(Self::Submit),
                _ => Err(NoRoute::MethodNotAllowed { allow: "GET, POST" }),
            };
        }
        if let ["api", "v1", "executions", id, "cross-region-diff"] = parts.as_slice() {
            return match method {
                "GET" | "POST" => Ok(Self::CrossRegionDiff(job_of(id)?)),
                _ => Err(NoRoute::MethodNotAllowed { allow: "GET, POST" }),
            };
        }
        let only = |allow, route| {
            if method == allow { Ok(route) } else { Err(NoRoute::MethodNotAllowed { allow }) }
        };
        let (get, post) = (|route| only("GET", route), |route| only("POST", route));
        match parts.as_slice() {
            ["api", "v1", "jobs", "cross-region"] => post(Self::SubmitCrossRegion),
            ["api", "v1", "jobs", id, "cancel"] => post(Self::Cancel(job(id)?)),
            ["api", "v1", "jobs", id, "retry"] => post(Self::Retry(job(id)?)),
            ["api", "v1", "jobs", id, "classify"] => post(Self::Classify(job(id)?)),
            ["api", "v1", "executions", id, "label"] => post(Self::Label(execution(id)?)),
            ["api", "v1", "executions", id, "retry-question"] => {
                post(Self::RetryQuestion(execution(id)?))
            }
            ["api", "v1", "executions", id, "retry-all-failed"] => {
                post(Self::RetryAllFailed(job_of(id)?))
            }
            ["health"] | ["api", "v1", "health"] => get(Self::Health),
            ["health", "live"] => get(Self::Live),
            ["health", "ready"] => get(Self::Ready),
            ["openapi.json"] => get(Self::OpenApi),
            ["metrics"] | ["api", "v1", "metrics"] => get(Self::Metrics),
            ["debug", "config"] => get(Self::DebugConfig),
            ["debug", "executor"] => get(Self::DebugExecutor),
            ["debug", "jobs", id] => get(Self::DebugJob(job(id)?)),
            ["api", "v1", "questions"] => get(Self::Questions),
            ["api", "v1", "executions"] => get(Self::Executions),
            ["api", "v1", "jobs", id] => get(Self::Job(job(id)?)),
            ["api", "v1", "jobs", id, "summary"] => get(Self::Summary(job(id)?)),
            ["api", "v1", "jobs", id, "executions", "all"] => get(Self::ExecutionsOfJob(job(id)?)),
            ["api", "v1", "executions", id, "receipt"] => get(Self::Receipt(execution(id)?)),
            ["api", "v1", "transparency", "root"] => get(Self::Root),
            ["api", "v1", "transparency", "proof"] => get(Self::Proof),
            ["api", "v1", "jobs", id, "bundle"] => get(Self::Bundle(job(id)?)),
            ["api", "v1", "keys"] => get(Self::Keys),
            ["api", "v1", "jobs", id, "findings"] => get(Self::Findings(job(id)?)),
            ["api", "v1", "jobs", id, "aggregates"] => get(Self::Aggregates(job(id)?)),
            ["api", "v1", "jobs", id, "manifest"] => get(Self::Manifest(job(id)?)),
            ["api", "v2", "jobs", id, "bias-analysis"] => get(Self::BiasAnalysis(job(id)?)),
            ["api", "v1", "executions", id, "cross-region"] => get(Self::CrossRegion(job_of(id)?)),
            ["api", "v1", "executions", id] | ["api", "v1", "executions", id, "details"] => {
                get(Self::Execution(execution(id)?))
            }
            _ => Err(NoRoute::NotFound),
        }
    }

    /// Who answers it.
    pub fn function(&self) -> Function {
        match self {
            Self::Submit
            | Self::SubmitCrossRegion
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::RetryQuestion(_)
            | Self::RetryAllFailed(_)
            | Self::Classify(_)
            | Self::Label(_) => Function::Intake,
            Self::Health
            | Self::Live
            | Self::Ready
            | Self::OpenApi
            | Self::Metrics
            | Self::Questions
            | Self::Jobs
            | Self::Job(_)
            | Self::Summary(_)
            | Self::ExecutionsOfJob(_)
            | Self::Executions
            | Self::Execution(_)
            | Self::Receipt(_)
            | Self::Root
            | Self::Proof
            | Self::Bundle(_)
            | Self::Keys
            | Self::Findings(_)
            | Self::Aggregates(_)
            | Self::Manifest(_)
            | Self::BiasAnalysis(_)
            | Self::CrossRegion(_)
            | Self::CrossRegionDiff(_)
            | Self::DebugConfig
            | Self::DebugExecutor
            | Self::DebugJob(_) => Function::Query,
        }
    }

    /// The least role that may ask; none where anybody may.
    pub fn needs(&self) -> Option<Role> {
        match self {
            Self::Health | Self::Live | Self::Ready | Self::OpenApi | Self::Questions => None,
            Self::Metrics
            | Self::Jobs
            | Self::Job(_)
            | Self::Summary(_)
            | Self::ExecutionsOfJob(_)
            | Self::Executions
            | Self::Execution(_)
            | Self::Receipt(_)
            | Self::Root
            | Self::Proof
            | Self::Bundle(_)
            | Self::Keys
            | Self::Findings(_)
            | Self::Aggregates(_)
            | Self::Manifest(_)
            | Self::BiasAnalysis(_)
            | Self::CrossRegion(_)
            | Self::CrossRegionDiff(_) => Some(Role::Reader),
            Self::Submit
            | Self::SubmitCrossRegion
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::RetryQuestion(_)
            | Self::RetryAllFailed(_)
            | Self::Classify(_)
            | Self::Label(_) => Some(Role::Submitter),
            Self::DebugConfig | Self::DebugExecutor | Self::DebugJob(_) => Some(Role::Admin),
        }
    }
}

fn job(text: &str) -> Result<JobId, NoRoute> {
    JobId::new(text).map_err(|error| NoRoute::BadId { name: "job id", error })
}

fn execution(text: &str) -> Result<ExecutionId, NoRoute> {
    ExecutionId::parse(text).map_err(|error| NoRoute::BadId { name: "execution id", error })
}

/// A job's id, or an execution's, which names its job.
fn job_of(text: &str) -> Result<JobId, NoRoute> {
    if text.contains('.') { execution(text).map(|id| id.job) } else { job(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_or_shows_how_beacon_is_set_up_is_never_open() {
        for method in ["GET", "POST"] {
            for path in [
                "/api/v1/jobs",
                "/api/v1/jobs/cross-region",
                "/api/v1/jobs/j/cancel",
                "/api/v1/jobs/j/retry",
                "/api/v1/executions/j.0.us-east.0.m/retry-question",
                "/api/v1/executions/j/retry-all-failed",
                "/api/v1/jobs/j/classify",
                "/api/v1/executions/j.0.us-east.0.m/label",
                "/api/v1/jobs/j/findings",
                "/api/v1/jobs/j/bundle",
                "/api/v1/executions/j.0.us-east.0.m/receipt",
                "/api/v1/transparency/root",
                "/api/v1/transparency/proof",
                "/api/v1/keys",
                "/api/v1/executions/j/cross-region",
                "/api/v2/jobs/j/bias-analysis",
                "/debug/config",
                "/metrics",
            ] {
                let Ok(route) = Route::read(method, path) else { continue };
                assert!(route.needs().is_some(), "{method} {path}");
                let changes = route.function() == Function::Intake;
                assert_eq!(changes, method == "POST", "{method} {path}");
                assert!(!changes || route.needs() >= Some(Role::Submitter), "{method} {path}");
            }
        }
    }

    #[test]
    fn an_address_is_read_as_a_whole() {
        let job = |id: &str| JobId::new(id).unwrap();
        let read = |path: &str| Route::read("GET", path);
        assert_eq!(read("/api/v1/jobs/j"), Ok(Route::Job(job("j"))));
        assert_eq!(read("/api/v1/jobs/j/"), Ok(Route::Job(job("j"))));
        assert_eq!(read("/debug/jobs/j"), Ok(Route::DebugJob(job("j"))));
        let one = read("/api/v1/executions/j.0.us-east.0.m");
        assert_eq!(read("/api/v1/executions/j.0.us-east.0.m/details"), one);
        let all_failed =
            |id: &str| Route::read("POST", &format!("/api/v1/executions/{id}/retry-all-failed"));
        assert_eq!(all_failed("j"), Ok(Route::RetryAllFailed(job("j"))));
        assert_eq!(all_failed("j.0.us-east.0.m"), all_failed("j"));
        assert!(matches!(all_failed("j.0"), Err(NoRoute::BadId { .. })));
        let diff = |method| Route::read(method, "/api/v1/executions/j/cross-region-diff");
        assert_eq!(diff("GET"), Ok(Route::CrossRegionDiff(job("j"))));
        assert_eq!(diff("POST"), diff("GET"));
        assert_eq!(diff("POST").map(|route| route.function()), Ok(Function::Query));
        for nowhere in ["", "/", "//api/v1/jobs", "/api/v1", "/api/v1/jobs/j/x", "/API/v1/jobs"] {
            assert_eq!(read(nowhere), Err(NoRoute::NotFound), "{nowhere}");
        }
        for bad in ["/api/v1/jobs/%2e%2e", "/api/v1/jobs/a b", "/api/v1/executions/x"] {
            assert!(matches!(read(bad), Err(NoRoute::BadId { .. })), "{bad}");
        }
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        let allow = |method, path| match Route::read(method, path) {
            Err(NoRoute::MethodNotAllowed { allow }) => allow,
            other => panic!("{other:?}"),
        };
        assert_eq!(allow("DELETE", "/api/v1/jobs"), "GET, POST");
        assert_eq!(allow("GET", "/api/v1/jobs/cross-region"), "POST");
        assert_eq!(allow("POST", "/api/v1/jobs/j"), "GET");
        assert_eq!(allow("GET", "/api/v1/jobs/j/cancel"), "POST");
        assert_eq!(allow("PUT", "/health"), "GET");
        assert_eq!(allow("PUT", "/api/v1/executions/j/cross-region-diff"), "GET, POST");
        assert_eq!(allow("GET", "/api/v1/executions/j.0.us-east.0.m/label"), "POST");
    }
}
