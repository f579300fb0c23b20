//! What may be named, and what a secret may hold.

use super::*;

fn ids(list: &str) -> Vec<SecretId> {
    SecretId::list(list).unwrap()
}

/// The variables of secrets `first`, `second` and so on with these texts.
fn secrets(texts: &[&str], set: &[&str]) -> Result<Secrets, SecretsError> {
    let mut secrets = Secrets::default();
    for (id, text) in ids("first,second,third").iter().zip(texts) {
        secrets.add(id, text, &|variable| set.contains(&variable))?;
    }
    Ok(secrets)
}

fn refused(texts: &[&str], set: &[&str]) -> String {
    let error = secrets(texts, set).unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains("hush"), "{told}");
    assert!(error.to_string().contains("`BEACON_SECRETS`"), "{error}");
    error.to_string()
}

#[test]
fn names_and_arns_are_listed_with_commas() {
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:beacon/tokens-AbCdEf";
    let ids = ids(&format!(" beacon/tokens , {arn}"));
    let names: Vec<&str> = ids.iter().map(SecretId::as_str).collect();
    assert_eq!(names, ["beacon/tokens", arn]);
}

#[test]
fn a_list_that_cannot_be_used_is_refused() {
    let list = |text: &str| SecretId::list(text).unwrap_err();
    for text in ["a,,b", "a,", ",", "a b", "a;b", "{\"A\": \"b\"}", &"a".repeat(2049)] {
        assert_eq!(list(text), ListProblem::NoName, "{text}");
    }
    assert_eq!(list("a,b,a"), ListProblem::Twice("a".to_owned()));
    assert_eq!(SecretId::list("a,b,c,d,e,f,g,h").unwrap().len(), 8);
    assert_eq!(list("a,b,c,d,e,f,g,h,i"), ListProblem::TooMany);
}

#[test]
fn a_secrets_entries_are_variables_and_say_where_they_stand() {
    let texts = [
        r#"{"BEACON_ADMIN_TOKENS": "hush-hush-hush-hush", "OPENAI_API_KEY": "hush"}"#,
        r#"{"HYBRID_ROUTER_TOKEN": "hush-again"}"#,
        "{}",
    ];
    let secrets = secrets(&texts, &["BEACON_TABLE"]).unwrap();
    let of = |variable| secrets.get(variable).map(|entry| (&*entry.value, &*entry.secret));
    assert_eq!(of("OPENAI_API_KEY"), Some(("hush", "first")));
    assert_eq!(of("HYBRID_ROUTER_TOKEN"), Some(("hush-again", "second")));
    assert_eq!(of("BEACON_READER_TOKENS"), None);
    let told = format!("{secrets:?}");
    assert!(told.contains("OPENAI_API_KEY") && !told.contains("hush"), "{told}");
}

#[test]
fn what_is_no_object_of_texts_is_refused_by_its_place() {
    for (text, place) in [
        ("hush", "line 1, column 1"),
        ("", "line 1, column 0"),
        (r#"["hush"]"#, "line 1, column 0"),
        ("{\"A\":\n 7}", "line 2, column 2"),
        (r#"{"A": null}"#, "line 1, column 10"),
        (r#"{"A": {"B": "hush"}}"#, "line 1, column 6"),
        (r#"{"A": "hush"} {}"#, "line 1, column 15"),
    ] {
        let told = refused(&["{}", text], &[]);
        assert!(told.contains("`second`") && told.contains(place), "{text}: {told}");
    }
}

#[test]
fn a_secret_is_bounded() {
    let long = format!("{{\"A\": \"{}\"}}", "h".repeat(MAX_BYTES));
    assert!(refused(&[&long], &[]).contains("65536 bytes"));
    let many = |count: usize| {
        let entries: Vec<String> = (0..count).map(|at| format!("\"A{at}\": \"x\"")).collect();
        format!("{{{}}}", entries.join(","))
    };
    assert!(refused(&[&many(101)], &[]).contains("more than 100 variables"));
    assert!(secrets(&[&many(100)], &[]).is_ok());
}

#[test]
fn a_variable_stands_in_one_place() {
    let one = r#"{"BEACON_ADMIN_TOKENS": "hush"}"#;
    let told = refused(&[one], &["BEACON_ADMIN_TOKENS"]);
    assert!(told.contains("`BEACON_ADMIN_TOKENS` in the secret `first`"), "{told}");
    assert!(told.contains("set in the environment too"), "{told}");
    let told = refused(&["{}", one, one], &[]);
    assert!(told.contains("`BEACON_ADMIN_TOKENS` in the secret `third`"), "{told}");
    assert!(told.contains("in the secret `second` too"), "{told}");
    let told = refused(&[r#"{"KEY": "hush", "KEY": "hush"}"#], &[]);
    assert!(told.contains("`KEY` in the secret `first`"), "{told}");
}

#[test]
fn only_secrets_that_something_reads_may_stand_in_one() {
    for (variable, problem) in [
        ("BEACON_TABLE", VariableProblem::Open),
        ("HYBRID_BASE", VariableProblem::Open),
        ("BEACON_SECRETS", VariableProblem::Open),
        ("BEACON_ADMIN_TOKEN", VariableProblem::Unknown),
        ("HYBRID_TOKEN", VariableProblem::Unknown),
        ("AWS_ACCESS_KEY_ID", VariableProblem::NotOurs),
        ("_HANDLER", VariableProblem::NotOurs),
        ("", VariableProblem::Name),
        ("2ND_KEY", VariableProblem::Name),
        ("MY KEY", VariableProblem::Name),
    ] {
        let text = format!("{{\"{variable}\": \"hush\"}}");
        let error = secrets(&[&text], &[]).unwrap_err();
        let (variable, secret) = (variable.to_owned(), "first".to_owned());
        assert_eq!(error, SecretsError::Variable { variable, secret, problem });
    }
}
