//! Beacon whole, in this process: what comes of every answer that a router can give, of lost and
//! repeated messages, of dead workers and of clients that come all at once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, not their crate"
)]

#[path = "system/access.rs"]
mod access;
#[path = "system/analysis.rs"]
mod analysis;
#[path = "system/analysis_again.rs"]
mod analysis_again;
#[path = "system/analysis_left.rs"]
mod analysis_left;
#[path = "system/browser.rs"]
mod browser;
#[path = "system/call_fates.rs"]
mod call_fates;
#[path = "system/calls.rs"]
mod calls;
#[path = "system/cancel.rs"]
mod cancel;
#[path = "system/cost.rs"]
mod cost;
#[path = "system/counts.rs"]
mod counts;
#[path = "system/dead_provider.rs"]
mod dead_provider;
#[path = "system/edges.rs"]
mod edges;
#[path = "system/embedded.rs"]
mod embedded;
#[path = "system/failures.rs"]
mod failures;
#[path = "system/faulty.rs"]
mod faulty;
#[path = "system/fixtures.rs"]
mod fixtures;
#[path = "system/found.rs"]
mod found;
#[path = "system/here.rs"]
mod here;
#[path = "system/incidents.rs"]
mod incidents;
#[path = "system/labels.rs"]
mod labels;
#[path = "system/lost_connections.rs"]
mod lost_connections;
#[path = "system/metric_lines.rs"]
mod metric_lines;
#[path = "system/no_table.rs"]
mod no_table;
#[path = "system/operating.rs"]
mod operating;
#[path = "system/outcomes.rs"]
mod outcomes;
#[path = "system/portal.rs"]
mod portal;
#[path = "system/portal_again.rs"]
mod portal_again;
#[path = "system/portal_budget.rs"]
mod portal_budget;
#[path = "system/portal_files.rs"]
mod portal_files;
#[path = "system/portal_findings.rs"]
mod portal_findings;
#[path = "system/portal_new_job.rs"]
mod portal_new_job;
#[path = "system/portal_new_job_csv.rs"]
mod portal_new_job_csv;
#[path = "system/portal_runs.rs"]
mod portal_runs;
#[path = "system/predecessor.rs"]
mod predecessor;
#[path = "system/queues.rs"]
mod queues;
#[path = "system/reading.rs"]
mod reading;
#[path = "system/receipts.rs"]
mod receipts;
#[path = "system/retry.rs"]
mod retry;
#[path = "system/retry_question.rs"]
mod retry_question;
#[path = "system/roots.rs"]
mod roots;
#[path = "system/router.rs"]
mod router;
#[path = "system/shared_breakers.rs"]
mod shared_breakers;
#[path = "system/shared_calls.rs"]
mod shared_calls;
#[path = "system/signed.rs"]
mod signed;
#[path = "system/stop.rs"]
mod stop;
#[path = "system/submits.rs"]
mod submits;
#[path = "system/takeover.rs"]
mod takeover;
#[path = "system/units.rs"]
mod units;
#[path = "../../cli/tests/it/upstream.rs"]
mod upstream;
#[path = "system/verified.rs"]
mod verified;
#[path = "system/within.rs"]
mod within;
