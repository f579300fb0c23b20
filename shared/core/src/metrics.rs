//! Figures for Prometheus, added up from jobs and lanes as the tables have them.

use std::collections::BTreeMap;

use crate::execution::{ExecutionStatus, Outcome};
use crate::exposition::{Exposition, Kind, label, name};
use crate::id::ModelId;
use crate::job::{Job, JobStatus};
use crate::lane::{Durations, Lane, Tallies};
use crate::reconcile::Pass;
use crate::region::Region;
use crate::view::is_mismatch;
use crate::wire::{BreakerState, ProviderView};

/// Where executions are counted: status, outcome, region, model.
type Cell = (ExecutionStatus, Option<Outcome>, Region, ModelId);

/// Sums over jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    jobs: BTreeMap<JobStatus, u64>,
    executions: BTreeMap<Cell, u64>,
    durations: BTreeMap<Region, Durations>,
    duplicates_prevented: u64,
    late_results: u64,
    status_mismatch: u64,
    writes_ok: u64,
    writes_failed: u64,
    maybe_billed: u64,
}

impl Metrics {
    /// Adds a job with its lanes.
    pub fn add(&mut self, job: &Job, lanes: &[Lane], late_results: u64) {
        *self.jobs.entry(job.status).or_default() += 1;
        self.late_results += late_results;
        self.status_mismatch += u64::from(is_mismatch(job, lanes));
        for lane in lanes {
            let breakdown = &lane.breakdown;
            self.duplicates_prevented += breakdown.spared;
            self.writes_ok += lane.tallies.ended();
            self.writes_failed += breakdown.failed_writes;
            self.maybe_billed += breakdown.maybe_billed;
            self.durations.entry(lane.id.region.clone()).or_default().merge(&breakdown.durations);
            for (index, model) in job.models.iter().enumerate() {
                let tallies = breakdown.models.get(index).copied().unwrap_or_default();
                self.add_model(job, lane, model, &tallies);
            }
        }
    }

    fn add_model(&mut self, job: &Job, lane: &Lane, model: &ModelId, tallies: &Tallies) {
        let samples = u64::from(job.samples);
        let left = (u64::from(lane.questions) * samples).saturating_sub(tallies.ended());
        let running = if lane.running() > 0 { samples.min(left) } else { 0 };
        let pending = left - running;
        let outcomes = tallies.outcomes;
        let mut count = |status, outcome, number: u64| {
            let cell = (status, outcome, lane.id.region.clone(), model.clone());
            *self.executions.entry(cell).or_default() += number;
        };
        let completed = ExecutionStatus::Completed;
        count(completed, Some(Outcome::Text), outcomes.text);
        count(completed, Some(Outcome::Empty), outcomes.empty);
        count(completed, Some(Outcome::Blocked), outcomes.blocked);
        count(completed, Some(Outcome::Truncated), outcomes.truncated);
        count(ExecutionStatus::Failed, None, tallies.failed);
        count(ExecutionStatus::TimedOut, None, tallies.timed_out);
        count(ExecutionStatus::Cancelled, None, tallies.cancelled);
        count(ExecutionStatus::Running, None, running);
        count(ExecutionStatus::Pending, None, pending);
    }

    /// The text that Prometheus reads (exposition format 0.0.4). `window` says which jobs were
    /// added; `providers` are the router's, none where it does not answer; `pass` is the reconciler's
    /// last, none before its first.
    pub fn print(
        &self,
        window: &str,
        providers: Option<&[ProviderView]>,
        pass: Option<&Pass>,
    ) -> String {
        let mut text = Text { out: Exposition::default(), window };
        self.print_jobs(&mut text);
        self.print_durations(&mut text);
        let single = |labels: &str, value: u64| vec![(labels.to_owned(), value.to_string())];
        text.gauge(
            "beacon_duplicates_prevented",
            "Calls that were not made because the row was there when a worker came to ask",
            single("", self.duplicates_prevented),
        );
        text.gauge(
            "beacon_late_results_dropped",
            "Answers that were dropped because another worker's row was there first",
            single("", self.late_results),
        );
        text.gauge(
            "beacon_maybe_billed",
            "Attempts that may have been charged for without an answer having arrived",
            single("", self.maybe_billed),
        );
        text.gauge(
            "beacon_status_mismatch",
            "Final jobs with an open lane, or with tallies that do not add up to what is expected",
            single("", self.status_mismatch),
        );
        text.gauge(
            "beacon_table_writes",
            "Rows stored, and writes of rows that failed and were made again or refused for good",
            [
                single("result=\"ok\"", self.writes_ok),
                single("result=\"failed\"", self.writes_failed),
            ]
            .concat(),
        );
        print_router(&mut text, providers);
        if let Some(pass) = pass {
            print_pass(&mut text, pass);
        }
        text.out.into_text()
    }

