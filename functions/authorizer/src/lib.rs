//! A request's `Authorization` in → who asks and what they may, for the functions behind the API.

use std::collections::BTreeMap;

use beacon_aws::{Caller, Presented, Tokens};
use serde::{Deserialize, Serialize};

/// The request of an HTTP API's authorizer, payload version 2.0; of it only what is looked at.
#[derive(Debug, Deserialize)]
pub struct AuthorizerEvent {
    /// The request's headers, their names in lower case, repeated ones joined with commas.
    headers: Option<BTreeMap<String, String>>,
}

/// A simple response of an HTTP API's authorizer.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    is_authorized: bool,
    /// What the functions behind the API are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Caller>,
}

/// What the authorizer works on.
#[derive(Debug)]
pub struct Authorizer {
    /// The tokens that are accepted.
    pub tokens: Tokens,
}

impl Authorizer {
    /// Whether a request may go on, and as whom. Which role its route takes is the functions'
    /// affair: an answer here is remembered for other routes too. The gateway itself refuses a
    /// request without the header, and does not ask.
    pub fn handle(&self, event: &AuthorizerEvent) -> Authorization {
        let header = event.headers.as_ref().and_then(|headers| headers.get("authorization"));
        let code = match self.tokens.shown(header.map(String::as_str)) {
            Presented::Known(caller) => {
                return Authorization { is_authorized: true, context: Some(caller) };
            }
            Presented::Nobody | Presented::WithoutRole => "unauthorized",
            Presented::Unreadable => "invalid_auth_format",
            Presented::Unknown => "invalid_token",
        };
        tracing::info!(code, "credential refused");
        Authorization { is_authorized: false, context: None }
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::access::Role;
    use serde_json::{Value, json};

    use super::*;

    fn answer(authorization: &Value) -> Value {
        let event = include_str!("../../../tests/fixtures/authorizer.json");
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["headers"]["authorization"] = authorization.clone();
        let mut tokens = Tokens::default();
        tokens.add(Role::Admin, "admin-token-01234").unwrap();
        tokens.add(Role::Reader, "reader-token-0123").unwrap();
        let event: AuthorizerEvent = serde_json::from_value(event).unwrap();
        serde_json::to_value(Authorizer { tokens }.handle(&event)).unwrap()
    }

    #[test]
    fn a_known_token_is_let_on_with_its_role() {
        for (authorization, role, caller) in [
            ("Bearer admin-token-01234", "admin", "79e8ef37"),
            ("bearer reader-token-0123", "reader", "a1f71427"),
            // beacon:reader-token-0123
            ("Basic YmVhY29uOnJlYWRlci10b2tlbi0wMTIz", "reader", "a1f71427"),
        ] {
            let context = json!({"role": role, "caller": caller});
            let expected = json!({"isAuthorized": true, "context": context});
            assert_eq!(answer(&json!(authorization)), expected, "{authorization}");
        }
    }

    #[test]
    fn any_other_is_not_and_nothing_is_told() {
        for authorization in ["Bearer token-of-a-stranger", "Bearer ", "admin-token-01234", ""] {
            let told = answer(&json!(authorization));
            assert_eq!(told, json!({"isAuthorized": false}), "{authorization}");
        }
    }

    #[test]
    fn without_the_header_nobody_asks() {
        for event in [json!({}), json!({"headers": null}), json!({"headers": {"cookie": "a"}})] {
            let event: AuthorizerEvent = serde_json::from_value(event).unwrap();
            let refused = Authorization { is_authorized: false, context: None };
            assert_eq!(Authorizer { tokens: Tokens::default() }.handle(&event), refused);
        }
    }
}
