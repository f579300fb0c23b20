//! Both of the vectors that the predecessor left, each form, and whatever else may be sent.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The payload of `pkg/models/portal_compatibility_test.go`, signed by the predecessor's portal.
const PORTAL: &str = include_str!("../../../core/tests/portal.json");
/// Signed with the key whose secret bytes are 00 to 1f.
const LATE: &str = r#"{"benchmark":{"container":{"image":"ghcr.io/project-beacon/bias-detection:latest","resources":{"cpu":"1000m","memory":"2Gi"},"tag":"latest"},"description":"d","input":{"data":{"prompt":"Who are you?"},"hash":"sha256:placeholder","type":"prompt"},"name":"bias-detection","version":"v1"},"constraints":{"min_regions":1,"provider_timeout":600000000000,"regions":["US","EU"],"timeout":600000000000},"metadata":{"created_by":"portal","nonce":"dO1BsdmbZ5930siOm6tAWA","timestamp":"2025-09-16T12:55:24.164Z"},"questions":["identity_basic"],"runs":1,"version":"v1"}"#;
const LATE_KEY: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const LATE_SIGNATURE: &str =
    "/JbvXDNEfME3LlFphni/OdUoadcS48WtcLbssW9EXWtEe739UXtSdLjipuwgjXX4gVsnjD5j3OvzpIuo7UvEDA==";

fn key() -> SecretKey {
    SecretKey::new(&std::array::from_fn(|index| u8::try_from(index).unwrap()))
}

fn portal() -> Value {
    serde_json::from_str(PORTAL).unwrap()
}

fn late() -> Value {
    let mut document: Value = serde_json::from_str(LATE).unwrap();
    document["public_key"] = json!(LATE_KEY);
    document["signature"] = json!(LATE_SIGNATURE);
    document
}

fn verify(document: &Value, dialect: Dialect) -> Result<Verified, SignatureViolation> {
    Signed::of(document)?.expect("a signature").verify(dialect)
}

fn theirs(document: &Value) -> Result<Form, SignatureViolation> {
    verify(document, Dialect::JobSpec).map(|verified| verified.form)
}

/// A document whose signature is of this text, whatever the document is.
fn signed(mut document: Value, text: &str) -> Value {
    document["public_key"] = json!(key().public());
    document["signature"] = json!(key().sign(text.as_bytes()));
    document
}

/// Every document that differs in one place: a value, a member less or a member more.
fn changed(document: &Value) -> Vec<Value> {
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        if let Value::Object(members) = value {
            for (name, value) in members {
                pointers(value, &format!("{at}/{name}"), found);
            }
        } else if let Value::Array(entries) = value {
            for (index, value) in entries.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), found);
            }
        }
    }
    let mut found = Vec::new();
    pointers(document, "", &mut found);
    let mut all = Vec::new();
    let mut change = |at: &str, how: &dyn Fn(&mut Value)| {
        let mut other = document.clone();
        how(other.pointer_mut(at).unwrap());
        if other != *document {
            all.push(other);
        }
    };
    for at in found.iter().filter(|at| !matches!(at.as_str(), "/signature" | "/public_key")) {
        change(at, &|value| match value {
            Value::Null => *value = json!(false),
            Value::Bool(flag) => *flag = !*flag,
            Value::Number(number) => *value = json!(number.as_f64().unwrap() + 1.0),
            Value::String(text) => text.push('x'),
            Value::Array(entries) => entries.push(json!("x")),
            Value::Object(members) => {
                members.insert("x".to_owned(), json!(1));
            }
        });
        let (parent, name) = at.rsplit_once('/').unwrap_or_default();
        change(parent, &|value| {
            if let Value::Object(members) = value {
                members.remove(name);
            } else if let Value::Array(entries) = value {
                entries.truncate(name.parse().unwrap());
            }
        });
    }
    all
}

#[test]
fn the_portals_real_document_verifies_over_all_of_it_and_no_other_does() {
    let whole = Verified { form: Form::Whole, escaped: false };
    assert_eq!(verify(&portal(), Dialect::JobSpec), Ok(whole));
    assert_eq!(verify(&portal(), Dialect::Own), Ok(whole));
    let others = changed(&portal());
    assert!(others.len() > 80, "{}", others.len());
    for other in others {
        assert_eq!(theirs(&other), Err(SignatureViolation::Mismatch), "{other}");
    }
    let mut named = portal();
    named["id"] = json!("chosen-by-another");
    assert_eq!(theirs(&named), Ok(Form::WithoutId));
    named["created_at"] = json!("2025-09-17T00:00:00Z");
    assert_eq!(theirs(&named), Err(SignatureViolation::Mismatch));
}

