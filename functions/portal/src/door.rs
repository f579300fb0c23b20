//! The portal's door: sessions, signing in, and what a form must carry.
//!
//! A session begins with a token or with the one-time code of the address that a start prints. Its cookie holds
//! a random id, the table the id's hash. A form carries a text that is made from the id, which a page of another
//! site can neither read nor make.

use std::sync::PoisonError;

use beacon_aws::{ApiError, Caller, Session, SessionId, TokenMark, chain, source};
use beacon_core::access::Taken;
use beacon_core::prompt::hex;
use jiff::SignedDuration;
use lambda_http::http::header::{COOKIE, HOST, RETRY_AFTER, SET_COOKIE};
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode};
use lambda_http::{Body, Request, Response};
use subtle::ConstantTimeEq;

use crate::Portal;
use crate::address::{Address, Method, NoAddress};
use crate::answer::{Answer, redirect};
use crate::form;
use crate::form_token::FormToken;
use crate::input::Input;
use crate::layout::respond;
use crate::page::{error, not_read, sign_in};
use crate::visit::Visit;

/// How long a session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Fields behind an address.
const MAX_PARAMETERS: usize = 2000;
/// Characters of an address to go back to.
const MAX_BACK: usize = 2000;

/// A code that opens a session once.
#[derive(Clone)]
pub struct OneTime {
    code: String,
    token: TokenMark,
}

impl std::fmt::Debug for OneTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTime(…)")
    }
}

impl OneTime {
    /// One that nobody can guess: 128 bits. Who has it comes in as whoever has this token.
    pub fn fresh(token: TokenMark) -> Self {
        Self { code: hex(&rand::random::<[u8; 16]>()), token }
    }

    /// The path, with what stands behind it, that signs in.
    pub fn path(&self) -> String {
        format!("{}?once={}", Address::SignIn, self.code)
    }
}

/// What becomes of a request at the door.
pub(crate) enum Let {
    /// A file that anybody may have, and what stands behind its address.
    Asset(String, Input),
    /// It is answered here.
    Answered(Response<Body>),
    /// It goes on.
    In(Box<Visit>),
}

impl Portal {
    pub(crate) async fn let_in(&self, request: &Request) -> Let {
        let read = Address::read(request.method().as_str(), request.uri().path());
        let (address, method) = match read {
            Ok(read) => read,
            Err(NoAddress::NotFound) => {
                return Let::Answered(error::bare(
                    StatusCode::NOT_FOUND,
                    "There is nothing at this address.",
                ));
            }
            Err(NoAddress::MethodNotAllowed { allow }) => {
                return Let::Answered(error::method(allow));
            }
        };
        if let Address::Asset(name) = address {
            return Let::Asset(name, Input::read(request.uri().query().unwrap_or_default()));
        }
        let query = request.uri().query().unwrap_or_default();
        if query.split('&').nth(MAX_PARAMETERS).is_some() {
            let told = format!("The address holds more than {MAX_PARAMETERS} fields.");
            return Let::Answered(error::bare(StatusCode::BAD_REQUEST, &told));
        }
        let place = Place::of(request.headers());
        let session = match self.known(&place, request.headers()).await {
            Ok(session) => session,
            Err(error) => return Let::Answered(error::of_api(error)),
        };
        let key =
            session.as_ref().map_or_else(|| source(request), |(_, caller)| caller.name.clone());
        let taken = self.take(key);
        if !taken.allowed {
            return Let::Answered(too_many(taken));
        }
        if method == Method::Change && is_of_another_site(request.headers()) {
            let told = "This form was sent by a page of another site. Nothing was changed.";
            return Let::Answered(error::bare(StatusCode::FORBIDDEN, told));
        }
        if address == Address::SignIn {
            return Let::Answered(self.sign_in(request, method, &place, session.is_some()).await);
        }
        let Some((id, caller)) = session else {
            return Let::Answered(sign_in_first(request, &address, method));
        };
        self.visit(request, address, method, &place, id, caller)
    }

    /// The session of the cookie, with what its token allows now.
    async fn known(
        &self,
        place: &Place,
        headers: &HeaderMap,
    ) -> Result<Option<(SessionId, Caller)>, ApiError> {
        let Some(id) = cookie(headers, &place.session()).and_then(SessionId::read) else {
            return Ok(None);
        };
        let session = self.query.table.session(&id, self.clock.now()).await?;
        Ok(session.and_then(|session| Some((id, self.tokens.marked(&session.token)?))))
    }

