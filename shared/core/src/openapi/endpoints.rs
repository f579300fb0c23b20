//! Every endpoint: who may ask, with what, and what it answers.

mod analysing;
mod changing;
mod evidence;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::requests::{self, Body, EXAMPLE_EXECUTION, EXAMPLE_JOB};
use crate::access::Role;
use crate::id::JobId;
use crate::verdict::Verdict;
use crate::view::{
    ConfigView, DebugJob, ErrorView, ExecutionsPage, ExecutorView, HealthView, JobPage, JobsPage,
    Live, Questions, ReadyView, Submitted, SubmittedCrossRegion, Summary,
};

/// What a body is.
#[derive(Debug, Clone)]
pub(super) enum Media {
    Json(Value),
    /// Objects, each on a line.
    JsonLines,
    Text,
}

type Answers = Vec<(u16, &'static str, Media)>;

/// Every status of an error, and what it means wherever it is answered.
pub(super) const ERRORS: [(u16, &str); 11] = [
    (400, "Something is wrong with the body, a parameter or a header; `details` lists the fields"),
    (401, "No token, or one that is not accepted"),
    (403, "The token allows less"),
    (404, "There is no such job or execution, or it has not what is asked for"),
    (409, "The id or Idempotency-Key belongs to other content, or the job is not where it must be"),
    (413, "The body is larger than what is read: 3 MiB of a submit, 64 KiB of others"),
    (415, "The body is not sent as application/json"),
    (422, "No provider serves some of the (model, region) pairs; `details` lists them"),
    (429, "Too many requests of this token, or of this address without one"),
    (500, "Beacon's own mistake; its log says more under the request id"),
    (503, "The table, or the router that a submit asks, cannot be used now"),
];

/// What an execution's id looks like.
const EXECUTION_ID: &str = concat!(
    r"^[A-Za-z0-9_-]{1,255}\.(0|[1-9][0-9]{0,8})\.[a-z0-9-]{1,64}",
    r"\.(0|[1-9][0-9]?)\.([A-Za-z0-9_-]|~2[BEF]|~3A|~40){1,128}$",
);

/// One endpoint.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) needs: Option<Role>,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Body>,
    pub(super) answers: Answers,
    /// Statuses of [`ERRORS`].
    pub(super) errors: BTreeSet<u16>,
}

impl Endpoint {
    fn get(path: &str, id: &'static str, summary: &'static str, needs: Option<Role>) -> Self {
        let mut errors = BTreeSet::from([429, 500, 503]);
        if needs.is_some() {
            errors.extend([401, 403]);
        }
        Self {
            method: "get",
            path: path.to_owned(),
            id,
            summary,
            needs,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            errors,
        }
    }

    fn post(path: &str, id: &'static str, summary: &'static str, body: Body) -> Self {
        let mut post = Self::get(path, id, summary, Some(Role::Submitter));
        post.method = "post";
        post.body = Some(body);
        post.errors.extend([400, 409, 413, 415, 422]);
        post
    }

    /// A change of a job that is there.
    fn change(path: &str, id: &'static str, summary: &'static str, body: Option<Body>) -> Self {
        let mut change = Self::get(path, id, summary, Some(Role::Submitter));
        change.method = "post";
        change.errors.extend([400, 409, 413, 415]);
        change.body = body;
        change
    }

    fn keyed(self, description: &str) -> Self {
        let schema = json!({ "type": "string", "pattern": "^[ -~]{1,255}$" });
        self.header("Idempotency-Key", description, &schema)
    }

    fn answers(mut self, status: u16, description: &'static str, schema: Value) -> Self {
        // What health answers when it is not well takes the place of the error.
        self.errors.remove(&status);
        self.answers.push((status, description, Media::Json(schema)));
        self
    }

    fn of_job(self) -> Self {
        self.of_id("The job's id.", EXAMPLE_JOB, &job_id())
    }

    fn of_execution(self) -> Self {
        let schema = json!({ "type": "string", "pattern": EXECUTION_ID });
        let what = "The execution's id: job, question, region, sample and model.";
        self.of_id(what, EXAMPLE_EXECUTION, &schema)
    }

    fn of_id(mut self, what: &str, example: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": "id", "in": "path", "required": true, "description": what, "schema": schema,
            "example": example,
        }));
        self.errors.extend([400, 404]);
        self
    }

    fn with(mut self, name: &str, description: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "description": description, "schema": schema,
        }));
        self.errors.insert(400);
        self
    }

    fn needing(mut self, name: &str, description: &str, schema: &Value, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": true, "description": description,
            "schema": schema, "example": example,
        }));
        self.errors.insert(404);
        self
    }

    fn header(mut self, name: &str, description: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "description": description, "schema": schema,
        }));
        self
    }

    fn paged(self, default: usize, most: usize) -> Self {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": default });
        self.with("limit", "Entries of a page at most.", &limit).with(
            "cursor",
            "The `cursor` of the page before.",
            &json!({ "type": "string" }),
        )
    }

    fn filtered(self) -> Self {
        let text = json!({ "type": "string" });
        let statuses = ["pending", "running", "completed", "failed", "timed_out", "cancelled"];
        self.paged(200, 1000)
            .with("status", "Only executions of this status.", &json!({ "enum": statuses }))
            .with("region", "Only executions of this region, canonical or alias.", &text)
            .with("model", "Only executions of this model.", &text)
            .with("question", "Only executions of this question id.", &text)
            .with("verdict", "Only executions of these verdicts, with commas.", &verdicts())
    }
}

