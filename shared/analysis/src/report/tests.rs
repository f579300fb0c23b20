//! Reports of jobs made by hand, read back.

mod content;
mod contrast;
mod drawn;
mod fixture;
mod marked;
mod page;
mod parts;

use self::fixture::{Made, first_run, large, simulated, small, widest};
use self::page::{check, check_markdown};
use super::visible::visible;
use super::{Served, html, markdown};
use crate::figure;

const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</style></title></textarea><script>alert(1)</script>",
    "</div></article></main></body></html><iframe src=//evil></iframe>",
    "a\0b\u{1b}[2Jc\u{85}d\r\ne\rf",
    "\u{202E}desrever\u{202D}\u{2066}x\u{2069}\u{200F}",
    "<!-- --><![CDATA[ ]]> <?php ?> &lt;script&gt; &#0; &#x202E;",
    "```\n# heading\n````\n``` `` `\n~~~\n<b>bold</b>\n\n    code",
    "| a | b |\n|---|---|\n[link](javascript:alert(1)) ![x](http://evil/x.png) <http://evil>",
    "{+added+} [-removed-] $x^2$ [^1] - [ ] task www.evil.example me@evil.example",
    "\" onmouseover=\"alert(1)\" ' `${x}` \\",
    "раураl\u{FEFF}\u{200B} \u{E0041}\u{FFFE} Z\u{0351}\u{0351}\u{0351}",
    "\n\n\n- x\n1. y\n> z\n***\n===\n",
];

fn hostile(text: &str) -> Made {
    let mut made = small().answering(text);
    made.manifest.job.name = text.chars().take(60).collect();
    made.manifest.spec.questions[1].text = text.to_owned();
    made.manifest.spec.questions[1].language = Some(text.to_owned());
    made.manifest.spec.regions[0].system = vec![Some(text.to_owned())];
    made.findings.summary = vec![text.to_owned()];
    made.findings.rates[0].group.category = Some(text.to_owned());
    made.findings.rules.0 = text.to_owned();
    made.embeddings.as_mut().unwrap().model = text.to_owned();
    let mut run = first_run();
    (run.by, run.why) = (Some(text.to_owned()), Some(text.to_owned()));
    made.manifest.job.runs = vec![run.clone(), run];
    for view in made.shown.iter_mut().flat_map(|shown| &mut shown.rows) {
        if let Some(failure) = &mut view.failure {
            failure.message = text.to_owned();
        }
        if let Some(row) = &mut view.row {
            row.served_model = Some(text.to_owned());
            row.served_region = Some(text.to_owned());
        }
        if let Some(verdict) = &mut view.verdict {
            for span in &mut verdict.classifier.evidence {
                span.rule = text.to_owned();
            }
            if let Some(label) = &mut verdict.label {
                label.by = Some(text.to_owned());
                label.note = Some(text.to_owned());
            }
        }
    }
    made.served = Served::default();
    for shown in &made.shown {
        made.served.count(&shown.rows);
    }
    made
}

#[test]
fn hostile_text_is_only_ever_text() {
    for text in HOSTILE {
        let made = hostile(text);
        let page = check(&html(&made.report()));
        let seen = visible(text);
        let trimmed = seen.trim();
        assert!(page.text.contains(trimmed), "{text:?}");
        let (blocks, _) = check_markdown(&markdown(&made.report()));
        assert!(blocks.iter().any(|block| block.trim() == trimmed), "{text:?}: {blocks:?}");
    }
}

#[test]
fn nothing_that_acts_unseen_reaches_a_page() {
    let planes = (0..=16).flat_map(|plane| [(plane << 16) | 0xFFFE, (plane << 16) | 0xFFFF]);
    let all = (0..=0xFFFF).chain(0xE_0000..=0xE_01FF).chain(planes).filter_map(char::from_u32);
    let parts: Vec<char> = all.filter(|c| !c.is_alphanumeric()).collect();
    for part in parts.chunks(3_000) {
        let made = hostile(&part.iter().collect::<String>());
        for text in [html(&made.report()), markdown(&made.report())] {
            let acts = |c: &char| {
                (c.is_control() && !"\n\t".contains(*c))
                    || ('\u{202A}'..='\u{202E}').contains(c)
                    || ('\u{2060}'..='\u{206F}').contains(c)
                    || "\u{AD}\u{61C}\u{200B}\u{3164}".contains(*c)
                    || ('\u{E0000}'..='\u{E01EF}').contains(c)
            };
            assert_eq!(text.chars().find(acts), None);
        }
        check(&html(&made.report()));
        check_markdown(&markdown(&made.report()));
    }
}

/// A short answer to one question leaves room for the others, and a long one takes none of theirs.
#[test]
fn every_question_has_its_part_of_what_is_shown() {
    let mut made = simulated().answering(&"x ".repeat(20_000));
    for row in made.shown[0].rows.iter_mut().filter_map(|view| view.row.as_mut()) {
        row.response = Some("Yes.".to_owned());
    }
    let (page, text) = (html(&made.report()), markdown(&made.report()));
    check(&page);
    let notes: Vec<&str> =
        text.lines().filter(|line| line.ends_with("more characters are not shown.")).collect();
    let kept = |note: &str| {
        let left: String = note.chars().filter(char::is_ascii_digit).collect();
        40_000 - left.parse::<usize>().unwrap()
    };
    let least = notes.iter().map(|note| kept(note)).min().unwrap();
    let all: usize = notes.iter().map(|note| kept(note)).sum();
    assert!(least >= 500, "{least}");
    assert!((200_000..=300_000).contains(&all), "{all}");
}

#[test]
fn the_same_gives_the_same_bytes() {
    assert_eq!(html(&small().report()), html(&small().report()));
    assert_eq!(markdown(&simulated().report()), markdown(&simulated().report()));
}

#[test]
fn a_long_line_is_cut_and_says_so() {
    let made = small().answering(&"x".repeat(256 * 1024));
    // Six answers of each of ten questions have their part of 300,000 characters.
    let note = format!("{} more characters are not shown.", figure::count(256 * 1024 - 4_000));
    let page = html(&made.report());
    check(&page);
    assert!(page.contains(&note) && page.len() < 500_000, "{}", page.len());
    let text = markdown(&made.report());
    assert!(text.contains(&note) && text.len() < 400_000, "{}", text.len());
}

#[test]
fn ten_thousand_questions_stay_small() {
    let made = large(10_000);
    let (page, text) = (html(&made.report()), markdown(&made.report()));
    check(&page);
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert!(text.len() < 5_000_000, "{}", text.len());
    assert!(page.contains("Only the 100 most divergent of 10\u{202F}000 questions are drawn."));
    assert!(page.contains("The first 200 of 10\u{202F}000 rows are shown"));
}

#[test]
fn the_widest_job_stays_small() {
    let made = widest(1_000);
    let (page, text) = (html(&made.report()), markdown(&made.report()));
    check(&page);
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert!(text.len() < 5_000_000, "{}", text.len());
    assert!(page.contains("Only the 4 most divergent of 1\u{202F}000 questions are drawn."));
}

#[test]
fn the_small_report_as_markdown() {
    let made = small();
    let text = markdown(&made.report());
    check_markdown(&text);
    let golden = include_str!("../../tests/report.md");
    let new = std::env::temp_dir().join("beacon-report.md");
    if text != golden {
        std::fs::write(&new, &text).unwrap();
    }
    assert!(
        text == golden,
        "if {} is right, it belongs at shared/analysis/tests/report.md",
        new.display()
    );
}
