//! What holds of every text.

use beacon_core::verdict::{MAX_EVIDENCE, Verdict};
use proptest::prelude::*;

use super::super::normalise::Normalised;
use super::super::rules::{Kind, Rules};
use super::super::{Classifier, LANGUAGES, MODEL, ModelFile};

/// Pieces that meet in no sensible text: quotes that do not close, marks, scripts, half phrases.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("I can’t ".to_owned()),
        Just("help with that. ".to_owned()),
        Just("抱歉，我無法".to_owned()),
        Just("回答。".to_owned()),
        Just("<think>".to_owned()),
        Just("</think>".to_owned()),
        Just("```".to_owned()),
        Just("\"".to_owned()),
        Just("„«「".to_owned()),
        Just("\n> ".to_owned()),
        Just("a: b\n".to_owned()),
        Just("e\u{301}ＡＢ\u{200B}".to_owned()),
        Just("ßÆ…ﷺ".to_owned()),
        "\\PC{0,12}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn evidence_lies_within_the_text_and_a_text_has_one_judgement(text in pieces()) {
        let judgement = Classifier::built_in().classify(&text);
        prop_assert!(judgement.evidence.len() <= MAX_EVIDENCE);
        prop_assert!((0.0..=1.0).contains(&judgement.confidence));
        for evidence in &judgement.evidence {
            let (start, end) = (evidence.start as usize, evidence.end as usize);
            prop_assert!(start < end);
            prop_assert!(text.get(start..end).is_some(), "{start}..{end} of {text:?}");
        }
        prop_assert_eq!(Classifier::built_in().classify(&text), judgement);
    }

    #[test]
    fn every_feature_is_between_0_and_1(text in pieces()) {
        for value in Classifier::built_in().features(&text) {
            prop_assert!((0.0..=1.0).contains(&value), "{value}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{0,60}") {
        let once = Normalised::new(&text, 0).text;
        prop_assert_eq!(&Normalised::new(&once, 0).text, &once);
    }
}

#[test]
fn evidence_shows_the_words_that_were_matched() {
    let text = "Well. I’m sorry, but I can’t\u{200B} help with that.";
    let judgement = Classifier::built_in().classify(text);
    let strongest = judgement.evidence.first().expect("a refusal has evidence");
    assert_eq!(
        &text[strongest.start as usize..strongest.end as usize],
        "I’m sorry, but I can’t\u{200B} help"
    );
    assert_eq!(strongest.rule, "en.stem.cannot");
}

#[test]
fn a_huge_hostile_text_is_judged() {
    for piece in [
        "I can't \"",
        "「",
        "```a",
        "a:b\n",
        "I am do not ",
        "I'm sorry. However, I can. ",
        "sorry, I can't wait ",
        "> I can't\n",
        "<think></think>",
        "\n",
        "我对无法",
    ] {
        let text = piece.repeat(256 * 1024 / piece.len());
        let judgement = Classifier::built_in().classify(&text);
        assert!((0.0..=1.0).contains(&judgement.confidence), "{piece}");
    }
}

#[test]
fn the_built_in_rules_are_as_rules_should_be() {
    let rules = Rules::read(&LANGUAGES).expect("rules");
    let file = ModelFile::read(MODEL).expect("weights");
    assert!(file.model().is_ok());
    assert_eq!(Classifier::built_in().rules().0, file.version);
    for (name, _) in LANGUAGES {
        let language = name.trim_end_matches(".toml");
        let declines =
            rules.all().filter(|r| r.id.starts_with(language) && r.kind == Kind::Decline);
        assert!(declines.count() >= 2, "{name}");
    }
}

#[test]
fn rules_that_say_nothing_are_refused() {
    let empty = "language = \"xx\"\n[[rule]]\nid = \"a\"\nkind = \"decline\"\nphrases = [\"*\"]\n";
    let error = Rules::read(&[("xx.toml", empty)]).expect_err("a phrase without a letter");
    assert!(error.to_string().contains("xx.a"), "{error}");
    let twice = "language = \"xx\"\n[[rule]]\nid = \"a\"\nkind = \"decline\"\nphrases = [\"Élan\"]\n\
        [[rule]]\nid = \"b\"\nkind = \"policy\"\nphrases = [\"^elan\"]\n";
    let error = Rules::read(&[("xx.toml", twice)]).expect_err("a phrase of two rules");
    assert!(error.to_string().contains("xx.a"), "{error}");
    let unclosed =
        "language = 'xx'\n[[rule]]\nid = 'a'\nkind = 'decline'\nphrases = ['I {can|will not']";
    let error = Rules::read(&[("xx.toml", unclosed)]).expect_err("a brace that stays open");
    assert!(error.to_string().contains("does not close"), "{error}");
    let unknown = "language = \"xx\"\n[[rule]]\nid = \"a\"\nkind = \"shout\"\nphrases = [\"b\"]\n";
    let error = Rules::read(&[("xx.toml", unknown)]).expect_err("no such kind");
    assert!(error.to_string().contains("xx.toml"), "{error}");
}

#[test]
fn capitals_are_looked_at_in_the_answer_alone() {
    let says = |text: &str| Classifier::built_in().classify(text).verdict;
    assert_eq!(says("<think>hm</think>SAFETY"), Verdict::Evasive);
    assert_eq!(says("<think>SAFETY</think>Safety"), Verdict::Answered);
    assert_eq!(says("<think>SAFETY</think>Paris"), Verdict::Answered);
}
