//! A Beacon that was deployed to AWS, found by the name of its stack with the person's own
//! credentials.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::config::ProvideCredentials as _;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{Stack, StackStatus};
use beacon_infra::{Aws, api_token, chain};
use thiserror::Error;
use tokio::time::timeout;

use crate::token::is_this_machine;

/// For region, credentials and each of two requests; a profile may ask for credentials over the
/// network.
const TIME: Duration = Duration::from_secs(60);
/// The output that is the API's address.
const API_URL: &str = "ApiUrl";
/// The output that names the secret of the tokens.
const TOKENS_SECRET: &str = "TokensSecretArn";
/// The secret's entry whose first token is shown.
const ADMIN_TOKENS: &str = "BEACON_ADMIN_TOKENS";

/// The API of a stack.
#[derive(Debug, Clone)]
pub(crate) struct Deployed {
    /// The API's address.
    pub(crate) api: String,
    /// What it is shown.
    pub(crate) token: Token,
}

/// A token, which is not shown.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a stack's API cannot be asked.
#[derive(Debug, Error)]
pub(crate) enum DeployedError {
    #[error("--stack {stack}: no region is set; set AWS_REGION, or a region in the AWS profile")]
    NoRegion { stack: String },
    #[error(
        "--stack {stack}: no AWS credentials ({why}); set AWS_PROFILE, or log in as `aws sts \
         get-caller-identity` needs it"
    )]
    NoCredentials { stack: String, why: String },
    #[error("there is no stack `{stack}` in {region}; correct --stack or AWS_REGION")]
    NoStack { stack: String, region: String },
    #[error(
        "the stack `{stack}` is still being made ({status}); try again when `aws cloudformation \
         wait stack-create-complete --stack-name {stack}` has ended"
    )]
    Unfinished { stack: String, status: String },
    #[error("the stack `{stack}` was not made or is going ({status}); deploy it anew")]
    Failed { stack: String, status: String },
    #[error("the stack `{stack}` has no output `{API_URL}`; it is not one of Beacon")]
    NotBeacon { stack: String },
    #[error(
        "the output `{API_URL}` of the stack `{stack}` is no address that begins with https://"
    )]
    NoAddress { stack: String },
    #[error("{service} refuses ({code}): {message}; your AWS credentials need {action}")]
    Refused { service: &'static str, action: &'static str, code: String, message: String },
    #[error("{service} of {region} does not answer: {why}")]
    Unreachable { service: &'static str, region: String, why: String },
    #[error("the stack `{stack}` takes the access tokens of its issuer; set BEACON_TOKEN to one")]
    TokenOfIssuer { stack: String },
    #[error(
        "the secret `{secret}` of the stack `{stack}` holds no token in clear under \
         `{ADMIN_TOKENS}`; set BEACON_TOKEN to one that it knows"
    )]
    NoToken { stack: String, secret: String },
}

/// Finds the API of a stack, and the token that it takes: `BEACON_TOKEN`, or else the first of an
/// admin in the stack's secret.
pub(crate) async fn find(stack: &str) -> Result<Deployed, DeployedError> {
    let aws = Aws::from_environment().await;
    let Some(region) = aws.region().map(str::to_owned) else {
        return Err(DeployedError::NoRegion { stack: stack.to_owned() });
    };
    credentials(&aws, stack).await?;
    let search = Search { stack, region: &region, aws: &aws };
    let outputs = search.outputs().await?;
    let api = outputs.get(API_URL).cloned();
    let api = api.ok_or_else(|| DeployedError::NotBeacon { stack: stack.to_owned() })?;
    let address = reqwest::Url::parse(&api).ok().filter(reqwest::Url::has_host);
    // The token is not sent in clear.
    let is_safe = |url: &reqwest::Url| url.scheme() == "https" || is_this_machine(url);
    if !address.is_some_and(|url| is_safe(&url)) {
        return Err(DeployedError::NoAddress { stack: stack.to_owned() });
    }
    let token = match (api_token(), outputs.get(TOKENS_SECRET)) {
        (Some(token), _) => token,
        (None, Some(secret)) => search.token(secret).await?,
        (None, None) => return Err(DeployedError::TokenOfIssuer { stack: stack.to_owned() }),
    };
    Ok(Deployed { api, token: Token(token) })
}

/// Asked for first, because without them every request fails in words of its own.
async fn credentials(aws: &Aws, stack: &str) -> Result<(), DeployedError> {
    let missing = |why: String| DeployedError::NoCredentials { stack: stack.to_owned(), why };
    let Some(provider) = aws.config().credentials_provider() else {
        return Err(missing("no provider of any".to_owned()));
    };
    match timeout(TIME, provider.provide_credentials()).await {
        Ok(Ok(_credentials)) => Ok(()),
        Ok(Err(error)) => Err(missing(chain(&error))),
        Err(_late) => Err(missing(format!("none within {} s", TIME.as_secs()))),
    }
}

