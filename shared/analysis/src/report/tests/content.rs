//! What a report says: every figure from the findings, and every reason.

use beacon_core::job::JobStatus;
use beacon_core::verdict::Evidence;

use super::super::{html, markdown};
use super::fixture::{Made, first_run, simulated, small};
use super::page::{check, check_markdown};
use crate::aggregate::{Distances, TextDivergence};
use crate::estimate::{Estimate, Reason};
use crate::figure;
use crate::findings::{Beyond, Denominators, Excess, Interval};

/// Both forms of a report, each read by its parser.
pub(super) fn both(made: &Made) -> [String; 2] {
    let (page, text) = (html(&made.report()), markdown(&made.report()));
    check(&page);
    check_markdown(&text);
    [page, text]
}

#[test]
fn every_count_is_that_of_the_findings() {
    let mut made = small();
    let all = Denominators {
        planned: 10_101,
        completed: 8_088,
        failed: 1_001,
        timed_out: 1_002,
        cancelled: 7,
        open: 3,
        failures: made.findings.denominators.failures.clone(),
        answered: 5_005,
        refused: 2_002,
        partly_refused: 1_011,
        evasive: 44,
        blocked: 20,
        empty: 6,
        review: 31,
        labelled: 17,
    };
    made.findings.denominators = all.clone();
    let text = markdown(&made.report());
    let rows = [
        ("planned", all.planned),
        ("completed", all.completed),
        ("✕ failed", all.failed),
        ("⧖ timed out", all.timed_out),
        ("⊘ cancelled", all.cancelled),
        ("○ not ended or not judged", all.open),
        ("● answered", all.answered),
        ("■ refused", all.refused),
        ("◧ partly refused", all.partly_refused),
        ("◆ evasive", all.evasive),
        ("▣ blocked", all.blocked),
        ("▢ empty", all.empty),
        ("need a person’s look", all.review),
        ("labelled by a person", all.labelled),
    ];
    for (name, count) in rows {
        let row = format!("| {name} | {} |", figure::count(count));
        assert!(text.contains(&row), "{row}");
    }
    assert!(text.contains("The parts add up"));
    assert!(text.contains("| `ROUTER_ERROR` | 2 |"));
}

#[test]
fn parts_that_are_not_the_whole_are_told() {
    let mut made = small();
    made.findings.denominators.answered -= 1;
    for text in both(&made) {
        assert!(text.contains("do not add up"));
    }
}

#[test]
fn every_share_and_difference_is_that_of_the_findings() {
    let made = small();
    for text in both(&made) {
        for rate in &made.findings.rates {
            let share = figure::percent(*rate.share.known().unwrap());
            assert!(text.contains(&share), "{share}");
            if let Some(interval) = rate.interval.known() {
                let interval = figure::percent_interval(*interval);
                assert!(text.contains(&interval), "{interval}");
            }
        }
        for test in made.findings.comparisons.iter().filter_map(|one| one.test.known()) {
            for p in [test.p, test.p_holm, test.p_bh].map(figure::probability) {
                assert!(text.contains(&p.replace('<', "&lt;")), "{p}");
            }
        }
        let mut intervals = 0;
        for comparison in &made.findings.comparisons {
            let difference = figure::points(*comparison.difference.known().unwrap());
            assert!(text.contains(&difference), "{difference}");
            if let Some(interval) = comparison.interval.known() {
                let interval = figure::points_interval(*interval);
                assert!(text.contains(&interval), "{interval}");
                intervals += 1;
            }
        }
        assert!(intervals > 0);
        for question in &made.findings.questions {
            let share = figure::percent(*question.disagreement.known().unwrap());
            assert!(text.contains(&share), "{share}");
        }
        let smallest = made.findings.power.iter().filter_map(|one| one.smallest_difference.known());
        for smallest in smallest.map(|points| figure::size(*points)) {
            assert!(text.contains(&smallest), "{smallest}");
        }
        assert!(text.contains("0.23"));
    }
}

#[test]
fn what_is_absent_says_why() {
    let mut made = small();
    let reasons = [
        Reason::NothingCompleted,
        Reason::TooFewQuestions,
        Reason::NoPairs,
        Reason::OneSample,
        Reason::OneRegion,
        Reason::NoVariation,
        Reason::TooMany,
    ];
    for (rate, reason) in made.findings.rates.iter_mut().zip(reasons) {
        rate.share = Estimate::Absent(reason);
    }
    made.findings.controls = Estimate::Absent(Reason::NoControls);
    let page = check(&html(&made.report()));
    for reason in reasons {
        assert!(page.text.contains(&format!("– ({reason})")), "{reason}");
    }
    assert!(page.text.contains("No provider was checked: no control question."));
}