/// All of them. The schemas of their answers are left in the generator.
pub(super) fn all(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    schema_of::<ErrorView>(schemas);
    [
        submitting(schemas),
        changing::all(schemas),
        reading(schemas),
        analysing::all(schemas),
        evidence::all(),
        operating(schemas),
    ]
    .concat()
}

fn submitting(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    let submitted = schema_of::<Submitted>(schemas);
    let cross_region = schema_of::<SubmittedCrossRegion>(schemas);
    let post = |path, id, summary, body, answer: Value| {
        Endpoint::post(path, id, summary, body)
            .keyed("Sent again, it is the same job: 1 to 255 printable ASCII characters.")
            .answers(202, "The job was accepted", answer.clone())
            .answers(200, "The job was accepted before, with this specification", answer)
    };
    vec![
        post(
            "/api/v1/jobs",
            "submit",
            "Submit a job: Beacon's specification, or the predecessor's JobSpec",
            requests::either(),
            submitted,
        ),
        post(
            "/api/v1/jobs/cross-region",
            "submitCrossRegion",
            "Submit a job in the predecessor's cross-region form",
            requests::wrapped(),
            cross_region,
        ),
    ]
}

fn reading(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    let get = |path, id, summary| Endpoint::get(path, id, summary, Some(Role::Reader));
    let executions = schema_of::<ExecutionsPage>(schemas);
    // What it has of evidence is not of this crate.
    let execution = requests::reference("OneExecution");
    vec![
        get("/api/v1/jobs", "jobs", "All jobs, newest first").paged(50, 200).answers(
            200,
            "A page of jobs",
            schema_of::<JobsPage>(schemas),
        ),
        get("/api/v1/jobs/{id}", "job", "A job, and a page of its executions if asked for")
            .of_job()
            .with("include", "`executions` for a page of them.", &json!({ "enum": ["executions"] }))
            .filtered()
            .answers(200, "The job", schema_of::<JobPage>(schemas)),
        get("/api/v1/jobs/{id}/summary", "summary", "A job by region and model").of_job().answers(
            200,
            "Its counts",
            schema_of::<Summary>(schemas),
        ),
        get(
            "/api/v1/jobs/{id}/executions/all",
            "executionsOfJob",
            "A job's executions, pending and running ones too",
        )
        .of_job()
        .filtered()
        .answers(200, "A page of executions", executions.clone()),
        get("/api/v1/executions", "executions", "The same, under the predecessor's address")
            .needing("jobspec_id", "The job's id.", &job_id(), EXAMPLE_JOB)
            .filtered()
            .answers(200, "A page of executions", executions),
        get("/api/v1/executions/{id}", "execution", "One execution").of_execution().answers(
            200,
            "The execution",
            execution.clone(),
        ),
        get("/api/v1/executions/{id}/details", "executionDetails", "The same")
            .of_execution()
            .answers(200, "The execution", execution),
        Endpoint::get("/api/v1/questions", "questions", "The built-in questions", None).answers(
            200,
            "By category",
            schema_of::<Questions>(schemas),
        ),
    ]
}

fn operating(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    let open = |path, id, summary| Endpoint::get(path, id, summary, None);
    let admin = |path, id, summary| Endpoint::get(path, id, summary, Some(Role::Admin));
    let health = schema_of::<HealthView>(schemas);
    let ready = schema_of::<ReadyView>(schemas);
    let health_at = |path, id| {
        open(path, id, "How Beacon and its parts are")
            .answers(200, "It works, wholly or in part", health.clone())
            .answers(503, "Nothing works", health.clone())
    };
    let metrics_at = |path, id| {
        let mut get = Endpoint::get(path, id, "Prometheus metrics", Some(Role::Reader));
        get.answers.push((200, "Prometheus text", Media::Text));
        get
    };
    vec![
        health_at("/health", "health"),
        health_at("/api/v1/health", "healthV1"),
        open("/health/live", "live", "Whether the process answers").answers(
            200,
            "It does",
            schema_of::<Live>(schemas),
        ),
        open("/health/ready", "ready", "Whether jobs can be accepted and run")
            .answers(200, "They can", ready.clone())
            .answers(503, "They cannot; the reason is told", ready),
        metrics_at("/metrics", "metrics"),
        metrics_at("/api/v1/metrics", "metricsV1"),
        admin("/debug/config", "debugConfig", "The configuration in effect, without secrets")
            .answers(200, "Every setting", schema_of::<ConfigView>(schemas)),
        admin("/debug/executor", "debugExecutor", "Which router executes").answers(
            200,
            "The router",
            schema_of::<ExecutorView>(schemas),
        ),
        admin("/debug/jobs/{id}", "debugJob", "Why a job is where it is").of_job().answers(
            200,
            "Its log, lanes and holders",
            schema_of::<DebugJob>(schemas),
        ),
        open("/openapi.json", "openapi", "This document").answers(
            200,
            "This document",
            json!({ "type": "object" }),
        ),
    ]
}

/// One or more verdicts.
fn verdicts() -> Value {
    let one = format!("({})", Verdict::ALL.map(|verdict| verdict.to_string()).join("|"));
    json!({ "type": "string", "pattern": format!("^{one}(,{one})*$") })
}

fn job_id() -> Value {
    json!({ "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", JobId::LONGEST) })
}

fn schema_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().into()
}
