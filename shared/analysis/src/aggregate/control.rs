//! Whether an answer holds what a control question expects.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// What a hyphen joins to a number after it, in English and French.
const TENS: [&str; 17] = [
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "vingt",
    "trente",
    "quarante",
    "cinquante",
    "soixante",
    "quatre",
    "dix",
    "et",
    "cent",
];

/// Expected texts, ready to be looked for.
#[derive(Debug)]
pub(super) struct Expected(Vec<Sought>);

#[derive(Debug)]
enum Sought {
    /// Words that must follow each other, whole: `4` is not in `42`.
    Words(Vec<String>),
    /// Characters that must follow each other: of a script without spaces, where words have no ends.
    Characters(String),
}

impl Expected {
    /// Of a question; none where it expects nothing.
    pub(super) fn of(expect: &[String]) -> Option<Self> {
        let sought: Vec<Sought> = expect.iter().filter_map(|text| Sought::new(text)).collect();
        (!expect.is_empty()).then_some(Self(sought))
    }

    /// Whether an answer holds at least one of them. Upper and lower case, full-width forms and kinds of
    /// apostrophes make no difference.
    pub(super) fn is_in(&self, answer: &str) -> bool {
        let answer = normal(answer);
        let words = split(&answer);
        self.0.iter().any(|sought| match sought {
            Sought::Words(sought) => words.windows(sought.len()).any(|part| part == sought),
            Sought::Characters(sought) => answer.contains(sought),
        })
    }
}

impl Sought {
    /// None of a text without a word, which no answer can be held to.
    fn new(text: &str) -> Option<Self> {
        let text = normal(text);
        let words: Vec<String> = split(&text).into_iter().map(str::to_owned).collect();
        if words.is_empty() {
            None
        } else if text.chars().any(without_spaces) {
            Some(Self::Characters(text.trim().to_owned()))
        } else {
            Some(Self::Words(words))
        }
    }
}

/// One form for what reads the same: NFKC (which has no full-width forms), lower case, one apostrophe, one
/// hyphen, which is the minus too.
fn normal(text: &str) -> String {
    let text: String = text.nfkc().collect();
    let text = text.to_lowercase().replace(['\u{2018}', '\u{2019}', '\u{02bc}', '`'], "'");
    text.replace(['\u{2010}', '\u{2011}', '\u{2212}'], "-")
}

/// Words. Numbers that a sign joins are one, as is a number with its minus, and one in words: `4` is neither in
/// `1989-6-4` nor in `-4`, `four` not in `twenty-four`. `4.0` is `4`.
fn split(text: &str) -> Vec<&str> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (start, word) in text.unicode_word_indices() {
        let span = start..start + word.len();
        match spans.last_mut() {
            Some(last) if joined(text, last, &span) => last.end = span.end,
            Some(_) | None => spans.push(signed(text, span)),
        }
    }
    let words = spans.into_iter().filter_map(|span| text.get(span));
    words.map(|word| whole(word.trim_matches('_'))).collect()
}

fn joined(text: &str, before: &Range<usize>, after: &Range<usize>) -> bool {
    let sign = text.get(before.end..after.start);
    let digits =
        |span: &Range<usize>| text.get(span.clone()).is_some_and(|word| word.ends_with(is_digit));
    let tens = text
        .get(before.clone())
        .is_some_and(|word| TENS.contains(&word.rsplit('-').next().unwrap_or(word)));
    matches!(sign, Some("-" | "/" | ":")) && digits(before) && digits(after)
        || sign == Some("-") && tens
}

/// A number without decimals that are nought; three of them may be thousands.
fn whole(word: &str) -> &str {
    let short = [".00", ",00", ".0", ",0"].into_iter().find_map(|end| word.strip_suffix(end));
    short.filter(|short| short.bytes().all(|b| b == b'-' || b.is_ascii_digit())).unwrap_or(word)
}

fn signed(text: &str, span: Range<usize>) -> Range<usize> {
    let number = text.get(span.clone()).is_some_and(|word| word.starts_with(is_digit));
    let mut before = text.get(..span.start).unwrap_or_default().chars().rev();
    let minus = before.next() == Some('-') && !before.next().is_some_and(char::is_alphanumeric);
    if number && minus { span.start - 1..span.end } else { span }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Of a script that is written without spaces between words.
fn without_spaces(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}') // Han
}
