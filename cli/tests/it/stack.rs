//! `--stack`: a Beacon that is found through the stack's description, in XML here as it is there.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::fake::Fake;
use crate::place::{Done, Place, elsewhere, finished};
use crate::up::Up;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tokens-AbCdEf";

/// What AWS tells of a stack: status and body.
type Told = (u16, String);

/// A stack's description.
fn described(status: &str, outputs: &[(&str, &str)]) -> Told {
    let output = |(key, value): &(&str, &str)| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let outputs = outputs.iter().map(output).collect::<Vec<_>>().concat();
    let body = format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStacksResult><Stacks><member><StackName>beacon</StackName>\
         <CreationTime>2026-11-26T10:00:00Z</CreationTime><StackStatus>{status}</StackStatus>\
         <Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeStacksResponse>"
    );
    (200, body)
}

fn refused(status: u16, code: &str, message: &str) -> Told {
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    (status, body)
}

/// AWS as far as it is asked: a stack, and its secret, which none may read where there is none.
async fn aws(stack: Told, secret: Option<Value>) -> Fake {
    Fake::start(move |head| {
        if !head.to_ascii_lowercase().contains("secretsmanager.getsecretvalue") {
            let (status, body) = stack.clone();
            return Some((status, "content-type: text/xml\r\n", body));
        }
        let (status, body) = if let Some(secret) = &secret {
            (200, json!({"ARN": ARN, "Name": "tokens", "SecretString": secret.to_string()}))
        } else {
            let message = "User: arn is not authorized to perform: GetSecretValue";
            (400, json!({"__type": "AccessDeniedException", "Message": message}))
        };
        Some((status, "content-type: application/x-amz-json-1.1\r\n", body.to_string()))
    })
    .await
}

fn command(aws: &Fake, arguments: &[&str]) -> Command {
    let mut command = elsewhere(arguments);
    command
        .env("AWS_ENDPOINT_URL", aws.url())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "key");
    command
}

async fn beacon(aws: &Fake, arguments: &[&str]) -> Done {
    finished(command(aws, &[&["--stack", "beacon"], arguments].concat())).await
}

/// The command was not carried out, and says why and what to do.
fn told(done: &Done, parts: &[&str]) {
    assert_eq!(done.code, Some(2), "{done:?}");
    for part in parts {
        assert!(done.stderr.contains(part), "{part}: {done:?}");
    }
    assert!(!done.stderr.contains("hush"), "{done:?}");
}