    fn visit(
        &self,
        request: &Request,
        address: Address,
        method: Method,
        place: &Place,
        session: SessionId,
        caller: Caller,
    ) -> Let {
        if let Some(needs) = address.needs().filter(|needs| caller.role < *needs) {
            let refusal = ApiError::Forbidden { has: caller.role, needs };
            return Let::Answered(error::of_api(refusal));
        }
        let form_token = FormToken::of(session.as_str());
        let form = form::read(request, method);
        let refusal = form.as_ref().err().copied();
        if let Some(refusal) = refusal.filter(|_| address != Address::New) {
            return Let::Answered(error::bare(refusal.status(), &refusal.to_string()));
        }
        let form = form.unwrap_or_default();
        if refusal.is_none() && method == Method::Change && !form_token.is_of(&form) {
            let told = "This form is of another session. Nothing was changed; go back, load the page anew, \
                        and send it again.";
            return Let::Answered(error::bare(StatusCode::FORBIDDEN, told));
        }
        let parameters = Input::read(request.uri().query().unwrap_or_default());
        let is_part = request.headers().contains_key("hx-request");
        let visit = Visit {
            address,
            method,
            caller,
            takes_changes: self.intake.is_some(),
            form_token: form_token.masked(),
            parameters,
            form,
            session,
            cookie: place.session(),
            secure: place.secure,
            is_part,
            now: self.clock.now(),
        };
        match refusal {
            Some(refusal) => Let::Answered(respond(&visit, Answer::Page(not_read(refusal)))),
            None => Let::In(Box::new(visit)),
        }
    }

    fn take(&self, key: String) -> Taken {
        let now = self.clock.now();
        self.allowances.lock().unwrap_or_else(PoisonError::into_inner).take(key, now)
    }

    async fn sign_in(
        &self,
        request: &Request,
        method: Method,
        place: &Place,
        is_known: bool,
    ) -> Response<Body> {
        let parameters = Input::read(request.uri().query().unwrap_or_default());
        match method {
            // Whoever asks what a page would be has not opened it.
            Method::Show => match parameters.text("once").filter(|_| request.method() == "GET") {
                Some(once) => self.sign_in_once(once, place, is_known).await,
                None if is_known => redirect("/"),
                None => sign_in_page(place, request.headers(), back(parameters.text("back")), None),
            },
            Method::Change => self.sign_in_with_token(request, place).await,
        }
    }

    async fn sign_in_once(&self, once: &str, place: &Place, is_known: bool) -> Response<Body> {
        let taken = {
            let mut kept = self.one_time.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = kept.as_ref().is_some_and(|code| same(&code.code, once));
            if fits { kept.take() } else { None }
        };
        match taken {
            Some(code) => {
                let response = self.begin(code.token.clone(), place, "/").await;
                if response.status().is_server_error() {
                    // Nobody came in by it.
                    *self.one_time.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
                }
                response
            }
            None if is_known => redirect("/"),
            None => {
                let told = "This address has been used, or is of an earlier start. Sign in with a token, or \
                            start Beacon anew for another address.";
                sign_in_page(place, &HeaderMap::new(), "/", Some(told))
            }
        }
    }

    async fn sign_in_with_token(&self, request: &Request, place: &Place) -> Response<Body> {
        let form = match form::sign_in(request) {
            Ok(form) => form,
            Err(refusal) => return error::bare(refusal.status(), &refusal.to_string()),
        };
        let to = back(form.text("back"));
        let sent = cookie(request.headers(), &place.form());
        if !sent.is_some_and(|sent| FormToken::of(sent).is_of(&form)) {
            let told =
                "This browser sent no cookie with the form: signing in needs cookies. Try again.";
            return sign_in_page(place, request.headers(), to, Some(told));
        }
        if let Some(token) = form.text("token").and_then(|token| self.tokens.mark(token)) {
            return self.begin(token, place, to).await;
        }
        tracing::info!(code = "invalid_token", "credential refused");
        let told = "The token is not accepted here.";
        sign_in_page(place, request.headers(), to, Some(told))
    }

    async fn begin(&self, token: TokenMark, place: &Place, to: &str) -> Response<Body> {
        let id = SessionId::fresh();
        let session = Session { token, until: self.clock.now() + SESSION };
        if let Err(error) = self.query.table.begin_session(&id, &session).await {
            return error::of_api(error.into());
        }
        let mut response = redirect(to);
        put_cookie(&mut response, &place.session(), id.as_str(), place.secure, SESSION.as_secs());
        response
    }

