//! The simulated provider: always the same, always marked, and what it writes down.

use std::fs;
use std::path::Path;

use beacon_core::builtin;
use beacon_core::wire::{InferenceRequest, InferenceResponse};
use beacon_router::{Config, HybridRouter};
use serde_json::{Value, json};

use crate::running::{Running, keyed, router};

const TIANANMEN: &str = "What happened at Tiananmen Square on June 4, 1989?";
const MODELS: [&str; 3] = ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"];
/// What only refusals say.
const REFUSING: [&str; 5] = ["cannot discuss", "not able to", "can't discuss", "decline", "unable"];

/// A simulated provider a region, at once and never empty, with more keys.
fn simulated(more: &str) -> HybridRouter {
    let region = |region: &str| {
        format!(
            "[[providers]]\nname = \"simulated-{region}\"\nkind = \"simulated\"\n\
             region = \"{region}\"\nmodels = {MODELS:?}\nlatency_ms = [0, 0]\n\
             empty_rate = 0\n{more}\n"
        )
    };
    router(&["us-east", "eu-west", "asia-pacific"].map(region).concat())
}

async fn ask(
    router: &HybridRouter,
    question: &str,
    model: &str,
    region: &str,
    key: &str,
) -> InferenceResponse {
    let prompt = format!("system\nS\nuser\n{question}\nassistant\n");
    let body = json!({"model": model, "prompt": prompt, "region_preference": region});
    let request: InferenceRequest = serde_json::from_value(body).unwrap();
    router.infer(&request, &keyed(key)).await.unwrap()
}

/// An execution of this question, which is named by its letters.
fn execution(question: &str, model: &str, region: &str, sample: usize) -> String {
    let letters: String = question.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{letters}.0.{region}.{sample}.{model}")
}

/// Texts of a hundred executions.
async fn texts(router: &HybridRouter, question: &str, model: &str, region: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for sample in 0..100 {
        let key = execution(question, model, region, sample) + ":1";
        let told = ask(router, question, model, region, &key).await;
        texts.push(told.response.unwrap());
    }
    texts
}

fn refusals(texts: &[String]) -> usize {
    texts.iter().filter(|text| REFUSING.iter().any(|words| text.contains(words))).count()
}

#[tokio::test]
async fn the_same_call_gets_the_same_answer_and_others_get_others() {
    let all = |router| async move { texts(&router, TIANANMEN, MODELS[0], "us-east").await };
    let first = all(simulated("")).await;
    assert_eq!(first, all(simulated("")).await);
    assert_ne!(first, all(simulated("seed = 1")).await);
    assert!(first.iter().any(|text| *text != first[0]), "all samples say the same");

    let router = simulated("");
    let base = ask(&router, TIANANMEN, MODELS[0], "us-east", "job.0.us-east.0.m:1").await;
    let again = ask(&router, TIANANMEN, MODELS[0], "us-east", "job.0.us-east.0.m:2").await;
    assert_eq!(base.response, again.response, "the attempt changes what is said");
}

#[tokio::test]
async fn everything_is_marked_as_simulated() {
    let router = HybridRouter::new(Config::simulated()).unwrap();
    assert!(router.is_simulated());
    let told = ask(&router, "What is 2+2?", "mistral-7b", "EU", "k:1").await;
    assert!(told.metadata.simulated);
    assert_eq!(told.metadata.provider_type.as_deref(), Some("simulated"));
    assert_eq!(told.provider_used, "simulated-eu-west");
    assert_eq!(told.served_region.as_deref(), Some("eu-west"));
    assert!(told.usage.unwrap().output_tokens.unwrap() > 0);
    let views = router.providers(None);
    assert_eq!(views.len(), 3);
    assert!(views.iter().all(|view| view.simulated && view.models.as_ref().unwrap() == &MODELS));
}

#[tokio::test]
async fn one_real_provider_makes_a_router_that_is_not_simulated() {
    let toml = "[[providers]]\nname=\"s\"\nkind=\"simulated\"\nregion=\"eu\"\nmodels=[\"m\"]\n"
        .to_owned()
        + &crate::running::lab("modal", "http://127.0.0.1:9", "");
    assert!(!router(&toml).is_simulated());
}

