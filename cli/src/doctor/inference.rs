//! One real inference, the smallest there is.

use std::time::Duration;

use beacon_core::wire::{
    ChatMessage, DEADLINE_HEADER, InferenceRequest, InferenceResponse, ProviderView, Role,
};
use beacon_infra::clock;
use reqwest::Client;
use reqwest::header::AUTHORIZATION;

use super::check::Check;
use super::network::{Answer, NoAnswer, Server, ask_within};
use super::patience::{Patience, seconds};

/// The check's name.
pub(crate) const INFERENCE: &str = "inference";
const QUESTION: &str = "Reply with OK.";
/// How long an answer is waited for.
const WAIT: Duration = Duration::from_secs(4);
/// Less is not worth asking.
const LEAST: Duration = Duration::from_millis(500);
/// The router's deadline is this much after the wait: it gives the call up because nobody waits any
/// more, which does not count against the provider.
const BEYOND: Duration = Duration::from_secs(2);

/// Asks the first healthy provider that says what it serves.
pub(crate) async fn inference(
    client: &Client,
    server: &Server,
    providers: &[ProviderView],
    patience: Patience,
) -> Check {
    let models = |one: &ProviderView| Some((one.clone(), one.models.as_ref()?.first()?.clone()));
    let mut healthy = providers.iter().filter(|provider| provider.healthy).peekable();
    if healthy.peek().is_none() {
        return Check::skipped(INFERENCE, "skipped: needs a healthy provider");
    }
    let Some((provider, model)) = healthy.find_map(models) else {
        let why = "the router does not say which models it serves";
        return Check::not_applicable(INFERENCE, why);
    };
    let limit = patience.at_most(WAIT);
    if limit < LEAST {
        return Check::skipped(
            INFERENCE,
            "skipped: needs time, and the checks before it took it all",
        );
    }
    let left = i64::try_from((limit + BEYOND).as_millis()).unwrap_or(i64::MAX);
    let request = client
        .post(server.path("/inference"))
        .header(DEADLINE_HEADER, clock::now().as_millisecond().saturating_add(left))
        .json(&request(&provider, &model));
    let request = match &server.authorization {
        Some(authorization) => request.header(AUTHORIZATION, authorization),
        None => request,
    };
    let asked = format!("`{model}` in {}", provider.region);
    match ask_within(request, limit).await {
        Ok(answer) => read(&asked, &answer).after(answer.took),
        Err(NoAnswer::InTime(limit)) => {
            let detail = format!("no answer from {asked} within {}", seconds(limit));
            let fix = format!(
                "it may be a cold start: ask again in some minutes; if it stays so, look whether \
                 provider `{}` hangs",
                provider.name
            );
            Check::failed(INFERENCE, detail, fix).after(limit)
        }
        Err(error @ (NoAnswer::Connection(_) | NoAnswer::Other(_))) => {
            let detail = format!("POST /inference of {}: {error}", server.base());
            Check::failed(INFERENCE, detail, "look into the router's log")
        }
    }
}

fn request(provider: &ProviderView, model: &str) -> InferenceRequest {
    InferenceRequest {
        model: model.to_owned(),
        prompt: format!("user\n{QUESTION}\nassistant\n"),
        messages: Some(vec![ChatMessage { role: Role::User, content: QUESTION.to_owned() }]),
        temperature: 0.0,
        max_tokens: 1,
        seed: None,
        top_p: None,
        region_preference: Some(provider.region.clone()),
        cost_priority: true,
        trace_id: None,
    }
}

fn read(asked: &str, answer: &Answer) -> Check {
    if answer.status == 401 {
        let detail = format!("POST /inference for {asked}: the router accepts no token of ours");
        return Check::failed(INFERENCE, detail, "set HYBRID_ROUTER_TOKEN to one that it knows");
    }
    let Ok(response) = serde_json::from_slice::<InferenceResponse>(&answer.body) else {
        let detail = format!("POST /inference for {asked}: HTTP {} and no answer", answer.status);
        return Check::failed(INFERENCE, detail, "look into the router's log");
    };
    if response.success {
        let made_up = if response.metadata.simulated { ", SIMULATED" } else { "" };
        let provider = &response.provider_used;
        return Check::ok(
            INFERENCE,
            format!("provider `{provider}` answered for {asked}{made_up}"),
        );
    }
    let told = response.failure.map(|failure| (failure.code, failure.message, failure.provider));
    let (code, message, provider) = told.unwrap_or_else(|| {
        let (code, message) = (response.error_code, response.error);
        (code.unwrap_or_default(), message.unwrap_or_default(), None)
    });
    let provider = provider.unwrap_or(response.provider_used);
    let who = if provider.is_empty() {
        "no provider".to_owned()
    } else {
        format!("provider `{provider}`")
    };
    let detail = format!("{who} for {asked}: {code}: {message}");
    Check::failed(INFERENCE, detail, fix(&who, &code))
}

/// What to do about a failure's code.
fn fix(who: &str, code: &str) -> String {
    match code {
        "PROVIDER_UNREACHABLE" => {
            format!("{who} is down: start it, or correct its url in the providers' file")
        }
        "PROVIDER_HTTP_401" | "PROVIDER_HTTP_403" => {
            format!(
                "the key of {who} is not accepted: correct the variable that `api_key_env` names"
            )
        }
        "PROVIDER_HTTP_404" => {
            format!("correct the url of {who}, or its model's `upstream`, in the providers' file")
        }
        "PROVIDER_TIMEOUT" | "DEADLINE_EXCEEDED" => {
            "it may be a cold start: ask again in some minutes".to_owned()
        }
        _ => format!("look into the log of {who}, and into the router's"),
    }
}