#[tokio::test]
async fn a_job_runs_on_the_stack_with_the_token_of_its_secret() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let up = Up::start(&place, &["--providers", &providers]).await;
    let outputs = [("ApiUrl", up.base()), ("TokensSecretArn", ARN)];
    let tokens = format!("sha256:{}, {}, hush-other-token-0", "0".repeat(64), up.token());
    let secret = json!({"BEACON_ADMIN_TOKENS": tokens, "BEACON_READER_TOKENS": ""});
    let aws = aws(described("UPDATE_COMPLETE", &outputs), Some(secret)).await;

    let run = beacon(&aws, &["--json", "run", "examples/one-region.yaml", "--id", "far"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let listed = beacon(&aws, &["--json", "list"]).await;
    assert_eq!(listed.json()[0]["job_id"], "far");
    let shown = beacon(&aws, &["status", "far"]).await;
    assert!(shown.stdout.contains("far") && shown.code == Some(0), "{shown:?}");
    let exported = beacon(&aws, &["export", "far", "--format", "jsonl"]).await;
    assert!(!exported.json_lines().is_empty(), "{exported:?}");
    told(&beacon(&aws, &["cancel", "far"]).await, &["far"]);

    let checked = beacon(&aws, &["--json", "doctor"]).await.json();
    for name in ["stack", "beacon", "token"] {
        let checks = checked["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(check["status"], "ok", "{check}");
    }
}

#[tokio::test]
async fn the_environments_token_goes_before_that_of_the_secret() {
    let api = Fake::start(|head| {
        let own = head.to_ascii_lowercase().contains("authorization: bearer own-token-0123456");
        let body = if own { "{\"jobs\":[]}" } else { "{\"message\":\"Forbidden\"}" };
        Some((if own { 200 } else { 403 }, "", body.to_owned()))
    })
    .await;
    let listed = async |aws: &Fake| {
        let mut list = command(aws, &["list", "--stack", "beacon"]);
        list.env("BEACON_TOKEN", "own-token-0123456");
        let done = finished(list).await;
        assert_eq!(done.code, Some(0), "{done:?}");
    };
    let url = api.url();
    let with_secret = [("ApiUrl", url.as_str()), ("TokensSecretArn", ARN)];
    let secret = json!({"BEACON_ADMIN_TOKENS": "hush-hush-hush-hush"});
    listed(&aws(described("CREATE_COMPLETE", &with_secret), Some(secret)).await).await;
    // Without a secret the stack has an issuer of its own.
    let aws = aws(described("CREATE_COMPLETE", &with_secret[..1]), None).await;
    listed(&aws).await;
    told(&beacon(&aws, &["list"]).await, &["issuer", "BEACON_TOKEN"]);
}

#[tokio::test]
async fn what_the_gateway_refuses_says_what_to_do() {
    for (status, message, parts) in [
        (401, "Unauthorized", ["HTTP 401, Unauthorized", "set BEACON_TOKEN"]),
        (403, "Forbidden", ["HTTP 403, Forbidden", "does not know the token"]),
        (404, "Not Found", ["HTTP 404, Not Found", "output ApiUrl"]),
    ] {
        let body = json!({"message": message}).to_string();
        let api = Fake::start(move |_head| Some((status, "", body.clone()))).await;
        let outputs = [("ApiUrl", &*api.url()), ("TokensSecretArn", ARN)];
        let secret = json!({"BEACON_ADMIN_TOKENS": "hush-hush-hush-hush"});
        let aws = aws(described("CREATE_COMPLETE", &outputs), Some(secret)).await;
        told(&beacon(&aws, &["list"]).await, &parts);
    }
}

#[tokio::test]
async fn a_stack_that_cannot_be_asked_says_why() {
    let url = ("ApiUrl", "http://127.0.0.1:9");
    let with_secret = [url, ("TokensSecretArn", ARN)];
    let missing = "Stack with id beacon does not exist";
    let denied = "User: arn is not authorized to perform: cloudformation:DescribeStacks";
    for (stack, secret, parts) in [
        (
            refused(400, "ValidationError", missing),
            None,
            ["no stack `beacon` in eu-west-1", "correct --stack"],
        ),
        (
            refused(403, "AccessDenied", denied),
            None,
            ["(AccessDenied)", "need cloudformation:DescribeStacks"],
        ),
        (described("CREATE_IN_PROGRESS", &[]), None, ["still being made", "stack-create-complete"]),
        (described("ROLLBACK_COMPLETE", &[]), None, ["ROLLBACK_COMPLETE", "deploy it anew"]),
        (
            described("CREATE_COMPLETE", &[("Other", "x")]),
            None,
            ["no output `ApiUrl`", "not one of Beacon"],
        ),
        (described("CREATE_COMPLETE", &[("ApiUrl", "x")]), None, ["`ApiUrl`", "no address"]),
        (
            described("CREATE_COMPLETE", &[("ApiUrl", "http://beacon.example")]),
            None,
            ["`ApiUrl`", "https://"],
        ),
        (
            described("CREATE_COMPLETE", &with_secret),
            None,
            ["AccessDeniedException", "need secretsmanager:GetSecretValue"],
        ),
        (
            described("CREATE_COMPLETE", &with_secret),
            Some(json!({"BEACON_ADMIN_TOKENS": "sha256:00"})),
            ["no token in clear", "BEACON_TOKEN"],
        ),
        (
            described("CREATE_COMPLETE", &with_secret),
            Some(json!(["hush"])),
            ["no token in clear", ARN],
        ),
        ((200, "hush".to_owned()), None, ["CloudFormation of eu-west-1", "cannot be read"]),
    ] {
        let aws = aws(stack, secret).await;
        told(&beacon(&aws, &["list"]).await, &parts);
    }
}

#[tokio::test]
async fn without_region_or_credentials_it_says_what_to_set() {
    let place = Place::new();
    let aws = aws(described("CREATE_COMPLETE", &[]), None).await;
    let list = || {
        let mut list = command(&aws, &["list", "--stack", "beacon"]);
        for variable in ["AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE"] {
            list.env_remove(variable);
        }
        for file in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            list.env(file, place.path("nowhere"));
        }
        list.env("AWS_EC2_METADATA_DISABLED", "true");
        list
    };
    let mut nowhere = list();
    nowhere.env_remove("AWS_REGION");
    told(&finished(nowhere).await, &["no region", "AWS_REGION"]);
    let mut nobody = list();
    nobody.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    told(&finished(nobody).await, &["no AWS credentials", "AWS_PROFILE"]);
    let mut profile = list();
    let config =
        place.write("config", "[profile p]\nregion = us-west-2\ncredential_process = false\n");
    profile.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_REGION");
    profile.env("AWS_CONFIG_FILE", config).env("AWS_PROFILE", "p");
    told(&finished(profile).await, &["no AWS credentials"]);
}

#[tokio::test]
async fn what_is_of_this_machine_cannot_stand_beside_it() {
    for (arguments, parts) in [
        (&["--stack", "s", "--api", "http://h", "list"][..], ["--stack and --api", "leave one"]),
        (&["--api", "http://h", "list", "--stack", "s"], ["--stack and --api", "leave one"]),
        (&["--stack", "s", "--data", "d", "list"], ["--data", "on AWS"]),
        (&["list", "--data", "d", "--stack", "s"], ["--data", "on AWS"]),
        (&["--stack", "s", "run", "x.yaml", "--providers", "p"], ["--providers", "its own"]),
        (&["--stack", "s", "doctor", "--providers", "p"], ["--providers", "its own"]),
        (&["--stack", "s", "up"], ["beacon up", "leave --stack out"]),
        (&["router", "--config", "c", "--stack", "s"], ["beacon router", "leave --stack out"]),
        (
            &[
                "stats",
                "--paired",
                "f",
                "--unit",
                "u",
                "--group",
                "g",
                "--outcome",
                "o",
                "--stack",
                "s",
            ],
            ["beacon stats", "leave --stack out"],
        ),
    ] {
        told(&finished(elsewhere(arguments)).await, &parts);
    }
}
