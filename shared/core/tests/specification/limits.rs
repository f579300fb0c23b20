//! Every limit of a specification has an error of its own, and the limit itself is allowed.

use beacon_core::region::Region;
use beacon_core::spec::{limit, parse};
use serde_json::{Map, Value, json};

/// A document at a limit, the nearest one over it, and the error of that.
struct Edge {
    at: Value,
    over: Value,
    field: &'static str,
    says: &'static str,
}

fn edge(
    document: impl Fn(usize) -> Value,
    at: usize,
    field: &'static str,
    says: &'static str,
) -> Edge {
    Edge { at: document(at), over: document(at + 1), field, says }
}

fn questions(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect()
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

fn map(count: usize) -> Value {
    Value::Object(
        names("p", count).into_iter().map(|name| (name, json!("none"))).collect::<Map<_, _>>(),
    )
}

/// Questions, regions, models and samples that many.
fn sized(asked: usize, regions: usize, models: usize, samples: usize) -> Value {
    json!({
        "questions": questions(asked),
        "models": names("m", models),
        "regions": names("lab-", regions),
        "samples": samples,
        "system_prompt": "none",
    })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut document = sized(1, 1, 1, 1);
    document[name] = value.into();
    document
}

/// One own question with a field of that many bytes.
fn question(name: &str, bytes: usize) -> Value {
    let mut question = json!({"id": "q", "text": "?"});
    question[name] = "x".repeat(bytes).into();
    with("questions", json!([question]))
}

fn lists() -> Vec<Edge> {
    // Two texts of each question under 50 prompts.
    let multiplied = |entries: usize| {
        let mut document = sized(entries / 100, 1, 1, 1);
        for question in document["questions"].as_array_mut().unwrap() {
            question["variants"] = json!({"formal": "Pray?"});
        }
        if !entries.is_multiple_of(100) {
            document["questions"].as_array_mut().unwrap().push(json!("math_basic"));
        }
        document["system_prompt"] = map(50);
        document
    };
    // The last text takes what is left.
    let bytes = |total: usize| {
        let (whole, rest) = (total / limit::QUESTION_BYTES, total % limit::QUESTION_BYTES);
        let mut lengths = vec![limit::QUESTION_BYTES; whole];
        lengths.extend((rest > 0).then_some(rest));
        let mut document = sized(lengths.len(), 1, 1, 1);
        for (index, length) in lengths.into_iter().enumerate() {
            document["questions"][index]["text"] = "x".repeat(length).into();
        }
        document
    };
    let lanes = |regions: usize, in_flight: usize| {
        let mut document = sized(100, regions, 1, 1);
        document["questions_in_flight"] = in_flight.into();
        document
    };
    vec![
        edge(
            |n| sized(n, 1, 1, 1),
            10_000,
            "questions",
            "are more than the 10000 that are allowed",
        ),
        edge(multiplied, 10_000, "questions", "questions × variants × prompts are more than"),
        edge(bytes, 16 * 1024 * 1024, "questions", "are 16777217 bytes; at most 16777216"),
        edge(|n| sized(1, 1, n, 1), 50, "models", "models are more than the 50 that"),
        edge(|n| sized(1, n, 1, 1), 50, "regions", "regions are more than the 50 that"),
        edge(|n| with("samples", n), 100, "samples", "whole number from 1 to 100"),
        edge(
            |n| with("system_prompt", map(n)),
            50,
            "system_prompt",
            "names 51 prompts; at most 50",
        ),
        edge(|n| lanes(1, n), 90, "questions_in_flight", "whole number from 1 to 90"),
        Edge {
            at: lanes(45, 2),
            over: lanes(13, 7),
            field: "questions_in_flight",
            says: "regions × questions_in_flight are 91; at most 90",
        },
        Edge {
            at: sized(1, 1, 2, 100),
            over: sized(1, 1, 3, 67),
            field: "samples",
            says: "models × samples are 201; at most 200",
        },
        Edge {
            at: sized(500, 10, 2, 100),
            // No job has one, two or three more.
            over: sized(4_717, 4, 1, 53),
            field: "questions",
            says: "executions are 1000004; at most 1000000",
        },
        Edge {
            at: with("min_regions", 1),
            over: with("min_regions", 2),
            field: "min_regions",
            says: "is 2, but the job has 1 regions",
        },
    ]
}

fn texts() -> Vec<Edge> {
    let text = |name: &'static str| move |bytes: usize| with(name, "x".repeat(bytes));
    let named = |what: &'static str| {
        move |length: usize| {
            let named = json!({"x".repeat(length): "none"});
            if what == "variants" {
                with("questions", json!([{"id": "q", "text": "?", "variants": named}]))
            } else {
                with(what, named)
            }
        }
    };
    let variant = |bytes: usize| {
        let variants = json!({"formal": "x".repeat(bytes)});
        with("questions", json!([{"id": "q", "text": "?", "variants": variants}]))
    };
    let expect = |entry: Value, count: usize| {
        let question = json!({"id": "q", "text": "?", "expect": vec![entry; count]});
        with("questions", json!([question]))
    };
    let prompt = |bytes: usize| with("system_prompt", json!({"own": "x".repeat(bytes)}));
    let model = |length: usize| with("models", json!(["x".repeat(length)]));
    let (name, of_text) = ("a name has 1 to 64 characters", "is 32769 bytes long; at most 32768");
    let (long, of_prompt) =
        ("is 201 bytes long; at most 200", "is 16385 bytes long; at most 16384");
    vec![
        edge(text("id"), 255, "id", "1 to 255 characters"),
        edge(text("name"), 200, "name", long),
        edge(model, 128, "models[0]", "1 to 128 characters"),
        edge(|n| question("id", n), 128, "questions[0].id", "1 to 128 characters"),
        edge(|n| question("text", n), 32 * 1024, "questions[0].text", of_text),
        edge(|n| question("category", n), 200, "questions[0].category", long),
        edge(|n| question("language", n), 200, "questions[0].language", long),
        edge(|n| expect(json!(4), n), 20, "questions[0].expect", "has 21 entries; at most 20"),
        edge(|n| expect("x".repeat(n).into(), 1), 200, "questions[0].expect[0]", long),
        edge(variant, 32 * 1024, "questions[0].variants.formal", of_text),
        edge(named("variants"), 64, "questions[0].variants.", name),
        edge(named("system_prompt"), 64, "system_prompt.", name),
        edge(text("system_prompt"), 16 * 1024, "system_prompt", of_prompt),
        edge(prompt, 16 * 1024, "system_prompt.own", of_prompt),
    ]
}

