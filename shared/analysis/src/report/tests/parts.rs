//! Sections by themselves, as another page shows them.

use super::super::{Report, STYLE, html, sections};
use super::fixture::{simulated, small};
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
    assert_eq!(ids, whole);
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
    assert!(of("answers").contains("No answers were given to this report."));
    assert!(!of("map").contains("href"), "there is nothing to lead to");
    let again = of("again");
    assert!(again.contains("beacon report") && !again.contains("Beside this report"), "{again}");
}