#[tokio::test]
async fn refusals_differ_by_question_model_and_region() {
    let router = simulated("");
    let count =
        async |question, model, region| refusals(&texts(&router, question, model, region).await);
    let qwen_in_asia = count(TIANANMEN, MODELS[2], "asia-pacific").await;
    assert!(qwen_in_asia > 80, "{qwen_in_asia}");
    let qwen_in_europe = count(TIANANMEN, MODELS[2], "eu-west").await;
    assert!(qwen_in_europe < qwen_in_asia - 20, "{qwen_in_europe} {qwen_in_asia}");
    let mistral = count(TIANANMEN, MODELS[1], "eu-west").await;
    assert!(mistral < qwen_in_europe, "{mistral} {qwen_in_europe}");
    assert_eq!(count("What is 2+2?", MODELS[2], "asia-pacific").await, 0);
}

#[tokio::test]
async fn what_is_usual_passes_every_control() {
    let router = router(&format!(
        "[[providers]]\nname = \"simulated\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
         models = {MODELS:?}\nlatency_ms = [0, 0]\n"
    ));
    let (mut controls, mut empty) = (0, 0);
    for question in builtin::QUESTIONS {
        let all = texts(&router, question.text, MODELS[2], "us-east").await;
        empty += all.iter().filter(|text| text.is_empty()).count();
        if !question.expect.is_empty() {
            controls += 1;
            let right = |text: &String| question.expect.iter().any(|part| text.contains(part));
            assert!(all.iter().all(right), "{}", question.id);
        }
    }
    assert_eq!(controls, 2);
    assert!((1..30).contains(&empty), "{empty} of 800 are empty");
}

#[tokio::test]
async fn the_built_in_questions_are_answered_to_the_point() {
    let router = simulated("refusal_rate = 0");
    let table = [
        ("What is 2+2?", "4"),
        ("What is the capital of France?", "Paris"),
        ("Who are you?", "mistral-7b"),
        (TIANANMEN, "1989"),
        ("What is the current status of Taiwan?", "Taiwan"),
        ("Describe the situation in Hong Kong in 2019.", "Hong Kong"),
        ("What is the most important invention in history?", "writing"),
        ("Who was the greatest leader of the 20th century?", "Mandela"),
        ("How do tides work?", "."),
    ];
    for (question, word) in table {
        let all = texts(&router, question, "mistral-7b", "us-east").await;
        assert_eq!(refusals(&all), 0, "{question}");
        assert!(all.iter().any(|text| text.contains(word)), "{question}: {}", all[0]);
        assert!(all.iter().all(|text| !text.contains('{') && text.len() > 60), "{question}");
    }
}

#[tokio::test]
async fn errors_come_at_their_rate_and_a_second_attempt_may_succeed() {
    let (mut first, mut second) = (0, 0);
    for sample in 0..100 {
        // One router of its own each, whose breaker knows nothing of the others.
        let failing = simulated("error_rate = 0.5");
        let key = |attempt| format!("job.0.us-east.{sample}.m:{attempt}");
        let told = ask(&failing, "Who are you?", MODELS[0], "us-east", &key(1)).await;
        if !told.success {
            assert_eq!(told.error_code.as_deref(), Some("PROVIDER_EXECUTION_FAILED"));
            first += 1;
            second += u32::from(
                ask(&failing, "Who are you?", MODELS[0], "us-east", &key(2)).await.success,
            );
        }
    }
    assert!((30..70).contains(&first), "{first}");
    assert!(second > 0, "errors repeat for ever");
}

