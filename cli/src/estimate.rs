//! What a job will use and cost at most, from its specification and what providers declare.

use std::path::Path;
use std::time::Duration;

use beacon_core::Region;
use beacon_core::estimate::{AWS, AwsCost, Estimate};
use beacon_core::money::Dollars;
use beacon_core::price::Prices;
use beacon_core::spec::{Problem, Spec, is_jobspec, parse, parse_jobspec};
use beacon_core::view::{Details, ErrorView};
use beacon_core::wire::ProviderView;
use beacon_infra::{
    DataDir, RouterPlace, RouterProbe, RouterUnavailable, configured_router, http_client,
};
use beacon_router::{Config, HybridRouter};
use serde::Serialize;
use thiserror::Error;

use crate::api::ApiError;
use crate::arguments::{self, Arguments};
use crate::command::{CommandError, Done};
use crate::print;
use crate::router_choice::RouterError;
use crate::spec_file::SpecFile;

/// Why nothing was estimated.
#[derive(Debug, Error)]
pub(crate) enum EstimateError {
    #[error("--api has no prices: leave it out and give the router's --providers FILE")]
    Api,
    #[error("the router's prices cannot be asked; give --providers FILE")]
    Router(#[from] RouterUnavailable),
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
}

/// An estimate and what it costs.
#[derive(Debug, Serialize)]
pub(crate) struct Estimated {
    pub(crate) estimate: Estimate,
    pub(crate) aws: AwsCost,
    /// Of AWS and the providers together, without what has no declared price.
    pub(crate) total: Dollars,
    pub(crate) total_is: TotalIs,
    /// When AWS's prices were looked up, and where they hold.
    pub(crate) prices_as_of: &'static str,
    pub(crate) prices_of: &'static str,
    pub(crate) max_cost: Option<Dollars>,
}

/// What a total leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TotalIs {
    /// Everything has a price.
    AtMost,
    /// Some executions have none, and are not in it.
    AtLeast,
}

pub(crate) async fn estimate(
    arguments: &Arguments,
    options: &arguments::Estimate,
) -> Result<Done, CommandError> {
    let file = SpecFile::read(&options.spec, None)?;
    let providers = providers(arguments, options).await?;
    let spec = match read(&file, &providers) {
        Ok(spec) => spec,
        Err(problems) => {
            return Err(CommandError::Spec(ApiError::Refused(refusal(problems)), Box::new(file)));
        }
    };
    let prices = Prices::of(&spec, &providers);
    let estimate = Estimate::of(&spec, &prices, Duration::from_secs(options.latency));
    let aws = estimate.aws(&AWS);
    let is_known = estimate.provider.unpriced == 0;
    let estimated = Estimated {
        estimate,
        aws,
        total: aws.total().plus(estimate.provider.at_most),
        total_is: if is_known { TotalIs::AtMost } else { TotalIs::AtLeast },
        prices_as_of: AWS.as_of,
        prices_of: AWS.region,
        max_cost: spec.max_cost,
    };
    if arguments.json {
        print::json(&estimated)?;
    } else {
        print::estimated(&estimated);
    }
    Ok(Done(0))
}

/// The providers whose prices count; none where no router is named and no Beacon runs.
async fn providers(
    arguments: &Arguments,
    options: &arguments::Estimate,
) -> Result<Vec<ProviderView>, CommandError> {
    if arguments.api.is_some() && options.providers.is_none() {
        return Err(EstimateError::Api.into());
    }
    let of_file = |file: &Path| -> Result<Vec<ProviderView>, CommandError> {
        // Of an estimate nothing is to be left behind.
        let config = Config::from_file(file)?.without_call_log();
        Ok(HybridRouter::new(config)?.providers(None))
    };
    if let Some(file) = &options.providers {
        return of_file(file.as_path());
    }
    let base = match configured_router().map_err(RouterError::from)? {
        Some(RouterPlace::At(settings)) => settings.base,
        Some(RouterPlace::Embedded(settings)) => return of_file(settings.config.as_path()),
        None => match DataDir::running(&arguments.data) {
            // One that only reads has no router.
            Some(running) if !running.router.is_empty() => running.router,
            Some(_) | None => return Ok(Vec::new()),
        },
    };
    let client = http_client().map_err(EstimateError::from)?;
    let asked = RouterProbe::new(client, base).providers().await;
    Ok(asked.map_err(EstimateError::from)?)
}

fn read(file: &SpecFile, providers: &[ProviderView]) -> Result<Spec, Vec<Problem>> {
    let declared: Vec<Region> =
        providers.iter().filter_map(|p| Region::new(&*p.region).ok()).collect();
    let document = &file.document;
    let read = if is_jobspec(document) { parse_jobspec } else { parse };
    Ok(read(document, &declared)?.spec)
}

/// As the API would refuse it.
fn refusal(details: Vec<Problem>) -> ErrorView {
    let first = details.first().map(|first| format!("{}: {}", first.field, first.message));
    ErrorView {
        error: first.unwrap_or_else(|| "the specification is wrong".to_owned()),
        error_code: "validation_error".to_owned(),
        details: Some(Details::Fields(details)),
        retries: None,
    }
}
