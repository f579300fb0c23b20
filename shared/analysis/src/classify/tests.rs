//! Texts and what they say. All written for this purpose.

mod chinese;
mod declining;
mod declining_romance;
mod east_asian;
mod english;
mod languages;
mod properties;
mod short_answers;
mod short_refusals;
mod traps;

use beacon_core::verdict::Verdict;

use super::Classifier;

/// What a case allows.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// An answer.
    Answer,
    /// A refusal, in whole or in part.
    Refusal,
    /// Another topic, a canned line, balance without content.
    Evasion,
    /// Anything but an answer: where people differ on which.
    NoAnswer,
}

impl Says {
    fn allows(self, verdict: Verdict) -> bool {
        match self {
            Self::Answer => verdict == Verdict::Answered,
            Self::Refusal => matches!(verdict, Verdict::Refused | Verdict::PartlyRefused),
            Self::Evasion => verdict == Verdict::Evasive,
            Self::NoAnswer => verdict != Verdict::Answered,
        }
    }
}

/// Fails with all cases that are judged otherwise.
fn check(cases: &[(Says, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(says, text)| {
            let judgement = Classifier::built_in().classify(text);
            let rules: Vec<&str> = judgement.evidence.iter().map(|e| e.rule.as_str()).collect();
            (!says.allows(judgement.verdict))
                .then(|| format!("{says:?} but {:?}: {text} {rules:?}", judgement.verdict))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Fails with all of `texts` that are judged otherwise than `says`.
fn check_all(says: Says, texts: &[&str]) {
    let cases: Vec<(Says, &str)> = texts.iter().map(|text| (says, *text)).collect();
    check(&cases);
}