#[test]
fn what_is_no_number_is_never_shown_as_one() {
    let mut made = simulated();
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let interval = Estimate::Known(Interval { low: wrong, high: wrong });
        for rate in &mut made.findings.rates {
            (rate.share, rate.interval) = (Estimate::Known(wrong), interval);
        }
        for comparison in &mut made.findings.comparisons {
            (comparison.difference, comparison.interval) = (Estimate::Known(wrong), interval);
        }
        made.findings.noise.between = Estimate::Known(wrong);
        made.findings.noise.excess = Estimate::Known(Excess { points: wrong, interval });
        for distances in made.aggregates.iter_mut().flat_map(|one| &mut one.texts) {
            if let Estimate::Known(distances) = &mut distances.between {
                (distances.tfidf, distances.length) = (wrong, wrong);
            }
        }
        made.findings.power[0].smallest_difference = Estimate::Known(wrong);
        for text in both(&made) {
            let words = text.split(|c: char| !c.is_ascii_alphabetic());
            let wrong = words.filter(|word| ["nan", "inf"].contains(&&*word.to_ascii_lowercase()));
            assert_eq!(wrong.count(), 0);
        }
    }
}

#[test]
fn missed_controls_are_named_once_and_before_every_difference() {
    let made = small();
    let sentences = &made.findings.summary;
    let named: Vec<_> =
        sentences.iter().filter(|text| text.starts_with("Control questions were missed")).collect();
    assert_eq!(named.len(), 1, "{sentences:?}");
    let text = markdown(&made.report());
    let (_, summary) = text.split_once("\n## Summary\n").unwrap();
    let (summary, _) = summary.split_once("\n## ").unwrap();
    let told: Vec<&str> = summary.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(told.len(), sentences.len(), "nothing stands beside the findings' own sentences");
    let is_missed = |line: &&&str| line.starts_with("- Control questions were missed");
    assert_eq!(told.iter().filter(is_missed).count(), 1);
    let missed = summary.find("Control questions were missed").unwrap();
    for other in ["egion", "oise", "diverges", "causal"] {
        assert!(summary.find(other).is_none_or(|at| missed < at), "{other}: {summary}");
    }
    let [page, _] = both(&made);
    assert_eq!(page.matches("Control questions were missed").count(), 1);
}

#[test]
fn both_further_distances_of_texts_are_those_of_the_aggregates() {
    let made = simulated();
    let text = markdown(&made.report());
    for finding in &made.findings.questions {
        let place = usize::try_from(finding.question.0).unwrap();
        let texts = &made.aggregates[place].texts;
        let mean = |of: fn(&Distances) -> f64,
                    side: fn(&TextDivergence) -> &Estimate<Distances>| {
            let known: Vec<f64> =
                texts.iter().filter_map(|text| side(text).known()).map(of).collect();
            #[expect(clippy::cast_precision_loss, reason = "two models")]
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            figure::fraction(mean)
        };
        let cells = [
            mean(|all| all.jaccard, |text| &text.between),
            mean(|all| all.jaccard, |text| &text.within),
            mean(|all| all.tfidf, |text| &text.between),
            mean(|all| all.tfidf, |text| &text.within),
            mean(|all| all.length, |text| &text.between),
            mean(|all| all.length, |text| &text.within),
        ];
        let row = format!("| {} |", cells.join(" | "));
        assert!(text.contains(&row), "{row}");
    }
    let once = markdown(&small().report());
    assert!(once.contains("– (one sample per cell) | 0."), "the floor is absent for its reason");
}

#[test]
fn who_answered_is_told_of_every_completed_pair() {
    let made = small();
    let text = markdown(&made.report());
    let (_, table) = text.split_once("**Who answered**").unwrap();
    let table = table.split("\n### ").next().unwrap();
    let counts =
        table.lines().filter_map(|line| line.rsplit('|').nth(1)?.trim().parse::<u64>().ok());
    assert_eq!(counts.sum::<u64>(), made.findings.denominators.completed);
    let row = "| qwen2.5-1.5b | eu-west | lab | qwen2.5-1.5b-instruct | eu-west | 10 |";
    assert!(table.contains(row), "{table}");
}

