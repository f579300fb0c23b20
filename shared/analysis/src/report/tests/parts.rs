//! Sections by themselves, as another page shows them.

use std::collections::BTreeSet;

use super::super::{AGGREGATED, Report, STYLE, html, markdown, sections};
use super::fixture::{large, simulated, small};
use super::page::check;

/// A job's findings where no answers were read.
fn without_answers(report: Report<'_>) -> Report<'_> {
    Report { shown: &[], served: None, export_sha256: None, ..report }
}

#[test]
fn sections_are_those_of_the_page() {
    for made in [small(), simulated()] {
        let (page, mut rest) = (html(&made.report()), String::new());
        for section in sections(&made.report()) {
            let (html, id) = (section.html.into_string(), section.id);
            assert!(html.starts_with(&format!("<section id=\"{id}\"")), "{html}");
            assert!(page.contains(&format!("<a href=\"#{id}\">{}</a>", section.title)), "{id}");
            rest.push_str(&html);
        }
        assert!(page.contains(&format!("<main id=\"main\">{rest}</main>")));
        assert!(page.contains(STYLE));
    }
}

#[test]
fn a_section_has_no_styles_of_its_own() {
    for made in [small(), simulated()] {
        for report in [made.report(), without_answers(made.report())] {
            let all: String =
                sections(&report).into_iter().map(|section| section.html.into_string()).collect();
            check(&all);
            for forbidden in [" style=", "<style", "<script"] {
                assert!(!all.contains(forbidden), "{forbidden}");
            }
        }
    }
}

#[test]
fn what_needs_all_answers_is_left_out_and_said_so() {
    let made = small();
    let report = without_answers(made.report());
    let all = sections(&report);
    let ids: Vec<&str> = all.iter().map(|section| section.id).collect();
    let whole: Vec<&str> = sections(&made.report()).iter().map(|section| section.id).collect();
    let but_answers: Vec<&str> = whole.iter().copied().filter(|id| *id != "answers").collect();
    assert_eq!((ids.len() + 1, &ids), (whole.len(), &but_answers));
    let page = html(&report);
    check(&page);
    assert!(!page.contains("Answers side by side") && !page.contains("#answers"));
    assert!(!markdown(&report).contains("Answers side by side"));
    let of = |id: &str| {
        let section = all.iter().find(|section| section.id == id).unwrap();
        section.html.clone().into_string()
    };
    let provenance = of("provenance");
    assert!(!provenance.contains("Who answered</h3>"), "{provenance}");
    assert!(!provenance.contains("Export (JSONL)"), "{provenance}");
    let told = "Who answered, and the SHA-256 of the export, are told by the report that \
        <code>beacon report</code> makes from all answers.";
    assert!(provenance.contains(told), "{provenance}");
    assert!(!of("map").contains("href"), "there is nothing to lead to");
    // No file lies beside it.
    let mut made = small();
    made.manifest.spec.regions[0].system = vec![Some("long ".repeat(1_000))];
    let provenance = |report: Report<'_>| {
        let section = sections(&report).into_iter().find(|section| section.id == "provenance");
        section.unwrap().html.into_string()
    };
    let without = provenance(without_answers(made.report()));
    assert!(without.contains("more characters are in the job’s specification."), "{without}");
    assert!(provenance(made.report()).contains("more characters are in job.json."));
    let again = of("again");
    assert!(!again.contains("Beside this report"), "{again}");
    let writes = again.find("beacon report bias-1 --out DIR").unwrap();
    assert!(again.find("writes").unwrap() < writes, "files are named as what the command writes");
    assert!(again.find("beacon report --from DIR").unwrap() > writes, "{again}");
}

#[test]
fn aggregates_of_the_most_divergent_questions_are_enough() {
    let made = large(u32::try_from(AGGREGATED).unwrap() + 50);
    let whole = without_answers(made.report());
    let most = whole.findings.questions.iter().take(AGGREGATED);
    let most: BTreeSet<_> = most.map(|finding| finding.question).collect();
    let mut some = made.aggregates.clone();
    some.retain(|aggregate| most.contains(&aggregate.question));
    assert_eq!((some.len(), made.aggregates.len()), (AGGREGATED, AGGREGATED + 50));
    some.reverse();
    let enough = Report { aggregates: &some, ..whole };
    assert!(html(&enough) == html(&whole), "another page");
    assert!(markdown(&enough) == markdown(&whole), "another text");
}
