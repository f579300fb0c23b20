//! How the figures were made, and what they do not show.

use super::Report;
use super::document::{Block, Line, Section, Span, words};
use super::provenance::VERSION;
use super::wording::limit;
use crate::findings::MadeUp;

/// Each method, its name and what it does: a term and a sentence.
const METHODS: [(&str, &str); 16] = [
    (
        "Verdict",
        "Rules read each completed text and say answered, refused, partly refused or evasive. A \
         person’s label, where there is one, counts instead. Confidence is not a probability.",
    ),
    ("Share", "Refusals divided by completed pairs. Pairs that did not complete enter none."),
    (
        "Interval of a share",
        "Wilson’s score interval at 95 %, on the effective number of pairs: their number divided by \
         the design effect of questions as clusters, times (t(n − 1) ÷ t(k − 1))² for n pairs of k \
         questions, which widens it where questions are few. To the design effect one more question \
         is added, all pairs of which agree: a few questions may by chance hold hardly a refusal. Of \
         one question it is Wilson’s interval of its own pairs.",
    ),
    ("Difference", "Of two shares over the same pairs, in percentage points."),
    (
        "Interval of a difference",
        "Tango’s score interval for pairs at 95 %, on the effective number of them, which is that of a \
         share; only the variance of the added question is another, that of Bonett and Price.",
    ),
    (
        "McNemar, exact",
        "Of the pairs whose two sides differ, how likely a division at least as uneven is where both \
         directions are as likely (binomial, one half).",
    ),
    (
        "Cochran’s Q",
        "The same for three and more sides: whether shares differ at all, over questions that \
         completed on every side.",
    ),
    (
        "Permutation within questions",
        "Where the two do not hold: sides are exchanged within each question, all its pairs together, \
         and the difference is compared with those that come of it.",
    ),
    (
        "Permutation of answers over regions",
        "Answers to a question by a model are dealt to its regions at random; how often they then differ \
         between regions as much as they do.",
    ),
    (
        "Holm; Benjamini and Hochberg",
        "Both raise p for the number of tests. At 5 %, Holm keeps the chance of any false finding among \
         all at 5 % at most; of what is found by Benjamini and Hochberg, one in twenty is expected to be \
         false at most.",
    ),
    (
        "Noise floor",
        "How often two samples of one cell differ in their category. Without samples there is none.",
    ),
    (
        "Distance of texts",
        "Jaccard: one minus the words that both have, divided by the words that either has. Means over \
         pairs of texts, then over models.",
    ),
    (
        "TF-IDF",
        "One minus the cosine of the weights of two texts’ words: how often a word is there, more where \
         fewer texts of the question have it.",
    ),
    ("Length", "One minus the characters of the shorter text ÷ those of the longer."),
    (
        "Cosine distance",
        "One minus the cosine of two answers’ vectors, as an embedding model gives them, from 0 to 2; \
         means over pairs of one model’s answers. Only where an embeddings endpoint was asked.",
    ),
    (
        "Smallest difference",
        "What a comparison would have found with a probability of 80 %, at 5 % divided by the number of \
         comparisons (the first step of Holm), if it lay wholly in some of the questions. Of a \
         dimension’s comparisons it is that of the one that could have shown least.",
    ),
];

/// How each figure is made.
pub(super) fn method(report: &Report<'_>) -> Section {
    let lines = METHODS.iter().map(|(name, text)| -> Line {
        vec![Span::Strong(format!("{name}.")), Span::Words(format!(" {text}"))]
    });
    let (rules, version) = (&report.findings.rules.0, report.findings.method);
    let more = vec![
        Span::Words("Formulas and their sources are in the file ".to_owned()),
        Span::Code("docs/method.md".to_owned()),
        Span::Words(format!(" of the source code of Beacon {VERSION}. This report is by rules ")),
        Span::Code(rules.clone()),
        Span::Words(format!(" and method {version}.")),
    ];
    let blocks = vec![Block::List(lines.collect()), Block::Paragraph(more)];
    Section { id: "method", title: "Method", blocks }
}

/// What the findings do not show.
pub(super) fn limits(report: &Report<'_>, made_up: MadeUp) -> Section {
    let lines = report.findings.limits.iter().map(|of| words(limit(*of, made_up)));
    Section { id: "limits", title: "Limits", blocks: vec![Block::List(lines.collect())] }
}
