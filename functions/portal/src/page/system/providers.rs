//! The router's providers, each with what real calls say of it.

use beacon_analysis::figure;
use beacon_core::price::Price;
use beacon_core::wire::{BreakerState, ProviderView, RouteState, RouteView, Warmth};
use beacon_query::NoProviders;
use maud::{Markup, html};

use crate::address::Address;
use crate::page::shown;
use crate::page::status::Told;
use crate::page::words::{count, counted, duration, milliseconds, outside};

/// Models of providers that are listed.
const ROUTES: usize = 500;

/// All of them.
pub(super) fn section(providers: &[ProviderView]) -> Markup {
    let routes = providers.iter().map(|provider| provider.routes.len()).sum::<usize>();
    html! {
        section aria-labelledby="providers" {
            h2 id="providers" { "Providers" }
            @if providers.is_empty() {
                p class="problem" { "The router has no providers: it can ask nobody." }
            } @else {
                (table(providers))
            }
            @if routes > 0 { (models(providers)) }
            @if routes > ROUTES {
                p class="hint" { (counted((routes - ROUTES) as u64, "route")) " more are not listed." }
            }
        }
    }
}

/// Why there is no list.
pub(super) fn missing(why: &NoProviders) -> Markup {
    html! {
        section aria-labelledby="providers" {
            h2 id="providers" { "Providers" }
            div class="empty" {
                @match why {
                    NoProviders::NoRouter => p { "None: this Beacon reads and runs nothing." },
                    NoProviders::Silent | NoProviders::Unavailable(_) => {
                        p class="problem" { (why_in_words(why)) }
                        p { "Until it answers no job is accepted, and questions of running jobs wait or fail." }
                        p { "Check that the router runs, and its address in the settings." }
                    }
                }
                p { a class="button" href=(Address::System) { "Ask again" } }
            }
        }
    }
}

/// Addresses and what stands behind an error are for the log and for admins.
fn why_in_words(why: &NoProviders) -> &'static str {
    match why {
        NoProviders::NoRouter => "There is no router.",
        NoProviders::Silent => "The router does not answer in time.",
        NoProviders::Unavailable(_) => "The router does not answer, or what answers is no router.",
    }
}

fn table(providers: &[ProviderView]) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Table of providers" {
            table {
                caption { "Providers, with what their latest real calls say" }
                thead {
                    tr {
                        th scope="col" { "Name" }
                        th scope="col" { "Kind" }
                        th scope="col" { "Region" }
                        th scope="col" { "State" }
                        th scope="col" class="number" { "Models" }
                        th scope="col" class="number" { "In flight" }
                        th scope="col" class="number" { "Queued" }
                        th scope="col" class="number" { "Succeed" }
                        th scope="col" class="number" { "Latency" }
                        th scope="col" { "Price" }
                    }
                }
                tbody { @for provider in providers { (row(provider)) } }
            }
        }
    }
}

fn row(provider: &ProviderView) -> Markup {
    let models = provider.models.as_ref().map(|models| models.len() as u64);
    html! {
        tr {
            th scope="row" {
                (outside(&provider.name))
                @if provider.simulated { " " span class="tag" { "▲ simulated" } }
            }
            td { (outside(&provider.kind)) }
            td { (outside(&provider.region)) }
            td { (of_provider(provider.healthy).badge()) }
            td class="number" { @if let Some(models) = models { (count(models)) } @else { "not told" } }
            td class="number" { (count(provider.in_flight as u64)) }
            td class="number" { (count(provider.queued as u64)) }
            @if was_asked(provider) {
                td class="number" { (figure::percent(provider.success_rate)) }
                td class="number" { (duration(milliseconds(provider.avg_latency))) }
            } @else {
                td class="number" { "not known yet" }
                td class="number" { "not known yet" }
            }
            td { (price(provider.price)) }
        }
    }
}

/// Whether any real call was made: before the first there are no averages.
fn was_asked(provider: &ProviderView) -> bool {
    provider.avg_latency > 0.0 || provider.last_health_check > 0.0 || provider.success_rate < 1.0
}

