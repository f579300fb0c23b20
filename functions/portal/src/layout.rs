//! What every page has around what it shows.

use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use maud::{DOCTYPE, Markup, html};

use crate::address::Address;
use crate::answer::{Answer, HTML, Page, file, redirect, response};
use crate::asset;
use crate::door::put_cookie;
use crate::form_token::FORM_TOKEN;
use crate::page::shown;
use crate::visit::Visit;

/// htmx without what the policy forbids or nobody needs. An error is not put in place of what is there: the next
/// request may do better.
const HTMX: &str = r#"{"includeIndicatorCSS":false,"history":false,"defaultTimeout":15000,"noSwap":[204,304,"4xx","5xx"]}"#;
/// Of a page that shows something made up.
const SIMULATED: &str =
    "Simulated providers were asked here: their answers are made up, and say nothing of any model.";

/// An answer as the browser gets it.
pub(crate) fn respond(visit: &Visit, answer: Answer) -> Response<Body> {
    match answer {
        Answer::Page(page) => {
            let status = page.status;
            response(status, HTML, whole(Some(visit), &page).into_string())
        }
        Answer::Part(part) => response(StatusCode::OK, HTML, part.into_string()),
        Answer::Unchanged => response(StatusCode::NO_CONTENT, HTML, String::new()),
        Answer::Anew => {
            let mut response = response(StatusCode::NO_CONTENT, HTML, String::new());
            response.headers_mut().insert("hx-refresh", HeaderValue::from_static("true"));
            response
        }
        Answer::Redirect(to) => redirect(&to),
        Answer::SignedOut => {
            let mut response = redirect(&Address::SignIn.to_string());
            put_cookie(&mut response, &visit.cookie, "", visit.secure, 0);
            response
        }
        Answer::File { name, content_type, content, next } => {
            file(&name, content_type, content, next.as_deref())
        }
    }
}

/// The hidden field that a form of this session carries.
pub(crate) fn form_token(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(visit.form_token); }
}

/// A whole page; without a visit it is one for somebody who has not signed in.
pub(crate) fn whole(visit: Option<&Visit>, page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (shown(&page.title)) " · Beacon" }
                link rel="icon" href=(asset::address("beacon.svg")) type="image/svg+xml";
                @if let Some(beside) = page.stylesheet {
                    link rel="stylesheet" href=(asset::address(beside));
                }
                link rel="stylesheet" href=(asset::address("portal.css"));
                script src=(asset::address("htmx.js")) defer {}
                script src=(asset::address("portal.js")) defer {}
            }
            body {
                a class="skip" href="#main" { "Skip to the content" }
                (header(visit))
                (notice(page.simulated, false))
                main id="main" tabindex="-1" { (page.body) }
            }
        }
    }
}

/// What stands above a page that shows something made up. A part of a page brings it along, because what moves may
/// be made up when the page was not yet.
pub(crate) fn notice(simulated: bool, with_part: bool) -> Markup {
    html! {
        div id="notice" hx-swap-oob=[with_part.then_some("outerMorph")] {
            @if simulated {
                aside class="simulated" aria-label="Simulated" { strong { "▲ SIMULATED. " } (SIMULATED) }
            }
        }
    }
}

fn header(visit: Option<&Visit>) -> Markup {
    let Some(visit) = visit else {
        return html! { header class="site" { p class="brand" { (mark()) "Beacon" } } };
    };
    let here = |address: &Address| (visit.address == *address).then_some("page");
    html! {
        header class="site" {
            a class="brand" href=(Address::Jobs) { (mark()) "Beacon" }
            nav aria-label="Beacon" {
                a href=(Address::Jobs) aria-current=[here(&Address::Jobs)] { "Jobs" }
                @if visit.may_change() {
                    a href=(Address::New) aria-current=[here(&Address::New)] { "New job" }
                }
                a href=(Address::System) aria-current=[here(&Address::System)] { "System" }
            }
            form class="sign-out" method="post" action=(Address::SignOut) {
                (form_token(visit))
                span class="who" { (visit.caller.role.name()) }
                button class="quiet" type="submit" { "Sign out" }
            }
        }
    }
}

fn mark() -> Markup {
    html! { img class="mark" src=(asset::address("beacon.svg")) alt="" width="22" height="22"; }
}
