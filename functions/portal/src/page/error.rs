//! Pages that say what is wrong, and what to do.

use beacon_aws::{ApiError, chain};
use beacon_core::JobId;
use lambda_http::http::header::ALLOW;
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use maud::{Markup, html};

use super::execution::no_retry;
use super::shown;
use super::words::sentence;
use crate::address::Address;
use crate::answer::{Answer, HTML, Page, PageError, response};
use crate::layout;

/// The page of an error, for somebody who signed in and asked for this address.
pub(crate) fn page(error: &PageError, asked: &Address) -> Answer {
    let status = error.status();
    let title = match error {
        PageError::NoRetry(_) => "Not asked again",
        PageError::Api(ApiError::JobIsFinal { .. }) => "It has ended already",
        PageError::Api(_)
        | PageError::NotFound
        | PageError::OnlyReads
        | PageError::Parameter { .. } => title(status),
    };
    // To the job, unless there is none.
    let job = asked.job().filter(|_| status != StatusCode::NOT_FOUND);
    Answer::Page(Page { status, ..Page::new(title, body(title, &told(error), job)) })
}

/// One without a session around it.
pub(crate) fn bare(status: StatusCode, told: &str) -> Response<Body> {
    let title = title(status);
    let page = Page { status, ..Page::new(title, body(title, told, None)) };
    response(status, HTML, layout::whole(None, &page).into_string())
}

/// The same of an error of the API.
pub(crate) fn of_api(error: ApiError) -> Response<Body> {
    let error = PageError::Api(error);
    bare(error.status(), &told(&error))
}

/// The address takes other methods.
pub(crate) fn method(allow: &'static str) -> Response<Body> {
    let mut response =
        bare(StatusCode::METHOD_NOT_ALLOWED, "This address cannot be asked for like this.");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// What the person is told. What is ours alone is logged, and not told.
pub(crate) fn told(error: &PageError) -> String {
    match error {
        PageError::Api(inner @ (ApiError::Table(_) | ApiError::Answer(_))) => {
            tracing::error!(code = inner.code(), error = chain(inner), "page failed");
            "Beacon could not read or write its table just now. Nothing is lost; load the page anew.".to_owned()
        }
        PageError::Api(ApiError::RouterUnavailable { message }) => {
            tracing::warn!(
                code = "router_unavailable",
                error = message,
                "the router is out of reach"
            );
            sentence(&error.to_string())
        }
        PageError::NoRetry(why) => no_retry(*why),
        PageError::Api(_)
        | PageError::NotFound
        | PageError::OnlyReads
        | PageError::Parameter { .. } => sentence(&error.to_string()),
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "Not allowed",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::CONFLICT => "Not now",
        status if status.is_client_error() => "That cannot be shown",
        _ => "Something went wrong",
    }
}

fn body(title: &str, told: &str, job: Option<&JobId>) -> Markup {
    html! {
        section class="empty" {
            h1 { (title) }
            p { (shown(told)) }
            p {
                @if let Some(job) = job {
                    a class="button" href=(Address::Job(job.clone())) { "To the job" } " "
                }
                a class="button" href=(Address::Jobs) { "To the jobs" }
            }
        }
    }
}
