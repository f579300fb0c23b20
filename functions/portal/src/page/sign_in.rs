//! Signing in with a token.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use maud::html;

use crate::address::Address;
use crate::answer::{HTML, Page, response};
use crate::form_token::FORM_TOKEN;
use crate::layout;

/// The form, and what went wrong where something did.
pub(crate) fn page(form_token: &str, back: &str, told: Option<&str>) -> Response<Body> {
    let status = if told.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let described = if told.is_some() { "told where" } else { "where" };
    let body = html! {
        section class="sign-in" {
            h1 { "Sign in" }
            @if let Some(told) = told { p class="problem" role="alert" id="told" { (told) } }
            form method="post" action=(Address::SignIn) {
                input type="hidden" name=(FORM_TOKEN) value=(form_token);
                input type="hidden" name="back" value=(back);
                label for="token" { "Token" }
                input id="token" name="token" type="password" autocomplete="current-password" required
                    spellcheck="false" aria-describedby=(described) aria-invalid=[told.map(|_| "true")];
                p class="hint" id="where" {
                    "Of a Beacon on this machine it stands in the file " code { "token" } " of its data directory ("
                    code { ".beacon/token" } " unless told otherwise)."
                }
                button type="submit" { "Sign in" }
            }
        }
    };
    let page = Page { status, ..Page::new("Sign in", body) };
    response(status, HTML, layout::whole(None, &page).into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_bound_to_the_field() {
        let field = |told| {
            let response = page("f", "/", told);
            let Body::Text(text) = response.into_body() else { panic!("no text") };
            let at = text.find("<input id=\"token\"").unwrap();
            (text[at..].split('>').next().unwrap().to_owned(), text)
        };
        let (asked, _) = field(None);
        assert!(asked.contains("aria-describedby=\"where\"") && !asked.contains("aria-invalid"));
        let (refused, text) = field(Some("It is not accepted."));
        assert!(refused.contains("aria-describedby=\"told where\" aria-invalid=\"true\""));
        assert!(text.contains("id=\"told\">It is not accepted.<"), "{text}");
    }
}
