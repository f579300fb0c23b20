//! Who asks, as the API's authorizer told it: the request was not let through without.

use beacon_core::access::Role;
use beacon_core::prompt::hex;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::tokens::{Caller, Presented};

/// The claims that hold an access token's scopes.
const SCOPES: [&str; 2] = ["scope", "scp"];

/// Who asks, from the request's context, which only API Gateway writes: its headers say nothing
/// here. A context that cannot be read is nobody's.
pub(super) fn presented(request: &Request) -> Presented {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Presented::Nobody;
    };
    let Some(authorizer) = &context.authorizer else { return Presented::Nobody };
    if let Some(jwt) = &authorizer.jwt {
        return of_claims(&|claim| jwt.claims.get(claim).map(String::as_str));
    }
    let fields = Value::Object(authorizer.fields.clone().into_iter().collect());
    match serde_json::from_value::<Caller>(fields) {
        Ok(caller) => Presented::Known(caller),
        Err(error) => {
            tracing::warn!(%error, "the authorizer's context cannot be read");
            Presented::Nobody
        }
    }
}

/// The role is in the scopes, and a name that tells callers apart in the subject or the client. API
/// Gateway writes a claim that is a list as `[one two]`.
fn of_claims<'a>(claim: &dyn Fn(&str) -> Option<&'a str>) -> Presented {
    let texts = SCOPES.into_iter().filter_map(claim);
    let scopes = texts.flat_map(|text| {
        let text = text.trim();
        let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        list.unwrap_or(text).split([' ', ',']).filter(|scope| !scope.is_empty())
    });
    let Some(role) = Role::of_scopes(scopes) else { return Presented::WithoutRole };
    let subject = claim("sub").or_else(|| claim("client_id")).unwrap_or_default();
    let issuer = claim("iss").unwrap_or_default();
    let hash = Sha256::digest(format!("{issuer} {subject}"));
    Presented::Known(Caller { name: hex(&hash[..4]), role })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const QUERY: &str = include_str!("../../../../tests/fixtures/query.json");
    const QUERY_JWT: &str = include_str!("../../../../tests/fixtures/query-jwt.json");

    fn known(name: &str, role: Role) -> Presented {
        Presented::Known(Caller { name: name.to_owned(), role })
    }

    fn event(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn of(event: &Value) -> Presented {
        presented(&lambda_http::request::from_str(&event.to_string()).unwrap())
    }

    #[test]
    fn the_authorizers_context_tells_role_and_caller() {
        assert_eq!(of(&event(QUERY)), known("79e8ef37", Role::Admin));
        let mut reader = event(QUERY);
        reader["requestContext"]["authorizer"]["lambda"]["role"] = json!("reader");
        assert_eq!(of(&reader), known("79e8ef37", Role::Reader));
    }

    #[test]
    fn without_a_context_that_can_be_read_it_is_nobody() {
        let context = json!({"role": "admin", "caller": "79e8ef37"});
        for authorizer in [
            json!(null),
            json!({}),
            json!({"lambda": null}),
            json!({"lambda": {}}),
            json!({"lambda": {"role": "admin"}}),
            json!({"lambda": {"role": "root", "caller": "79e8ef37"}}),
            json!({"lambda": {"role": 1, "caller": "79e8ef37"}}),
            json!({"iam": {"userId": "admin"}}),
        ] {
            let mut event = event(QUERY);
            event["requestContext"]["authorizer"] = authorizer.clone();
            // What a client may write itself counts for nothing.
            event["headers"]["lambda"] = json!(context.to_string());
            event["body"] = json!(context.to_string());
            assert_eq!(of(&event), Presented::Nobody, "{authorizer}");
        }
        let mut bare = event(QUERY);
        bare["requestContext"].as_object_mut().unwrap().remove("authorizer");
        assert_eq!(of(&bare), Presented::Nobody);
    }

    #[test]
    fn of_a_jwt_the_highest_scope_of_beacon_counts() {
        // The hash is that of issuer, a blank and subject.
        assert_eq!(of(&event(QUERY_JWT)), known("b6bba5f0", Role::Submitter));
        for (claim, scopes, role) in [
            ("scope", "beacon/reader", Some(Role::Reader)),
            ("scp", "[beacon/admin openid]", Some(Role::Admin)),
            ("scp", "[beacon/admin,openid]", Some(Role::Admin)),
            ("scope", "openid", None),
            ("scope", "", None),
            ("groups", "beacon/admin", None),
        ] {
            let mut event = event(QUERY_JWT);
            let claims = &mut event["requestContext"]["authorizer"]["jwt"]["claims"];
            claims["scope"] = json!("");
            claims[claim] = json!(scopes);
            let expected = role.map_or(Presented::WithoutRole, |role| known("b6bba5f0", role));
            assert_eq!(of(&event), expected, "{claim} {scopes}");
        }
        // A machine has no subject but its client.
        let mut machine = event(QUERY_JWT);
        let claims = &mut machine["requestContext"]["authorizer"]["jwt"]["claims"];
        let client = claims["client_id"].take();
        let claims = claims.as_object_mut().unwrap();
        claims.remove("client_id");
        claims.remove("sub");
        let nameless = of(&machine);
        machine["requestContext"]["authorizer"]["jwt"]["claims"]["client_id"] = client;
        assert_ne!(of(&machine), nameless);
    }
}
