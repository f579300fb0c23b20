//! A Beacon that answers what a test wants of a job that has ended.

use serde_json::{Value, json};

use crate::fake::Fake;
use crate::place::Place;
use crate::reported::{files, with_a_report};

/// What is answered of the job `j`.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    pub(crate) view: Value,
    /// None: they never come.
    pub(crate) findings: Option<Value>,
    pub(crate) manifest: Value,
    /// None: whoever asks for them waits for ever.
    pub(crate) pairs: Option<Vec<Value>>,
}

impl Answers {
    /// The job whose report is in `a`, as a Beacon answers it.
    pub(crate) async fn of_a_report(place: &Place) -> Self {
        with_a_report(place).await;
        let view = place.beacon(&["status", "j", "--json"]).await.json();
        let mut findings = place.beacon(&["findings", "j", "--json"]).await.json();
        let written = files(&place.path("a"));
        let mut manifest: Value = serde_json::from_str(&written["job.json"]).unwrap();
        (findings["cursor"], manifest["cursor"]) = (Value::Null, Value::Null);
        findings["analysis"] = json!({
            "run": findings["run"], "asked": 0, "rules": findings["rules"],
            "method": findings["method"],
        });
        let lines = written["export.jsonl"].lines();
        let pairs = Some(lines.map(|line| serde_json::from_str(line).unwrap()).collect());
        Self { view, findings: Some(findings), manifest, pairs }
    }

    /// Answers until the test ends.
    pub(crate) async fn serve(self) -> Fake {
        let Self { view, findings, manifest, pairs } = self;
        Fake::start(move |head| {
            let path = head.split_whitespace().nth(1).unwrap();
            let (status, body) = if path.contains("/executions/all") {
                let pairs = pairs.as_ref()?;
                let (cursor, count) = (Value::Null, pairs.len());
                (
                    200,
                    json!({"executions": pairs, "cursor": cursor, "limit": count, "total": count}),
                )
            } else if path.ends_with("/manifest") {
                (200, manifest.clone())
            } else if path.ends_with("/findings") {
                let error = || json!({"error": "not yet", "error_code": "not_analysed"});
                findings.clone().map_or_else(|| (409, error()), |findings| (200, findings))
            } else {
                (200, view.clone())
            };
            Some((status, "content-type: application/json\r\n", body.to_string()))
        })
        .await
    }
}