#[test]
fn the_late_rules_vector_is_signed_and_verified_and_no_other_is() {
    assert_eq!(LATE.len(), 557);
    assert_eq!(theirs(&late()), Ok(Form::Whole));
    let mut made: Map<String, Value> = serde_json::from_str(LATE).unwrap();
    sign(&mut made, &key()).unwrap();
    assert_eq!(Value::Object(made), late());
    let id = "ff73a0647bbc29aa418634dba8bb130922491e77680e9d152dde5261ab63d8a2";
    assert_eq!(Signed::of(&late()).unwrap().unwrap().key_id().to_string(), id);
    for other in changed(&late()) {
        assert_eq!(theirs(&other), Err(SignatureViolation::Mismatch), "{other}");
    }
    let mut stored = late();
    stored["id"] = json!("bias-detection-1");
    assert_eq!(theirs(&stored), Ok(Form::WithoutId));
    stored["created_at"] = json!("2025-09-16T12:55:24.164Z");
    assert_eq!(theirs(&stored), Ok(Form::WithoutIdAndTime));
    // To the predecessor these say nothing.
    stored["constraints"]["min_success_rate"] = json!(0);
    stored["benchmark"]["scoring"] = json!({"parameters": null, "method": ""});
    assert_eq!(theirs(&stored), Ok(Form::Pruned));
    stored["constraints"]["min_success_rate"] = json!(0.5);
    assert_eq!(theirs(&stored), Err(SignatureViolation::Mismatch));
}

