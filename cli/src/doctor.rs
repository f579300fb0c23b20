//! `beacon doctor`: what is wrong, and what to do about it, within five seconds.

mod beacon;
mod check;
mod clock;
mod environment;
mod inference;
mod needs;
mod network;
mod patience;
mod queues;
mod router;
mod tables;

use std::path::Path;

use beacon_infra::{Aws, EmbeddedSettings, RouterPlace, configured_router};
use reqwest::Url;
use serde::Serialize;
use tokio::time::timeout;

use crate::arguments::{Arguments, Doctor};
use crate::command::{CommandError, Done};
use crate::{print, token};
use beacon::BeaconFound;
pub(crate) use check::{Check, Status};
use environment::{Environment, ROUTER_CONFIG, ROUTER_URL};
use network::Server;
use patience::Patience;
use router::RouterFound;

/// The whole report.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

/// Checks everything and says what it found.
pub(crate) async fn doctor(arguments: &Arguments, options: &Doctor) -> Result<Done, CommandError> {
    let checks = Box::pin(checks(arguments, options)).await;
    let ok = checks.iter().all(|check| check.status != Status::Failed);
    if arguments.json {
        print::json(&Report { ok, checks })?;
    } else {
        print::checks(&checks);
    }
    Ok(Done(u8::from(!ok)))
}

async fn checks(arguments: &Arguments, options: &Doctor) -> Vec<Check> {
    let patience = Patience::begins();
    let environment = Environment::check(options.providers.as_deref());
    let (router, stores, beacon) = tokio::join!(
        checked_router(&environment, options, patience),
        stores(arguments, &environment, patience),
        beacon::checks(arguments, patience)
    );
    let clock = clock_of(options, &router, &beacon);
    let mut checks = environment.checks;
    checks.extend(router.checks);
    checks.extend(stores);
    checks.extend(beacon.checks);
    checks.push(clock);
    checks
}

async fn checked_router(
    environment: &Environment,
    options: &Doctor,
    patience: Patience,
) -> RouterFound {
    if let Some(file) = &options.providers {
        return own_router(file, patience).await;
    }
    if environment.value(ROUTER_URL) == Some(EmbeddedSettings::BASE) {
        let Some(file) = environment.value(ROUTER_CONFIG) else {
            let fix = format!("set {ROUTER_CONFIG} to the file of its providers");
            let detail = "the router is embedded, and its providers are not known";
            let checks = vec![Check::failed("providers file", detail, fix)];
            return RouterFound { checks, answer: None };
        };
        // It has this machine's clock.
        return RouterFound { answer: None, ..own_router(file.as_ref(), patience).await };
    }
    let base = environment.value(ROUTER_URL).and_then(|base| Url::parse(base).ok());
    let named_by = environment.set_by(ROUTER_URL).to_owned();
    let authorization = match configured_router().ok().flatten() {
        Some(RouterPlace::At(settings)) => settings.authorization,
        Some(RouterPlace::Embedded(_)) | None => None,
    };
    let server = base.map(|base| Server { base, named_by, what: "router", authorization });
    match environment.of(ROUTER_URL) {
        Some(known) => router::checks(known, server.as_ref(), patience).await,
        None => RouterFound { checks: Vec::new(), answer: None },
    }
}

async fn own_router(file: &Path, patience: Patience) -> RouterFound {
    let own = router::own(file).await;
    let mut found = router::checks(&own.check, own.value.as_ref(), patience).await;
    found.checks.insert(0, own.check);
    found
}

/// Table and queues on AWS, or the data directory.
async fn stores(
    arguments: &Arguments,
    environment: &Environment,
    patience: Patience,
) -> Vec<Check> {
    let table = environment.value("BEACON_TABLE");
    let on_aws = table.is_some() || environment.value("BEACON_QUESTION_QUEUE_URL").is_some();
    let aws = if on_aws { aws(patience).await } else { None };
    let elsewhere = arguments.api.as_deref().and_then(|api| Url::parse(api).ok());
    let elsewhere = elsewhere.is_some_and(|api| !token::is_this_machine(&api));
    let elsewhere = elsewhere || arguments.stack.is_some();
    let kept = async {
        match (table, &aws) {
            (Some(name), Some(aws)) => vec![tables::table(aws, name, patience).await],
            (Some(name), None) => vec![no_aws(name)],
            (None, _) if elsewhere => {
                vec![Check::not_applicable(
                    "data directory",
                    "the Beacon that is asked keeps the data",
                )]
            }
            (None, _) => {
                let mut checks = tables::directory(&arguments.data, patience).await;
                checks.push(tables::running(&arguments.data));
                checks
            }
        }
    };
    let (mut checks, queues) =
        tokio::join!(kept, queues::checks(environment, aws.as_ref(), patience));
    checks.extend(queues);
    checks
}

/// Finding out about region and credentials may ask the network.
async fn aws(patience: Patience) -> Option<Aws> {
    timeout(patience.at_most(tables::AWS), Aws::from_environment()).await.ok()
}

fn no_aws(table: &str) -> Check {
    let detail = format!("the table `{table}`: no region was found in time");
    Check::failed("table", detail, tables::AWS_FIX)
}

fn clock_of(options: &Doctor, router: &RouterFound, beacon: &BeaconFound) -> Check {
    let router = router.answer.as_ref().filter(|_| options.providers.is_none());
    match (router, &beacon.answer) {
        (Some(answer), _) => clock::check("the router", answer),
        (None, Some(answer)) => clock::check("the Beacon", answer),
        (None, None) => {
            Check::not_applicable("clock", "there is no other machine's clock to compare it with")
        }
    }
}