fn models(providers: &[ProviderView]) -> Markup {
    let routes = providers.iter().flat_map(|one| one.routes.iter().map(move |route| (one, route)));
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Models of providers" {
            table {
                caption { "Each model of each provider" }
                thead {
                    tr {
                        th scope="col" { "Model" }
                        th scope="col" { "Provider" }
                        th scope="col" { "State" }
                        th scope="col" { "Breaker" }
                        th scope="col" { "Loaded" }
                        th scope="col" { "Last success" }
                        th scope="col" { "Last failure" }
                    }
                }
                tbody {
                    @for (provider, route) in routes.take(ROUTES) {
                        tr {
                            th scope="row" { (outside(&route.model)) }
                            td { (outside(&provider.name)) }
                            td { (of_state(route.state).badge()) }
                            td { (breaker(route)) }
                            td { (warmth(route.warmth)) }
                            td { (seconds_ago(route.last_success_age)) }
                            td {
                                @if let Some(error) = &route.last_error {
                                    code { (shown(&error.code)) } ", " (seconds_ago(Some(error.age)))
                                } @else { "none known" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn of_provider(healthy: bool) -> Told {
    if healthy {
        Told { class: "s-completed", shape: "●", word: "well" }
    } else {
        Told { class: "s-failed", shape: "✕", word: "a model is down" }
    }
}

fn of_state(state: RouteState) -> Told {
    match state {
        RouteState::Ready => Told { class: "s-completed", shape: "●", word: "ready" },
        RouteState::Unknown => {
            Told { class: "s-pending", shape: "○", word: "not asked recently" }
        }
        RouteState::Down => Told { class: "s-failed", shape: "✕", word: "down" },
    }
}

fn breaker(route: &RouteView) -> Markup {
    html! {
        @match route.breaker {
            BreakerState::Closed => "closed: calls go through",
            BreakerState::HalfOpen => "half open: one call at a time",
            BreakerState::Open => "open: no call goes through",
        }
        @if let Some(ms) = route.open_ms { ", for " (duration(ms)) }
        @if let Some(ms) = route.throttled_ms { " · it asks callers to wait " (duration(ms)) }
    }
}

fn warmth(warmth: Option<Warmth>) -> &'static str {
    match warmth {
        None => "always",
        Some(Warmth::Cold) => "no",
        Some(Warmth::Waking) => "is being loaded",
        Some(Warmth::Warm) => "yes",
    }
}

fn price(price: Option<Price>) -> String {
    match price {
        None => "not declared".to_owned(),
        Some(Price::PerSecond { per_second }) => format!("${per_second} a second"),
        Some(Price::PerMillionTokens { per_million_input_tokens, per_million_output_tokens }) => {
            format!(
                "${per_million_input_tokens} in, ${per_million_output_tokens} out a million tokens"
            )
        }
    }
}

fn seconds_ago(age: Option<f64>) -> String {
    age.map_or_else(|| "none yet".to_owned(), |age| format!("{} ago", duration(milliseconds(age))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(extra: &serde_json::Value) -> ProviderView {
        let mut view =
            json!({"name": "<p>", "type": "openai", "region": "us-east", "healthy": true});
        view.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        let html = section(&[provider(&json!({"success_rate": 1.0}))]).into_string();
        assert_eq!(html.matches("not known yet").count(), 2, "{html}");
        assert!(html.contains("not declared") && html.contains("not told"), "{html}");
        assert!(html.contains("&lt;p&gt;"), "{html}");
        let asked = provider(&json!({"success_rate": 0.5, "avg_latency": 1.5, "models": []}));
        let html = section(&[asked]).into_string();
        assert!(html.contains("50.0 %") && html.contains("1.5 s"), "{html}");
    }

    #[test]
    fn a_route_says_whether_calls_go_through() {
        let view = provider(&json!({"simulated": true, "routes": [{
            "model": "m", "state": "down", "breaker": "open", "open_ms": 1500,
            "last_error": {"code": "HTTP_500", "age": 61.0},
        }]}));
        let html = section(&[view]).into_string();
        for told in [
            "open: no call goes through, for 1.5 s",
            "HTTP_500",
            "1 min 01 s ago",
            "none yet",
            "▲ simulated",
        ] {
            assert!(html.contains(told), "{told}: {html}");
        }
    }
}
