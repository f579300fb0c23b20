//! What is drawn, and where names lead.

use beacon_core::ModelId;

use super::super::{html, markdown};
use super::fixture::{Made, simulated, small};

#[test]
fn a_drawing_says_that_its_answers_were_made_up() {
    let drawings = |made: &Made| {
        let page = html(&made.report());
        let all = page.split("<figure>").skip(1);
        let drawn = all.map(|part| part.split("</svg>").next().unwrap().to_owned());
        drawn.collect::<Vec<String>>()
    };
    let made_up = drawings(&simulated());
    assert!(made_up.len() > 3);
    let seen = |part: &String| part.rsplit("<text").next().unwrap().contains("SIMULATED");
    assert!(made_up.iter().all(seen));
    assert!(!drawings(&small()).iter().any(seen));
}

#[test]
fn names_in_drawings_are_whole_and_end_before_their_values() {
    let same = "the-same-beginning of both ";
    for (name, drawn) in [
        ("a".repeat(26), vec!["a".repeat(26)]),
        ("b".repeat(27), vec!["b".repeat(26), "b".to_owned()]),
        ("中".repeat(20), vec!["中".repeat(13), "中".repeat(7)]),
        (format!("{same}and one"), vec![same.trim().to_owned(), "and one".to_owned()]),
        (format!("{same}and other"), vec![same.trim().to_owned(), "and other".to_owned()]),
    ] {
        let mut made = small();
        for rate in made.findings.rates.iter_mut().take(2) {
            rate.group.category = Some(name.clone());
        }
        let page = html(&made.report());
        let lines = drawn.iter().map(|line| format!(">{line}</text>")).collect::<Vec<_>>();
        assert!(lines.iter().all(|line| page.contains(line)), "{drawn:?}");
        assert!(!page.contains("…</text>"), "{drawn:?}");
    }
}

#[test]
fn a_high_drawing_names_its_axis_at_both_ends() {
    let ticks = |rows: usize| {
        let mut made = small();
        let rate = made.findings.rates[0].clone();
        made.findings.rates = (0..rows)
            .map(|row| {
                let mut rate = rate.clone();
                rate.group.category = Some(row.to_string());
                rate
            })
            .collect();
        let page = html(&made.report());
        let figure = page.split("<figure>").nth(1).unwrap().split("</figure>").next().unwrap();
        figure.matches("class=\"tick\"").count()
    };
    assert_eq!((ticks(8), ticks(9)), (5, 10));
}

#[test]
fn cells_of_the_map_lead_to_the_answers_that_are_shown() {
    let made = small();
    let page = html(&made.report());
    let shown = made.shown.len();
    assert!(shown < made.findings.questions.len());
    assert_eq!(page.matches("href=\"#q-").count(), shown);
    for shown in &made.shown {
        let id = shown.question.0;
        let (link, place) = (format!("<a href=\"#q-{id}\">"), format!("<h3 id=\"q-{id}\">"));
        assert!(page.contains(&link) && page.contains(&place), "{id}");
    }
}

#[test]
fn no_name_in_markdown_becomes_a_link() {
    let mut made = small();
    let address = "http://evil.example/a@b.example";
    made.manifest.spec.models[0] = ModelId::new(address).unwrap();
    made.manifest.job.models = made.manifest.spec.models.clone();
    made.findings.rules.0 = address.to_owned();
    made.findings.comparisons[0].a = address.to_owned();
    made.embeddings.as_mut().unwrap().model = address.to_owned();
    let text = markdown(&made.report());
    // Code is no link.
    let outside = text.split('`').step_by(2).collect::<String>();
    assert!(outside.contains("http\\://evil.example/a\\@b.example"));
    let acts = ["p://", "a@b"];
    let line = outside.lines().find(|line| acts.iter().any(|act| line.contains(act)));
    assert_eq!(line, None);
}
