//! The router, its providers, and lanes that do not move.

mod providers;

use beacon_core::access::Role;
use beacon_core::view::{Health, HealthView, PartHealth, SettingView};
use beacon_query::{STALLED_LANES, Stalled, StalledLane};
use maud::{Markup, html};

use super::status::Told;
use super::words::{ago, count, counted, outside};
use super::{error, shown};
use crate::Portal;
use crate::address::Address;
use crate::answer::{Answer, Page, PageError};
use crate::visit::Visit;

impl Portal {
    /// How Beacon is now.
    pub(crate) async fn system(&self, visit: &Visit) -> Result<Answer, PageError> {
        let query = &self.query;
        let (health, known) = tokio::join!(query.health_view(), query.providers());
        let moving = html! {
            div id="system" hx-get=(Address::System) hx-trigger="every 10s" hx-swap="outerMorph" {
                (parts(&health))
                @match &known {
                    Ok(known) => (providers::section(known)),
                    Err(missing) => (providers::missing(missing)),
                }
            }
        };
        if visit.is_part {
            return Ok(Answer::Part(moving));
        }
        // It reads every open job, which is too much for whoever only leaves the page open.
        let stalled = query.stalled().await.map_err(|error| error::told(&error.into()));
        let simulated = known.is_ok_and(|known| known.iter().any(|provider| provider.simulated));
        let body = html! {
            h1 { "System" }
            @if simulated {
                p class="hint" {
                    "▲ Providers marked as simulated make their answers up; jobs that ask them are marked too."
                }
            }
            (moving)
            @match &stalled {
                Ok(stalled) => (lanes(visit, stalled)),
                Err(told) => (lanes_unknown(told)),
            }
            @if visit.caller.role >= Role::Admin { (settings(&query.settings)) }
        };
        Ok(Answer::Page(Page::new("System", body)))
    }
}

/// Of a part of Beacon.
fn of_health(health: Health) -> Told {
    match health {
        Health::Healthy => Told { class: "s-completed", shape: "●", word: "healthy" },
        Health::Degraded => Told { class: "s-timed-out", shape: "◐", word: "degraded" },
        Health::Unhealthy => Told { class: "s-failed", shape: "✕", word: "unhealthy" },
    }
}

fn parts(health: &HealthView) -> Markup {
    html! {
        section aria-labelledby="health" {
            h2 id="health" { "Health" }
            p {
                "Beacon " (health.version) " is " (of_health(health.status).badge())
                @match health.status {
                    Health::Healthy => ": jobs can be read, accepted and run.",
                    Health::Degraded => ": what is there can be read, but jobs cannot be accepted or run.",
                    Health::Unhealthy => ": nothing works until its table answers.",
                }
            }
            dl class="facts" {
                @for PartHealth { name, status, error } in &health.services {
                    dt { (part_name(name)) }
                    dd {
                        (of_health(*status).badge())
                        @if let Some(error) = error { " " (shown(error)) }
                    }
                }
            }
        }
    }
}

fn part_name(name: &str) -> Markup {
    match name {
        "table" => html! { "Table" },
        "router" => html! { "Router" },
        other => outside(other),
    }
}

fn lanes(visit: &Visit, found: &Stalled) -> Markup {
    let (stalled, looked_at) = (&found.lanes, counted(found.looked_at as u64, "open job"));
    html! {
        section aria-labelledby="stalled" {
            h2 id="stalled" { "Lanes that do not move" }
            @if stalled.is_empty() {
                p class="hint" {
                    @if found.open == 0 {
                        "None: no job is open."
                    } @else {
                        "None of the " (looked_at) " that were looked at has one"
                        @if found.looked_at < found.open { "; there are " (counted(found.open as u64, "open job")) }
                        "."
                    }
                }
            } @else {
                div class="scroll" role="region" tabindex="0" aria-label="Table of lanes that do not move" {
                    table {
                        caption { "Standing still for longer than any call may take, the longest first" }
                        thead {
                            tr { th scope="col" { "Job" } th scope="col" { "Lane" } th scope="col" { "Last moved" } }
                        }
                        tbody {
                            @for StalledLane { job, lane, since } in stalled {
                                tr {
                                    th scope="row" { a href=(Address::Job(job.clone())) { (job) } }
                                    td { (lane) }
                                    td { (ago(*since, visit.now)) }
                                }
                            }
                        }
                    }
                }
                @if stalled.len() >= STALLED_LANES {
                    p class="hint" { "There may be more than these " (count(STALLED_LANES as u64)) "." }
                }
                p class="hint" {
                    "Beacon sends lost questions again by itself. What stands for long is worth a look at the dead-letter "
                    "queue and the log."
                }
            }
        }
    }
}

fn lanes_unknown(told: &str) -> Markup {
    html! {
        section aria-labelledby="stalled" {
            h2 id="stalled" { "Lanes that do not move" }
            p class="hint" { "Not known. " (shown(told)) }
        }
    }
}

/// Configuration in effect, which holds no secrets.
fn settings(settings: &[SettingView]) -> Markup {
    html! {
        section aria-labelledby="settings" {
            h2 id="settings" { "Settings in effect" }
            div class="scroll" role="region" tabindex="0" aria-label="Table of settings" {
                table {
                    caption { "Of a secret only that it is set" }
                    thead {
                        tr {
                            th scope="col" { "Variable" }
                            th scope="col" { "Value" }
                            th scope="col" { "From" }
                            th scope="col" { "Problem" }
                        }
                    }
                    tbody {
                        @for SettingView { variable, value, source, problem } in settings {
                            tr {
                                th scope="row" { code { (shown(variable)) } }
                                td { @if let Some(value) = value { (outside(value)) } @else { "not set" } }
                                td { (shown(source)) }
                                td { @if let Some(problem) = problem { (shown(problem)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
