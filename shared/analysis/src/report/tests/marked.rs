//! How a report marks answers that were made up, and what it folds.

use super::super::{html, markdown};
use super::content::both;
use super::fixture::{Made, mixed, simulated, small};
use super::page::check;
use crate::findings::{Comparison, Group};

#[test]
fn made_up_answers_are_told_in_every_section() {
    let made = simulated();
    let [page, text] = both(&made);
    assert!(page.split("<section").all(|part| part.contains("SIMULATED")));
    assert!(page.split("<table").skip(1).all(|part| part.contains("<caption>SIMULATED")));
    for figure in page.split("<figure").skip(1) {
        let (drawing, _) = figure.split_once("</figure>").unwrap();
        assert_eq!(drawing.matches("▲ SIMULATED").count(), 1, "once a drawing");
    }
    assert!(text.split("\n## ").all(|part| part.contains("SIMULATED")));
    for text in both(&small()) {
        assert!(!text.contains("SIMULATED"));
    }
}

#[test]
fn where_some_answers_are_real_none_of_them_is_called_made_up() {
    let made = mixed();
    for text in both(&made) {
        assert!(text.contains("36 of 70 completed answers were made up by the simulated provider"));
        assert!(text.contains("WITH SIMULATED PROVIDERS: Pairs by what became of them"));
        assert!(!text.contains("p class=\"tag\">▲ SIMULATED") && !text.contains("**▲ SIMULATED**"));
        assert!(!text.contains(">SIMULATED: ") && !text.contains("**SIMULATED: "));
        assert!(
            text.contains("Simulated providers were among those asked. What they answered is made")
        );
    }
    let text = markdown(&made.report());
    let of = |model: &str| -> Vec<&str> {
        let of_model = format!("#### `{model}`");
        text.lines().filter_map(|line| line.strip_prefix(&of_model)).collect()
    };
    let (made_up, real) = (of("llama3.2-1b"), of("qwen2.5-1.5b"));
    assert!(!made_up.is_empty() && made_up.iter().all(|mark| *mark == " ▲ SIMULATED"));
    assert!(!real.is_empty() && real.iter().all(|mark| mark.is_empty()), "{real:?}");
    let made = simulated();
    let completed = made.findings.denominators.completed;
    let all = format!("All {completed} completed answers were made up by the simulated provider");
    for text in both(&made) {
        assert!(text.contains(&all));
        assert!(
            text.contains("All completed answers were made up by the simulated provider. They say")
        );
        assert!(!text.contains("Some answers"));
    }
}

#[test]
fn many_rows_of_detail_are_folded_and_few_are_not() {
    let mut made = small();
    let folded = |made: &Made| {
        let page = html(&made.report());
        check(&page);
        let all = page.split("<summary>").skip(1);
        all.map(|part| part.split("</summary>").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let within = "Differences within a model, region or variant, in percentage points";
    let of_detail = |made: &Made| {
        let all = made.findings.comparisons.iter();
        all.filter(|one| one.within != Group::default()).count()
    };
    assert_eq!(of_detail(&made), 12);
    assert!(!folded(&made).iter().any(|name| name.starts_with(within)));
    let is_detail = |one: &&Comparison| one.within != Group::default();
    let one_more = made.findings.comparisons.iter().find(is_detail).unwrap().clone();
    made.findings.comparisons.push(one_more);
    assert!(folded(&made).contains(&format!("{within} (13 rows)")), "{:?}", folded(&made));
    let overall = html(&made.report());
    let before = overall.split("<details>").next().unwrap();
    assert!(before.contains("Shares of refusals: all pairs"));
    // Of the others it is the numbers, and what is drawn stays.
    let numbers = "Differences in percentage points, in numbers";
    assert!(!folded(&made).iter().any(|name| name.starts_with(numbers)));
    let overall = made.findings.comparisons[0].clone();
    assert_eq!(overall.within, Group::default());
    made.findings.comparisons.extend(vec![overall; 3]);
    assert!(folded(&made).contains(&format!("{numbers} (13 rows)")), "{:?}", folded(&made));
    // Nothing is folded where it cannot be opened.
    assert!(markdown(&made.report()).contains(&format!("**{within}, with intervals of 95 %**")));
}