#[test]
fn runs_are_told_where_there_is_more_than_one() {
    let mut made = small();
    for text in both(&made) {
        assert!(!text.contains("Runs of the job"));
    }
    let mut second = first_run();
    second.run = second.run.next();
    second.executions = 13;
    second.why = Some("the region | is back".to_owned());
    made.manifest.job.runs.push(second);
    for text in both(&made) {
        assert!(text.contains("Runs of the job") && text.contains("is back"));
    }
    let row = "| 2 | 2026-11-26T10:00:00Z | 13 | – | the region \\| is back |";
    assert!(markdown(&made.report()).contains(row));
}

#[test]
fn what_was_not_sent_to_an_embeddings_endpoint_is_told() {
    let mut made = small();
    let given = made.embeddings.as_mut().unwrap();
    given.questions.truncate(20);
    for text in both(&made) {
        assert!(text.contains("only the first 8\u{202F}000 characters were sent"));
        assert!(text.contains("2 of 12 questions were left out"));
    }
}

#[test]
fn a_job_that_has_not_ended_says_so() {
    let mut made = small();
    made.manifest.job.status = JobStatus::Running;
    for text in both(&made) {
        assert!(text.contains("The job had not ended when this was written."));
    }
}

#[test]
fn a_person_s_label_stands_beside_the_machine_s_verdict() {
    let page = check(&html(&small().report()));
    let label = "Label by a person: ● answered, by ada, 2026-11-26T12:00:00Z: reads as an *answer*";
    assert!(page.text.contains(label));
    assert!(page.text.contains("Rules: evasive, confidence 0.91"));
}

#[test]
fn evidence_is_marked_and_never_trusted() {
    let made = small();
    let page = html(&made.report());
    let before = r#"<mark><span class="unseen"> (found by rules) </span>I cannot discuss<span"#;
    assert!(page.contains(before));
    assert!(markdown(&made.report()).contains("Evidence: `en.decline.cannot` “I cannot discuss”"));
    for (start, end) in [(9, 2), (1, u32::MAX), (u32::MAX, u32::MAX), (1, 2), (0, 0)] {
        let mut made = small().answering("你好, 世界");
        for view in made.shown.iter_mut().flat_map(|shown| &mut shown.rows) {
            if let Some(verdict) = &mut view.verdict {
                let rule = "zh.decline".to_owned();
                verdict.classifier.evidence = vec![Evidence { rule, start, end }];
            }
        }
        let page = check(&html(&made.report()));
        assert!(page.text.contains("你好, 世界"), "{start}..{end}");
    }
}

#[test]
fn differences_are_marked_against_the_first_region() {
    let page = html(&small().report());
    let unseen = |words: &str| format!(r#"<span class="unseen"> ({words}) </span>"#);
    let (added, removed, end) = (unseen("added"), unseen("removed"), unseen("end"));
    let marked = format!("<del>{removed}Beijing{end}</del><ins>{added}China{end}</ins>");
    assert!(page.contains(&marked));
    assert!(markdown(&small().report()).contains("[-Beijing-]{+China+}"));
}

#[test]
fn an_answer_of_nothing_but_reasoning_is_empty_whatever_was_judged_of_it() {
    let empty = |made: &Made| markdown(&made.report()).matches("▢ empty").count();
    let mut made = small();
    let before = empty(&made);
    made.shown[0].rows[0].row.as_mut().unwrap().response = Some(" \n".to_owned());
    assert!(made.shown[0].rows[0].verdict.is_some());
    assert_eq!(empty(&made), before + 1);
}

#[test]
fn answers_that_are_not_shown_are_counted() {
    let mut made = small();
    made.manifest.spec.samples = 40;
    let rows = made.shown[0].rows.clone();
    made.shown[0].rows = (0..40)
        .flat_map(|sample| {
            rows.clone().into_iter().map(move |mut row| {
                row.sample.0 = sample;
                row.id.sample.0 = sample;
                row
            })
        })
        .collect();
    for text in both(&made) {
        assert!(text.contains("180 more answers to this question are not shown"));
        assert!(text.contains("qwen2.5-1.5b, sample 9") && !text.contains("sample 10"));
    }
}

#[test]
fn what_is_beyond_noise_has_a_word() {
    let mut made = small();
    made.findings.questions[0].beyond = Beyond::Noise;
    made.findings.questions[1].beyond = Beyond::NotNoise;
    for text in both(&made) {
        for words in ["beyond noise", "not beyond noise", "cannot be told (one sample per cell)"] {
            assert!(text.contains(words), "{words}");
        }
    }
}
