//! Specifications: what is folded, what is refused, and what the message says about it.

use serde_json::Value;

use crate::place::Place;

#[tokio::test]
async fn aliases_and_duplicates_are_folded_with_warnings() {
    let place = Place::new();
    let spec = place.write(
        "spec.yaml",
        "questions: [math_basic, identity_basic, math_basic]\n\
         models: [mistral-7b, llama3.2-1b, mistral-7b]\n\
         regions: [US, us-east, '  EU ', Europe]\n",
    );
    let providers = place.providers("[0, 0]");
    let run = place.beacon(&["run", &spec, "--id", "f", "--providers", &providers, "--json"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let view = run.json();
    assert_eq!((&view["expected"], &view["counts"]["completed"]), (&8.into(), &8.into()));
    let warnings: Vec<&str> =
        run.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    for folded in ["questions[2]", "models[2]", "regions[1]", "regions[3]"] {
        let told = warnings.iter().filter(|warning| warning.contains(folded)).count();
        assert_eq!(told, 1, "{folded}: {warnings:?}");
    }
    assert_eq!(warnings.len(), 4, "{warnings:?}");

    let export = place.beacon(&["export", "f", "--format", "jsonl"]).await.json_lines();
    assert_eq!(export.len(), 8);
    for row in export {
        let asked = if row["region"] == "us-east" { "US" } else { "  EU " };
        assert_eq!(row["region_asked"], asked, "{row}");
    }
    assert_eq!(place.calls().begun().len(), 8);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let place = Place::new();
    let spec = place.write(
        "spec.yaml",
        "name: ''\nquestions: [no_such_question, 7, {id: 'a b', text: ''}]\nmodels: ['', 3]\n\
         regions: [mars]\nsystem_prompt: 5\nsamples: 0\ntemperature: 9\nmax_tokens: -1\nseed: x\n\
         top_p: 2\nquestions_in_flight: 0\nmin_success_rate: 1.5\nmin_regions: 0\nstop: maybe\n\
         stop_after: 0\ntimeout: 25h\nsomething_else: 1\n",
    );
    let run = place.beacon(&["run", &spec, "--id", "not valid"]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    for field in [
        "id",
        "name",
        "questions[0]",
        "questions[1]",
        "questions[2].id",
        "questions[2].text",
        "models[0]",
        "models[1]",
        "regions[0]",
        "system_prompt",
        "samples",
        "temperature",
        "max_tokens",
        "seed",
        "top_p",
        "questions_in_flight",
        "min_success_rate",
        "min_regions",
        "stop",
        "stop_after",
        "timeout",
        "something_else",
    ] {
        assert!(run.stderr.contains(&format!("\n  {field}: ")), "{field}: {}", run.stderr);
    }
    assert!(run.stderr.contains("us-east") && run.stderr.contains("asia-pacific"), "{run:?}");
    let list = place.beacon(&["list", "--json"]).await;
    assert_eq!(list.json(), Value::Array(Vec::new()));
}

#[tokio::test]
async fn questions_come_from_csv_and_jsonl() {
    let place = Place::new();
    place.write("own.csv", "id,text,variant.polite\ncsv-1,One?,\"One, please?\"\ncsv-2,Two?,\n");
    place.write("own.jsonl", "{\"id\":\"l-1\",\"text\":\"Three?\"}\n\n");
    let spec = place.write(
        "spec.yaml",
        "questions: [math_basic, {file: own.csv}, {file: own.jsonl}]\n\
         models: [mistral-7b]\nregions: [US]\nsystem_prompt: none\n",
    );
    let run = place.beacon(&["run", &spec, "--id", "files", "--json"]).await;
    assert_eq!((run.code, &run.json()["expected"]), (Some(0), &5.into()), "{run:?}");
    let export = place.beacon(&["export", "files", "--format", "jsonl"]).await.json_lines();
    let asked = |row: &Value| format!("{}/{}", row["question_id"], row["variant"]).replace('"', "");
    let asked: Vec<String> = export.iter().map(asked).collect();
    assert_eq!(asked, ["math_basic/base", "csv-1/base", "csv-1/polite", "csv-2/base", "l-1/base"]);
}

#[tokio::test]
async fn a_wrong_question_is_named_with_its_file_and_line() {
    let place = Place::new();
    place.write("own.csv", "id,text,expect\nfine,One?,1|one\nnot fine,Two?,2||two\n");
    place.write("own.jsonl", "{\"id\":\"l-1\",\"text\":\"Three?\"}\n\n{\"id\":\"l-2\"}\n");
    let spec = place.write(
        "spec.yaml",
        "questions: [{file: own.csv}, {file: own.jsonl}]\nmodels: [m]\nregions: [US]\n",
    );
    let run = place.beacon(&["run", &spec]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("questions[1].id (own.csv, line 3)"), "{run:?}");
    assert!(run.stderr.contains("questions[1].expect[1] (own.csv, line 3)"), "{run:?}");
    assert!(!run.stderr.contains("questions[0]"), "{run:?}");
    assert!(run.stderr.contains("questions[3].text (own.jsonl, line 3)"), "{run:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.write("broken.jsonl", "{\"id\":\"a\",\"text\":\"A?\"}\n{\n");
    place.write("broken.csv", "id,text,wrong column\na,A?,x\n");
    place.write("header.csv", "id,text\n");
    place.write("quote.csv", "id,text\na,\"A?\nb,B?\n");
    let with = |name: &str, questions: &str| {
        place.write(name, &format!("questions: [{questions}]\nmodels: [m]\nregions: [US]\n"))
    };
    let cases = [
        (place.path("none.yaml").to_str().unwrap().to_owned(), "none.yaml"),
        (place.write("tab.yaml", "questions: [\n\t- x"), "tab.yaml"),
        (place.write("half.json", "{\"questions\": [}"), "half.json"),
        (with("a.yaml", "{file: none.csv}"), "none.csv"),
        (with("b.yaml", "{file: questions.txt}"), "questions.txt"),
        (with("c.yaml", "{file: broken.jsonl}"), "broken.jsonl`, line 2"),
        (with("d.yaml", "{file: broken.csv}"), "wrong column"),
        (with("e.yaml", "{file: broken.csv, id: x}"), "questions[0].file"),
        (with("f.yaml", "math_basic, {file: header.csv}"), "header.csv`: holds no question"),
        (with("g.yaml", "{file: quote.csv}"), "quote.csv`: a cell begins with a quote on line 2"),
    ];
    for (spec, named) in cases {
        let run = place.beacon(&["run", &spec]).await;
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(named), "{named}: {run:?}");
        assert!(run.stdout.is_empty(), "{run:?}");
    }
}
