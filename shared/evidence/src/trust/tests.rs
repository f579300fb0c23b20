//! Which keys are trusted when, and what is wrong with a list.

use serde_json::json;

use super::*;
use crate::key::SecretKey;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn entry(secret: u8) -> Value {
    let key = SecretKey::new(&[secret; 32]).public();
    json!({"kid": key.id(), "public_key": key, "status": "active",
        "not_before": "2026-01-01T00:00:00Z", "not_after": "2026-12-31T23:59:59Z"})
}

fn read(list: &Value) -> Result<TrustList, TrustListError> {
    TrustList::read(list.to_string().as_bytes())
}

#[test]
fn a_key_is_trusted_within_its_time_unless_it_is_revoked() {
    let text = |secret: u8| SecretKey::new(&[secret; 32]).public().to_string();
    let (mut revoked, mut endless) = (entry(2), entry(3));
    revoked["status"] = json!("revoked");
    endless["not_before"] = Value::Null;
    endless.as_object_mut().unwrap().remove("not_after");
    let list = read(&json!([entry(1), revoked, endless])).unwrap();
    assert_eq!(list.count(), 3);
    let day = "2026-06-01T00:00:00Z";
    for (key, now, expected, message) in [
        (1, day, Ok(()), ""),
        (1, "2026-01-01T00:00:00Z", Ok(()), ""),
        (1, "2026-12-31T23:59:59Z", Ok(()), ""),
        (3, "1999-01-01T00:00:00Z", Ok(()), ""),
        (3, "2099-01-01T00:00:00Z", Ok(()), ""),
        (1, "2025-12-31T23:59:59.999Z", Err("not_yet_valid"), "before not_before"),
        (1, "2026-12-31T23:59:59.001Z", Err("expired"), "after not_after"),
        (2, day, Err("revoked"), "explicitly revoked"),
        (2, "2025-01-01T00:00:00Z", Err("revoked"), "explicitly revoked"),
        (4, day, Err("unknown"), "no match in allowlist"),
    ] {
        let trusted = list.trust(&text(key), at(now));
        let told = trusted.map_err(|error| (error.code(), error.to_string()));
        let expected = expected.map_err(|code| format!("trust_violation:{code}"));
        assert_eq!(
            told.as_ref().map_err(|(code, _)| (*code).to_owned()),
            expected.as_ref().map_err(Clone::clone)
        );
        if let Err((_, told)) = told {
            assert_eq!(told, format!("untrusted signing key: {message}"));
        }
    }
    assert_eq!(list.trust("", at(day)), Err(TrustViolation::Unknown));
    assert_eq!(list.trust("no key", at(day)), Err(TrustViolation::Unknown));
}

#[test]
fn what_is_wrong_with_a_list_is_named_with_its_entry_and_field() {
    let set = |field: &str, value: Value| {
        let mut wrong = entry(2);
        wrong[field] = value;
        json!([entry(1), wrong])
    };
    let without = |field: &str| {
        let mut wrong = entry(2);
        wrong.as_object_mut().unwrap().remove(field);
        json!([entry(1), wrong])
    };
    for (list, field, problem) in [
        (set("public_key", json!("AAAA")), "public_key", FieldProblem::NoKey),
        (set("public_key", json!(7)), "public_key", FieldProblem::NotText),
        (without("public_key"), "public_key", FieldProblem::Missing),
        (without("kid"), "kid", FieldProblem::Missing),
        (set("kid", entry(1)["kid"].clone()), "kid", FieldProblem::OtherKey),
        (set("kid", json!("x")), "kid", FieldProblem::OtherKey),
        (without("status"), "status", FieldProblem::Missing),
        (set("status", json!("Active")), "status", FieldProblem::NoStatus),
        (set("not_before", json!("today")), "not_before", FieldProblem::NoTime),
        (set("not_before", json!("")), "not_before", FieldProblem::NoTime),
        (
            set("not_after", json!("2025-01-01T00:00:00Z")),
            "not_after",
            FieldProblem::EndsBeforeItBegins,
        ),
        (json!([entry(1), entry(1)]), "public_key", FieldProblem::Twice),
    ] {
        let error = read(&list).unwrap_err();
        assert_eq!(error, TrustListError::Field { entry: 1, field, problem }, "{list}");
        assert!(error.to_string().starts_with(&format!("entry [1]: `{field}` ")), "{error}");
    }
    let mut more = entry(1);
    more["note"] = json!("x");
    assert_eq!(read(&json!([more])), Err(TrustListError::UnknownField { entry: 0 }));
    assert_eq!(read(&json!([1])), Err(TrustListError::NotAnObject { entry: 0 }));
    for other in [json!([]), json!({}), json!("x"), Value::Null] {
        assert_eq!(read(&other), Err(TrustListError::NotKeys), "{other}");
    }
    assert!(matches!(TrustList::read(b"[{\"kid\":1,\"kid\":2}]"), Err(TrustListError::Json(_))));
}

#[test]
fn a_list_is_bounded() {
    let many: Vec<Value> = vec![Value::Null; MOST_KEYS + 1];
    assert_eq!(read(&many.into()), Err(TrustListError::NotKeys));
    assert_eq!(TrustList::read(&vec![b' '; MOST_BYTES + 1]), Err(TrustListError::TooLarge));
}