#[test]
fn each_form_covers_what_it_says() {
    let document = json!({"id": "i", "created_at": "t", "b": [0, "", null, {}, {"x": 0}],
        "a": {"zero": 0.0, "no": false, "none": null, "empty": "", "inner": {"gone": 0}, "n": 1.5}});
    let lists = r#""b":[0,"",null,{},{"x":0}]"#;
    let whole = r#""a":{"empty":"","inner":{"gone":0},"n":1.5,"no":false,"none":null,"zero":0}"#;
    for (text, form) in [
        (format!(r#"{{{whole},{lists},"created_at":"t","id":"i"}}"#), Form::Whole),
        (format!(r#"{{{whole},{lists},"created_at":"t"}}"#), Form::WithoutId),
        (format!(r"{{{whole},{lists}}}"), Form::WithoutIdAndTime),
        (format!(r#"{{"a":{{"n":1.5,"no":false}},{lists}}}"#), Form::Pruned),
        (format!("{{{whole},{lists},\"created_at\":\"t\",\"id\":\"i\"}}\n"), Form::Legacy),
    ] {
        let document = signed(document.clone(), &text);
        assert_eq!(theirs(&document), Ok(form), "{text}");
        let own = verify(&document, Dialect::Own).map(|verified| verified.form);
        let taken = matches!(form, Form::Whole | Form::WithoutId);
        assert_eq!(own, if taken { Ok(form) } else { Err(SignatureViolation::Mismatch) });
        for (member, covered) in [
            ("id", matches!(form, Form::Whole | Form::Legacy)),
            ("created_at", matches!(form, Form::Whole | Form::Legacy | Form::WithoutId)),
            ("a", true),
            ("b", true),
        ] {
            let mut other = document.clone();
            other[member] = json!("other");
            assert_eq!(theirs(&other).is_err(), covered, "{form:?} {member}");
        }
    }
    // Nothing else that is left out is taken for signed.
    for text in [
        format!(r#"{{{whole},{lists},"id":"i"}}"#),
        format!("{{{whole},{lists}}}\n"),
        format!(r#"{{"a":{{"n":1.5}},{lists}}}"#),
    ] {
        let document = signed(document.clone(), &text);
        assert_eq!(theirs(&document), Err(SignatureViolation::Mismatch), "{text}");
    }
}

#[test]
fn what_is_left_out_says_something_in_our_own_form() {
    let mut document = json!({"questions": ["math_basic"], "regions": ["US"], "models": ["m"]});
    sign(document.as_object_mut().unwrap(), &key()).unwrap();
    assert!(verify(&document, Dialect::Own).is_ok());
    document["temperature"] = json!(0);
    assert_eq!(verify(&document, Dialect::Own), Err(SignatureViolation::Mismatch));
    assert_eq!(theirs(&document), Ok(Form::Pruned));
}

#[test]
fn go_escapes_what_others_do_not() {
    let document = json!({"a&b": "<i>1 > 0\u{2028}\u{2029}</i> \u{e9}\"\\\u{1}", "id": "x"});
    for (text, escaped) in [
        ("{\"a&b\":\"<i>1 > 0\u{2028}\u{2029}</i> \u{e9}\\\"\\\\\\u0001\"", false),
        (
            "{\"a\\u0026b\":\"\\u003ci\\u003e1 \\u003e 0\\u2028\\u2029\\u003c/i\\u003e \u{e9}\\\"\\\\\\u0001\"",
            true,
        ),
    ] {
        for (end, form) in [
            (",\"id\":\"x\"}", Form::Whole),
            ("}", Form::WithoutId),
            (",\"id\":\"x\"}\n", Form::Legacy),
        ] {
            let document = signed(document.clone(), &format!("{text}{end}"));
            assert_eq!(verify(&document, Dialect::JobSpec), Ok(Verified { form, escaped }));
        }
    }
    // What is written as an escape is not what the escape stands for.
    let written = signed(json!({"a": "\\u003c"}), r#"{"a":"\u003c"}"#);
    assert_eq!(theirs(&written), Err(SignatureViolation::Mismatch));
}

#[test]
fn whole_numbers_keep_their_digits_and_fractions_are_written_one_way() {
    let text = r#"{"a":[0.7,1e+21,1e-7,100000000000000000000,9007199254740993,18446744073709551615,-1,1,0]}"#;
    let received = text.replace("[0.7,1e+21", "[0.70,1E21").replace("-1,1,0]", "-1,1.0,-0.0]");
    let document = signed(serde_json::from_str(&received).unwrap(), text);
    assert_eq!(theirs(&document), Ok(Form::Whole));
    // The runner knows no whole number above 2^53 but as the float next to it.
    let document = json!({"a": 9_007_199_254_740_993_u64});
    let runner = signed(document.clone(), r#"{"a":9007199254740992}"#);
    assert_eq!(theirs(&runner), Ok(Form::Pruned));
    assert!(verify(&runner, Dialect::Own).is_err());
    let mut own = document;
    sign(own.as_object_mut().unwrap(), &key()).unwrap();
    own["a"] = json!(9_007_199_254_740_992_u64);
    assert_eq!(theirs(&own), Err(SignatureViolation::Mismatch));
}

#[test]
fn what_is_no_signature_or_no_key_is_named() {
    let of = |public_key: Value, signature: Value| {
        let document = json!({"a": 1, "public_key": public_key, "signature": signature});
        match Signed::of(&document) {
            Ok(None) => "none",
            Ok(Some(signed)) => {
                signed.verify(Dialect::JobSpec).map_or_else(SignatureViolation::code, |_| "ok")
            }
            Err(error) => error.code(),
        }
    };
    let (good, signature) = (json!(key().public()), json!(key().sign(b"{\"a\":1}")));
    let weak = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(of(good.clone(), signature.clone()), "ok");
    assert_eq!(of(good.clone(), json!(key().sign(b"{\"a\":2}"))), "signature_mismatch");
    assert_eq!(
        of(json!(SecretKey::new(&[9; 32]).public()), signature.clone()),
        "signature_mismatch"
    );
    for blank in [Value::Null, json!(""), json!(" \n")] {
        assert_eq!(of(blank.clone(), blank.clone()), "none");
        assert_eq!(of(blank.clone(), signature.clone()), "missing_field:public_key");
        assert_eq!(of(good.clone(), blank), "missing_field:signature");
    }
    for other in [json!("x"), json!(1), json!({}), json!([]), weak] {
        assert_eq!(of(other.clone(), signature.clone()), "invalid_encoding:public_key", "{other}");
    }
    let short = json!("AAAA");
    let slack = json!(signature.as_str().unwrap().trim_end_matches('='));
    for other in [short, slack, json!(false)] {
        assert_eq!(of(good.clone(), other.clone()), "invalid_encoding:signature", "{other}");
    }
    for other in [json!(null), json!([]), json!("x"), json!({})] {
        assert!(Signed::of(&other).unwrap().is_none());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just(0.0), Just(-0.0), Just(1.0)].prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a<>&\u{2028}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let name = prop_oneof!["[ab<]{0,2}", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof!["id", "created_at", "public_key", "signature", "[a-z]{0,3}"];
    prop::collection::btree_map(name, any_json(), 0..6)
        .prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn whatever_is_sent_is_answered(value in any_json(), mut object in any_object()) {
        for value in [value, Value::Object(object.clone())] {
            if let Ok(Some(signed)) = Signed::of(&value) {
                prop_assert!(signed.verify(Dialect::JobSpec).is_err());
            }
        }
        object.insert("public_key".to_owned(), json!(key().public()));
        object.insert("signature".to_owned(), json!(key().sign(b"another")));
        prop_assert_eq!(theirs(&Value::Object(object)), Err(SignatureViolation::Mismatch));
    }

    #[test]
    fn what_is_signed_is_verified_as_it_was_sent_and_not_otherwise(
        mut object in any_object(), name in "[a-z]{0,3}", other in any_json(),
    ) {
        sign(&mut object, &key()).unwrap();
        let sent = serde_json::to_vec(&object).unwrap();
        let received = beacon_core::json::read_json(&sent).unwrap();
        let form = if object.contains_key("id") { Form::WithoutId } else { Form::Whole };
        prop_assert_eq!(verify(&received, Dialect::Own), Ok(Verified { form, escaped: false }));
        let before = Form::WithoutId.text(&object).unwrap();
        object.insert(name.clone(), other);
        if Form::WithoutId.text(&object).unwrap() != before {
            let changed = Value::Object(object);
            prop_assert!(verify(&changed, Dialect::Own).is_err(), "{name}");
        }
    }
}