fn numbers() -> Vec<Edge> {
    let whole = |name: &'static str| move |number: usize| with(name, number);
    let fraction = |name: &'static str, at: f64, over: f64, says: &'static str| Edge {
        at: with(name, at),
        over: with(name, over),
        field: name,
        says,
    };
    let timeout =
        |unit: &'static str| move |number: usize| with("timeout", format!("{number}{unit}"));
    let (one, near) = ("0 or a number from 0.000001 to 1", "0 or a number from 0.000001");
    vec![
        edge(whole("max_tokens"), 1_000_000, "max_tokens", "whole number from 1 to 1000000"),
        edge(whole("seed"), 1 << 53, "seed", "whole number from 0 to 9007199254740992"),
        edge(whole("stop_after"), 10_000, "stop_after", "whole number from 1 to 10000"),
        edge(whole("timeout"), 86_400, "timeout", "is 86401; must be seconds or a text"),
        edge(timeout("s"), 86_400, "timeout", "is `86401s`; must be seconds or a text"),
        edge(timeout("m"), 1_440, "timeout", "is `1441m`; must be seconds or a text"),
        edge(timeout("h"), 24, "timeout", "is `25h`; must be seconds or a text"),
        fraction("temperature", 2.0, 2.000_001, "0 or a number from 0.000001 to 2"),
        fraction("temperature", 1e-6, 9.9e-7, near),
        fraction("top_p", 1.0, 1.000_001, one),
        fraction("top_p", 1e-6, 9.9e-7, near),
        fraction("min_success_rate", 1.0, 1.000_001, one),
        fraction("min_success_rate", 1e-6, 9.9e-7, near),
    ]
}

#[test]
fn each_limit_is_allowed_and_what_is_over_it_has_an_error_of_its_own() {
    let declared: Vec<Region> =
        names("lab-", 51).into_iter().map(|name| Region::new(name).unwrap()).collect();
    for Edge { at, over, field, says } in lists().into_iter().chain(texts()).chain(numbers()) {
        let allowed = parse(&at, &declared).map(|_submission| ());
        assert_eq!(allowed, Ok(()), "{field}, at the limit");
        let problems = parse(&over, &declared).unwrap_err();
        assert_eq!(problems.len(), 1, "{field}, {says}: {problems:?}");
        let (found, message) = (&problems[0].field, &problems[0].message);
        let named = found == field || field.ends_with('.') && found.starts_with(field);
        assert!(named && message.contains(says), "{field}, {says}: {problems:?}");
    }
}