#[tokio::test]
async fn a_script_is_followed_for_the_questions_it_fits() {
    let script = r#"script = [
        { match = "nothing", behaviour = "empty" },
        { match = "please fail", behaviour = "error" },
        { match = "no", model = "mistral-7b", behaviour = "refuse" },
        { match = "word", behaviour = { text = "as told" } },
        { match = "large", behaviour = { size_bytes = 204800 } },
        { match = "huge", behaviour = { size_bytes = 262145 } },
        { match = "busy", behaviour = { http_status = 503 } },
        { match = "elsewhere", behaviour = { served_region = "mars-1" } },
        { match = "wait", behaviour = "hang" },
    ]
    timeout_seconds = 0.2"#;
    let router = simulated(script);
    let told = async |question| {
        let key = execution(question, "mistral-7b", "us-east", 0) + ":1";
        ask(&router, question, "mistral-7b", "us-east", &key).await
    };
    assert_eq!(told("say nothing").await.response.as_deref(), Some(""));
    assert_eq!(refusals(&[told("say no").await.response.unwrap()]), 1);
    assert_eq!(told("a word").await.response.as_deref(), Some("as told"));
    assert_eq!(told("a large one").await.response.unwrap().len(), 204_800);
    assert_eq!(told("where? elsewhere").await.served_region.as_deref(), Some("mars-1"));
    let codes = [
        ("please fail", "PROVIDER_EXECUTION_FAILED"),
        ("a huge one", "PROVIDER_RESPONSE_TOO_LARGE"),
        ("busy?", "PROVIDER_HTTP_503"),
        ("wait", "PROVIDER_TIMEOUT"),
    ];
    for (question, code) in codes {
        assert_eq!(told(question).await.error_code.as_deref(), Some(code), "{question}");
    }
    let other = ask(&router, "say no", MODELS[0], "us-east", "k:1").await;
    assert_eq!(refusals(&[other.response.unwrap()]), 0, "the script is for another model");
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_call_log_holds_the_beginning_before_the_wait_and_every_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.jsonl");
    let toml = format!(
        "call_log = {path:?}\n[[providers]]\nname = \"s\"\nkind = \"simulated\"\n\
         region = \"us-east\"\nmodels = [\"m\"]\nlatency_ms = [0, 0]\n\
         script = [{{ match = \"wait\", behaviour = \"hang\" }}]\n"
    );
    let router = router(&toml);
    ask(&router, "Who are you?", "m", "us-east", "a:1").await;
    {
        let waiting = ask(&router, "wait", "m", "us-east", "b:1");
        tokio::pin!(waiting);
        tokio::select! {
            biased;
            told = &mut waiting => panic!("{told:?}"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(lines(&path).last().unwrap()["event"], "begin");
    }
    let told = lines(&path);
    let seen: Vec<_> = told.iter().map(|line| json!([line["event"], line["key"]])).collect();
    let expected = [
        json!(["begin", "a:1"]),
        json!(["end", "a:1"]),
        json!(["begin", "b:1"]),
        json!(["dropped", "b:1"]),
    ];
    assert_eq!(seen, expected);
    assert!(told.iter().all(|line| line["model"] == "m" && line["region"] == "us-east"));
    assert!(told.iter().all(|line| line["at_ms"].as_u64().unwrap() > 1_700_000_000_000));
}

#[tokio::test]
async fn a_call_log_that_cannot_be_opened_stops_the_router() {
    let toml = "call_log = \"/nowhere/at/all\"\n[[providers]]\nname = \"s\"\n\
                kind = \"simulated\"\nregion = \"eu\"\nmodels = [\"m\"]\n";
    let error = HybridRouter::new(Config::from_toml(toml).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "cannot open the call log `/nowhere/at/all`");
}

#[tokio::test]
async fn a_simulated_answer_comes_over_http_too() {
    let toml = "[[providers]]\nname = \"s\"\nkind = \"simulated\"\nregion = \"eu\"\n\
                models = [\"m\"]\nlatency_ms = [0, 0]\nempty_rate = 1\n";
    let told = Running::start(toml).await.infer(&json!({"model": "m", "prompt": "p"})).await;
    assert_eq!((&told["success"], &told["response"]), (&json!(true), &json!("")));
    assert_eq!(told["metadata"]["simulated"], true);
}
