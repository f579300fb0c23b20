//! Every colour of the page that words stand in, against what it stands on.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../html/style.css");

/// Words and what is behind them, as the style names them.
const PAIRS: [(&str, &str); 19] = [
    ("ink", "paper"),
    ("ink", "panel"),
    ("ink", "notice"),
    ("ink", "mark"),
    ("soft", "paper"),
    ("soft", "panel"),
    ("link", "paper"),
    ("strict", "paper"),
    ("broad", "paper"),
    ("added-ink", "added"),
    ("added-ink", "mark"),
    ("removed-ink", "removed"),
    ("a-ink", "a"),
    ("p-ink", "p"),
    ("r-ink", "r"),
    ("e-ink", "e"),
    ("b-ink", "b"),
    ("f-ink", "f"),
    ("notice-line", "paper"),
];

/// Colours by name, those of an earlier part of the style where this one has none.
fn colours(part: &str, earlier: &BTreeMap<String, [f64; 3]>) -> BTreeMap<String, [f64; 3]> {
    let mut all = earlier.clone();
    for entry in part.split("--").skip(1) {
        let Some((name, value)) = entry.split_once(": #") else { continue };
        let hex: String = value.chars().take_while(char::is_ascii_hexdigit).collect();
        let each = hex.len() / 3;
        let channel = |at: usize| {
            let digits = hex[at * each..(at + 1) * each].repeat(if each == 1 { 2 } else { 1 });
            f64::from(u8::from_str_radix(&digits, 16).unwrap()) / 255.0
        };
        all.insert(name.to_owned(), [channel(0), channel(1), channel(2)]);
    }
    all
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// WCAG 2.2, contrast ratio.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn words_can_be_read_in_light_in_dark_and_on_paper() {
    let (light, rest) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let (dark, rest) = rest.split_once("* {").unwrap();
    let (_, paper) = rest.split_once("@media print").unwrap();
    let light = colours(light, &BTreeMap::new());
    for part in [light.clone(), colours(dark, &light), colours(paper, &light)] {
        for (words, behind) in PAIRS {
            let ratio = contrast(part[words], part[behind]);
            assert!(ratio >= 4.5, "{words} on {behind}: {ratio:.2}");
        }
    }
}

#[test]
fn what_matters_differs_in_grey() {
    let light = colours(STYLE.split_once("@media").unwrap().0, &BTreeMap::new());
    for (one, other) in [("a", "r"), ("p", "r"), ("e", "r"), ("a", "e"), ("p", "e")] {
        let ratio = contrast(light[one], light[other]);
        assert!(ratio >= 1.5, "{one} beside {other}: {ratio:.2}");
    }
}