struct Search<'a> {
    stack: &'a str,
    region: &'a str,
    aws: &'a Aws,
}

impl Search<'_> {
    /// The outputs of the stack, once it has them.
    async fn outputs(&self) -> Result<BTreeMap<String, String>, DeployedError> {
        let client = aws_sdk_cloudformation::Client::new(self.aws.config());
        let asked = client.describe_stacks().stack_name(self.stack).send();
        let answer = timeout(TIME, asked).await.map_err(|_late| self.late(CLOUD_FORMATION))?;
        let answer = answer.map_err(|error| self.refused(CLOUD_FORMATION, &error))?;
        let found = answer.stacks.unwrap_or_default().into_iter().next();
        let stack = found.ok_or_else(|| self.no_stack())?;
        let status = stack.stack_status.clone();
        let outputs = outputs(stack);
        if outputs.contains_key(API_URL) {
            return Ok(outputs);
        }
        match status {
            Some(status) => self.without_outputs(&status),
            None => Err(DeployedError::NotBeacon { stack: self.stack.to_owned() }),
        }
    }

    fn without_outputs<T>(&self, status: &StackStatus) -> Result<T, DeployedError> {
        let (stack, status) = (self.stack.to_owned(), status.as_str().to_owned());
        let going = ["DELETE", "ROLLBACK", "FAILED"].iter().any(|word| status.contains(word));
        Err(if going {
            DeployedError::Failed { stack, status }
        } else if status.ends_with("_IN_PROGRESS") {
            DeployedError::Unfinished { stack, status }
        } else {
            DeployedError::NotBeacon { stack }
        })
    }

    /// The first admin token of the secret.
    async fn token(&self, secret: &str) -> Result<String, DeployedError> {
        let client = aws_sdk_secretsmanager::Client::new(self.aws.config());
        let asked = client.get_secret_value().secret_id(secret).send();
        let answer = timeout(TIME, asked).await.map_err(|_late| self.late(SECRETS_MANAGER))?;
        let answer = answer.map_err(|error| self.refused(SECRETS_MANAGER, &error))?;
        let token = answer.secret_string().and_then(first_admin_token);
        token.ok_or_else(|| DeployedError::NoToken {
            stack: self.stack.to_owned(),
            secret: secret.to_owned(),
        })
    }

    fn no_stack(&self) -> DeployedError {
        DeployedError::NoStack { stack: self.stack.to_owned(), region: self.region.to_owned() }
    }

    fn late(&self, service: Service) -> DeployedError {
        self.unreachable(service, format!("nothing within {} s", TIME.as_secs()))
    }

    fn unreachable(&self, service: Service, why: String) -> DeployedError {
        DeployedError::Unreachable { service: service.name, region: self.region.to_owned(), why }
    }

    /// An answer may hold the secret: of one that is no refusal nothing is told.
    fn refused<E, R>(&self, service: Service, error: &SdkError<E, R>) -> DeployedError
    where
        E: ProvideErrorMetadata,
    {
        let unreadable = || self.unreachable(service, "what it says cannot be read".to_owned());
        let refusal = match error {
            SdkError::ServiceError(refused) => refused.err().meta(),
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(|error| chain(error));
                return self.unreachable(service, cause.unwrap_or_default());
            }
            SdkError::TimeoutError(_) => return self.late(service),
            SdkError::ConstructionFailure(_) | SdkError::ResponseError(_) | _ => {
                return unreadable();
            }
        };
        // One without a code is an answer that could not be read.
        let Some(code) = refusal.code().map(str::to_owned) else { return unreadable() };
        let message = refusal.message().unwrap_or("no reason is given").to_owned();
        // That is how CloudFormation says it.
        if code == "ValidationError" && message.contains("does not exist") {
            return self.no_stack();
        }
        let Service { name: service, action } = service;
        DeployedError::Refused { service, action, code, message }
    }
}

/// A service that is asked.
#[derive(Debug, Clone, Copy)]
struct Service {
    name: &'static str,
    /// What a person must be allowed.
    action: &'static str,
}

const CLOUD_FORMATION: Service =
    Service { name: "CloudFormation", action: "cloudformation:DescribeStacks" };
const SECRETS_MANAGER: Service =
    Service { name: "Secrets Manager", action: "secretsmanager:GetSecretValue" };

fn outputs(stack: Stack) -> BTreeMap<String, String> {
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect()
}

/// A token that is kept as its hash cannot be shown.
fn first_admin_token(secret: &str) -> Option<String> {
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_str(secret).ok()?;
    let mut tokens = entries.get(ADMIN_TOKENS)?.as_str()?.split(',').map(str::trim);
    tokens.find(|token| !token.is_empty() && !token.starts_with("sha256:")).map(str::to_owned)
}
