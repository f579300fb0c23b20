//! A browser as far as requests go: cookies are kept, forms carry what their page gave them, and a redirect is
//! followed when the test says so.

use std::cell::RefCell;
use std::collections::BTreeMap;

use beacon_infra::http_client;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};

use crate::here::{Here, within};

/// A browser of its own, signed in or not.
pub(crate) struct Browser {
    client: reqwest::Client,
    base: String,
    cookies: RefCell<BTreeMap<String, String>>,
    form_token: RefCell<String>,
}

/// A page as it came.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name}: {self:?}")).to_str().unwrap()
    }

    /// Where it leads.
    pub(crate) fn to(&self) -> &str {
        self.header(LOCATION.as_str())
    }
}

impl Browser {
    /// One that was never here.
    pub(crate) fn stranger(here: &Here) -> Self {
        let address = here.stack.portal();
        let base = address.split("/sign-in").next().unwrap().to_owned();
        Self {
            client: http_client().unwrap(),
            base,
            cookies: RefCell::default(),
            form_token: RefCell::default(),
        }
    }

    /// One that opened the address which the start printed.
    pub(crate) async fn signed_in(here: &Here) -> Self {
        let browser = Self::stranger(here);
        let address = here.stack.portal();
        let entered = browser.get(address.strip_prefix(&browser.base).unwrap()).await;
        assert_eq!((entered.status, entered.to()), (303, "/"), "{entered:?}");
        browser
    }

    /// One that signed in with a token.
    pub(crate) async fn with_token(here: &Here, token: &str) -> Self {
        let browser = Self::stranger(here);
        assert_eq!(browser.get("/sign-in").await.status, 200);
        let entered = browser.post("/sign-in", &[("token", token)]).await;
        assert_eq!(entered.status, 303, "{entered:?}");
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.sent(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Sends a form with the token of the page that was loaded last.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.form_token.borrow().clone();
        let fields: Vec<(&str, &str)> =
            fields.iter().copied().chain([("form_token", token.as_str())]).collect();
        self.post_bare(path, &fields).await
    }

    /// Sends exactly these fields.
    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = reqwest::Url::parse_with_params("http://form/", fields).unwrap();
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.sent(request.body(body.query().unwrap_or_default().to_owned())).await
    }

    /// A request that a test makes itself, with this browser's cookies.
    pub(crate) async fn sent(&self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = within(request.header(COOKIE, cookies.join("; ")).send()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        let text = within(response.text()).await.unwrap();
        let token = text.split("name=\"form_token\" value=\"").nth(1);
        if let Some(token) = token.and_then(|rest| rest.split('"').next()) {
            token.clone_into(&mut self.form_token.borrow_mut());
        }
        Page { status, headers, text }
    }

    /// A request to a path of the portal.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    /// What the form of the page that was loaded last carries.
    pub(crate) fn form_token(&self) -> String {
        self.form_token.borrow().clone()
    }

    /// The same cookies in another browser, as a thief has them.
    pub(crate) fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.borrow().clone()
    }
}