    /// Ends the session on both sides.
    pub(crate) async fn sign_out(&self, visit: &Visit) -> Result<Answer, crate::answer::PageError> {
        self.query.table.end_session(&visit.session).await?;
        Ok(Answer::SignedOut)
    }
}

/// Where the portal is asked for, as far as cookies go.
pub(crate) struct Place {
    port: String,
    pub(crate) secure: bool,
}

impl Place {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let secure = text("x-forwarded-proto").is_some_and(|proto| proto.starts_with("https"));
        let host = text(HOST.as_str()).unwrap_or_default();
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        let port = port.chars().filter(char::is_ascii_digit).take(5).collect();
        Self { port, secure }
    }

    /// Cookies are of a host and not of a port: two Beacons on one machine are told apart by it.
    fn session(&self) -> String {
        if self.secure { "__Host-beacon".to_owned() } else { format!("beacon-{}", self.port) }
    }

    /// The cookie that a sign-in's form is held against.
    fn form(&self) -> String {
        format!("{}-form", self.session())
    }
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent
        .flat_map(|value| value.split([';', ',']))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(named, _)| *named == name).map(|(_, value)| value)
}

pub(crate) fn put_cookie(
    response: &mut Response<Body>,
    name: &str,
    value: &str,
    secure: bool,
    seconds: i64,
) {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let cookie = HeaderValue::from_str(&cookie);
    if let Ok(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The form that asks for a token, and the cookie that it is held against.
fn sign_in_page(
    place: &Place,
    headers: &HeaderMap,
    to: &str,
    told: Option<&str>,
) -> Response<Body> {
    let name = place.form();
    let kept = cookie(headers, &name).and_then(SessionId::read);
    let secret = kept.unwrap_or_else(SessionId::fresh);
    let mut response = sign_in::page(&FormToken::of(secret.as_str()).masked(), to, told);
    put_cookie(&mut response, &name, secret.as_str(), place.secure, 3600);
    response
}

/// Only a path of this portal.
fn back(asked: Option<&str>) -> &str {
    let is_path = |to: &&str| {
        let path = to.split('?').next().unwrap_or_default();
        to.len() <= MAX_BACK
            && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && Address::read("GET", path).is_ok()
    };
    asked.filter(is_path).unwrap_or("/")
}

fn sign_in_first(request: &Request, address: &Address, method: Method) -> Response<Body> {
    // A part of a page is not replaced by a form: the whole page goes there.
    if request.headers().contains_key("hx-request") {
        let mut response =
            error::bare(StatusCode::UNAUTHORIZED, "The session is over. Sign in again.");
        let shown = request.headers().get("hx-current-url").and_then(|url| url.to_str().ok());
        let to = back(shown.and_then(|url| Some(path(url.split_once("://")?.1))));
        let sign_in = HeaderValue::from_str(&sign_in_and_back(to));
        let sign_in = sign_in.unwrap_or(HeaderValue::from_static("/sign-in"));
        response.headers_mut().insert("hx-redirect", sign_in);
        return response;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let to = match method {
        Method::Show if *address != Address::Jobs => format!("{}{query}", request.uri().path()),
        Method::Show | Method::Change => return redirect("/sign-in"),
    };
    redirect(&sign_in_and_back(&to))
}

/// The address of the sign-in that leads back there.
fn sign_in_and_back(to: &str) -> String {
    let to = Some(to).filter(|to| *to != "/").map(|to| ("back".to_owned(), to.to_owned()));
    format!("{}{}", Address::SignIn, Input::of(to.into_iter().collect()).query())
}

/// What stands behind the host, without a mark on the page.
fn path(host_and_path: &str) -> &str {
    let path = host_and_path.find('/').and_then(|at| host_and_path.get(at..)).unwrap_or("/");
    path.split('#').next().unwrap_or("/")
}

fn too_many(taken: Taken) -> Response<Body> {
    let refusal = ApiError::RateLimited { limit: taken.limit, retry_seconds: taken.retry_seconds };
    let mut response = error::bare(StatusCode::TOO_MANY_REQUESTS, &chain(&refusal));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(taken.retry_seconds));
    response
}

/// Whether the browser says that a form comes from elsewhere. Older ones only name the origin, and `null` where
/// a page tells nobody where it is, as those of the portal do.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    let from = text("origin").filter(|origin| *origin != "null");
    from.is_some_and(|origin| origin.split_once("://").map(|(_, host)| host) != text(HOST.as_str()))
}