    fn print_jobs(&self, text: &mut Text<'_>) {
        let jobs = self
            .jobs
            .iter()
            .map(|(status, count)| (label("status", &name(status)), count.to_string()));
        text.gauge("beacon_jobs", "Jobs by status", jobs.collect());
        let cells = self.executions.iter().map(|((status, outcome, region, model), count)| {
            let labels = [
                label("status", &name(status)),
                label("outcome", &outcome.as_ref().map(name).unwrap_or_default()),
                label("region", region.as_str()),
                label("model", model.as_str()),
            ];
            (labels.join(","), count.to_string())
        });
        let help = "Executions by status, outcome, region and model";
        text.gauge("beacon_executions", help, cells.collect());
    }

    fn print_durations(&self, text: &mut Text<'_>) {
        let measured = self.durations.iter().flat_map(|(region, durations)| {
            let labels = label("region", region.as_str());
            [(50, "0.5"), (95, "0.95"), (99, "0.99")].into_iter().filter_map(
                move |(share, name)| {
                    let ms = durations.quantile(share)?;
                    let quantile = label("quantile", name);
                    Some((format!("{labels},{quantile}"), seconds(ms)))
                },
            )
        });
        let help = "Duration of completed executions, exact to about 6 %";
        text.gauge("beacon_execution_duration_seconds", help, measured.collect());
    }
}

fn print_router(text: &mut Text<'_>, providers: Option<&[ProviderView]>) {
    let up = u64::from(providers.is_some()).to_string();
    text.gauge_now(
        "beacon_router_up",
        "Whether the hybrid router answers",
        vec![(String::new(), up)],
    );
    let providers = providers.unwrap_or_default();
    let healthy = providers.iter().map(|provider| {
        let labels = [label("provider", &provider.name), label("region", &provider.region)];
        (labels.join(","), u64::from(provider.healthy).to_string())
    });
    text.gauge_now(
        "hybrid_provider_healthy",
        "Whether the provider's recent calls succeeded",
        healthy.collect(),
    );
    let states = providers.iter().flat_map(|provider| {
        provider.routes.iter().flat_map(|route| {
            [BreakerState::Closed, BreakerState::HalfOpen, BreakerState::Open].map(|state| {
                let labels = [
                    label("provider", &provider.name),
                    label("model", &route.model),
                    label("state", &name(&state)),
                ];
                (labels.join(","), u64::from(route.breaker == state).to_string())
            })
        })
    });
    text.gauge_now(
        "hybrid_circuit_breaker_state",
        "1 for the state that the circuit breaker is in; closed lets calls pass",
        states.collect(),
    );
}

fn print_pass(text: &mut Text<'_>, pass: &Pass) {
    let single = |value: String| vec![(String::new(), value)];
    text.gauge_now(
        "beacon_reconciler_last_pass_timestamp_seconds",
        "When the reconciler last began to look after the jobs",
        single(pass.at.as_second().to_string()),
    );
    text.gauge_now(
        "beacon_reconciler_last_pass_duration_seconds",
        "How long it took",
        single(seconds(pass.duration_ms)),
    );
    text.gauge_now(
        "beacon_reconciler_last_pass_jobs",
        "Jobs without a final status that it looked at",
        single(pass.jobs.to_string()),
    );
    let steps = pass.steps().map(|(step, count)| (label("step", step), count.to_string()));
    let help = "What it did in that pass";
    text.gauge_now("beacon_reconciler_last_pass_steps", help, steps.to_vec());
    text.gauge_now(
        "beacon_reconciler_last_pass_troubles",
        "Jobs that it could not look after",
        single(pass.troubles.to_string()),
    );
}

/// The metrics' text, with the window that sums are over.
struct Text<'a> {
    out: Exposition,
    window: &'a str,
}

impl Text<'_> {
    fn gauge(&mut self, metric: &str, help: &str, values: Vec<(String, String)>) {
        let help = format!("{help}; {}", self.window);
        self.gauge_now(metric, &help, values);
    }

    fn gauge_now(&mut self, metric: &str, help: &str, values: Vec<(String, String)>) {
        self.out.metric(Kind::Gauge, metric, help, values);
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests;
