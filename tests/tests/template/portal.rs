//! The portal as a browser asks it through the API: signed in, every page seen, every form sent.

use std::collections::BTreeMap;

use lambda_http::http::header::{LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use crate::functions::{Functions, TOKEN};

/// What every form carries.
const FORM_TOKEN: &str = "form_token";

/// Pages of a job that has ended, of one of its executions, and of no job.
const PAGES: [&str; 13] = [
    "/",
    "/new?key=k",
    "/system",
    "/jobs/long",
    "/jobs/long/live",
    "/jobs/long/matrix",
    "/jobs/long/questions/7",
    "/jobs/long/findings",
    "/jobs/long/files",
    "/jobs/long/files/report.html",
    "/jobs/long/files/executions.csv",
    "/jobs/long/files/bundle.jsonl",
    "/executions/long.7.us-east.0.m",
];

/// Forms with what is put into them, each a change that its job takes.
const FORMS: [(&str, &[(&str, &str)]); 6] = [
    ("/executions/long.7.us-east.0.m/label", &[("verdict", "refused")]),
    ("/executions/long.7.us-east.0.m/label", &[("verdict", "withdrawn")]),
    ("/jobs/long/classify", &[]),
    ("/jobs/cancelled/retry", &[]),
    // Nobody has begun what is retried, so that all its lanes close at once.
    ("/jobs/cancelled/cancel", &[]),
    ("/executions/lost.0.us-east.0.m/retry", &[]),
];

/// A job as the form has it.
const NEW: [(&str, &str); 3] = [("builtin", "math_basic"), ("model", "m"), ("region", "us-east")];

/// Whoever browses, and the cookies that were given.
struct Browser<'a> {
    functions: &'a Functions,
    cookies: BTreeMap<String, String>,
}

/// What a request is answered with.
#[derive(Debug)]
struct Shown {
    status: u16,
    location: String,
    text: String,
}

/// Of the jobs `long`, `cancelled` and `lost`, which are there and final.
pub(crate) async fn everything_is_asked(functions: &Functions) {
    let mut browser = Browser { functions, cookies: BTreeMap::new() };
    let stranger = browser.ask("GET", "/", &[]).await;
    assert_eq!((stranger.status, stranger.location.as_str()), (303, "/sign-in"));
    let form = browser.ask("GET", "/sign-in", &[]).await;
    let fields = [(FORM_TOKEN, form.hidden(FORM_TOKEN)), ("token", TOKEN)];
    let signed_in = browser.ask("POST", "/sign-in", &fields).await;
    assert_eq!((signed_in.status, signed_in.location.as_str()), (303, "/"), "{signed_in:?}");

    for page in PAGES {
        let shown = browser.ask("GET", page, &[]).await;
        assert_eq!(shown.status, 200, "{page}: {shown:?}");
    }
    let list = browser.ask("GET", "/", &[]).await;
    let ours = (FORM_TOKEN, list.hidden(FORM_TOKEN));
    for (action, fields) in FORMS {
        let sent = browser.ask("POST", action, &[&[ours], fields].concat()).await;
        assert!(matches!(sent.status, 200 | 303), "{action}: {sent:?}");
    }
    let form = browser.ask("GET", "/new?key=k", &[]).await;
    let fields = [&NEW[..], &[ours, ("key", form.hidden("key")), ("action", "submit")]].concat();
    let estimated = browser.ask("POST", "/new/estimate", &fields).await;
    assert_eq!(estimated.status, 200, "{estimated:?}");
    let submitted = browser.ask("POST", "/new", &fields).await;
    assert!(submitted.status == 303 && submitted.location.starts_with("/jobs/"), "{submitted:?}");
    let signed_out = browser.ask("POST", "/sign-out", &[ours]).await;
    assert_eq!((signed_out.status, signed_out.location.as_str()), (303, "/sign-in"));
}

impl Browser<'_> {
    async fn ask(&mut self, method: &str, address: &str, form: &[(&str, &str)]) -> Shown {
        let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "cookies": cookies,
            "headers": {
                "content-type": "application/x-www-form-urlencoded",
                "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "stage": "$default",
                "timeEpoch": 0,
                "http": {
                    "method": method, "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "",
                },
            },
            "body": if body.is_empty() { Value::Null } else { body.join("&").into() },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = self.functions.portal.handle(request).await;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        Shown {
            status: response.status().as_u16(),
            location: location.unwrap_or_default(),
            text: String::from_utf8_lossy(response.body()).into_owned(),
        }
    }
}

impl Shown {
    /// What a hidden field of the page's first form holds.
    fn hidden(&self, name: &str) -> &str {
        let field = format!("type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&field).unwrap_or_else(|| panic!("{self:?}"));
        rest.split('"').next().unwrap()
    }
}
