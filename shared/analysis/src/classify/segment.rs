//! Where the answer begins, where its sentences end, and what in it is somebody else's words.

use std::ops::Range;

/// How a model's reasoning is marked when it stands in the answer: opening and closing mark.
const REASONING: [(&str, &str); 5] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
];

/// Lines with a speaker's name before the words are dialogue from this many on.
const SPEAKERS: usize = 2;
/// Bytes of a speaker's name at most.
const NAME: usize = 32;
/// What stands before a colon and is nobody's name.
const NOTES: [&str; 8] =
    ["note", "disclaimer", "warning", "answer", "response", "assistant", "ai", "important"];
/// Of a text of which more than this share is quoted, the quotation is the answer,
const QUOTED_SHARE: f64 = 0.8;
/// if it has so few sentences: longer, it is a text that was asked for, such as a letter that declines.
const QUOTED_SENTENCES: usize = 2;

/// First byte of the answer itself: after a model's reasoning, if that was closed.
pub(super) fn answer_start(text: &str) -> usize {
    for (open, close) in REASONING {
        // To look for one character is faster by far, and most texts have none of them.
        if !close.chars().next().is_some_and(|first| text.contains(first)) {
            continue;
        }
        let opened = text.trim_start().starts_with(open);
        // Some gateways cut the opening mark away.
        let found = if opened { text.rfind(close) } else { None };
        let lone = || if text.contains(open) { None } else { text.find(close) };
        if let Some(at) = found.or_else(lone) {
            return at + close.len();
        }
    }
    0
}

/// The byte ranges of the sentences of a normalised text, in order, none blank.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let end = at + 1;
        let ends = match byte {
            b'\n' => line_ends(text, start, at),
            b'!' | b'?' => before_space(bytes, end),
            b'.' => before_space(bytes, end) && !abbreviated(bytes, at) && !cites(text, at),
            // The last byte of 。, which no other character of three bytes shares with its first two.
            0x82 => at >= 2 && bytes.get(at - 2..end) == Some("。".as_bytes()),
            _ => false,
        };
        if ends {
            push(text, start..end, &mut found);
            start = end;
        }
    }
    push(text, start..bytes.len(), &mut found);
    found
}

fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(sentence) = text.get(range.clone()) else { return };
    let trimmed = sentence.trim_start();
    let start = range.end - trimmed.len();
    let end = start + trimmed.trim_end().len();
    if trimmed.chars().any(char::is_alphanumeric) {
        found.push(start..end);
    }
}

/// A line break ends a sentence unless a long line was merely wrapped.
fn line_ends(text: &str, start: usize, at: usize) -> bool {
    let next = text.as_bytes().get(at + 1);
    let wrapped = at.saturating_sub(start) >= 60
        && next.is_some_and(u8::is_ascii_lowercase)
        && text.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()));
    !wrapped
}

fn before_space(bytes: &[u8], at: usize) -> bool {
    bytes
        .get(at)
        .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b')' | 0xE2))
}

/// `u.s.` and the `1.` of a list end no sentence.
fn abbreviated(bytes: &[u8], dot: usize) -> bool {
    let Some(last) = dot.checked_sub(1).and_then(|at| bytes.get(at)) else { return false };
    let before = dot.checked_sub(2).and_then(|at| bytes.get(at));
    let opens = before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    last.is_ascii_alphanumeric() && opens && before.is_some()
}

/// What is shortened before a number, as laws are cited: `art. 5`, `ст. 111`.
const CITED: [&str; 7] = ["art", "abs", "nr", "num", "ст", "п", "гл"];

/// Whether a full stop is that of a citation.
fn cites(text: &str, dot: usize) -> bool {
    let number =
        |after: &str| after.trim_start_matches(' ').starts_with(|c: char| c.is_ascii_digit());
    let cited = |before: &str| {
        CITED.iter().any(|word| {
            let rest = before.strip_suffix(word);
            rest.is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
        })
    };
    text.get(dot + 1..).is_some_and(number) && text.get(..dot).is_some_and(cited)
}

/// Parts of a text, put together where they overlap, so that one look tells whether a byte is in them.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Range<usize>>);

impl Spans {
    /// The bytes that are in any of `ranges`.
    pub(super) fn new(mut ranges: Vec<Range<usize>>) -> Self {
        ranges.sort_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        Self(apart)
    }

    /// Whether any byte of `range` is in them.
    pub(super) fn overlap(&self, range: &Range<usize>) -> bool {
        let next = self.0.partition_point(|span| span.end <= range.start);
        self.0.get(next).is_some_and(|span| span.start < range.end)
    }

    fn len(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }
}

/// What is quoted, code, or a character's lines, in a text of so many sentences. Nothing where a short quotation is
/// nearly all there is.
pub(super) fn quoted(text: &str, sentences: usize) -> Spans {
    let mut found = Vec::new();
    fences(text, &mut found);
    quotation_marks(text, &mut found);
    quoted_lines(text, &mut found);
    let found = Spans::new(found);
    #[expect(clippy::cast_precision_loss, reason = "a share of a text's bytes")]
    let share = found.len() as f64 / text.trim().len().max(1) as f64;
    let short = sentences <= QUOTED_SENTENCES;
    if share > QUOTED_SHARE && short { Spans::default() } else { found }
}

fn fences(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(open) = text.get(from..).and_then(|rest| rest.find("```")) {
        let start = from + open;
        let inner = start + 3;
        let close = text.get(inner..).and_then(|rest| rest.find("```"));
        let end = close.map_or(text.len(), |at| inner + at + 3);
        found.push(start..end);
        from = end;
    }
}

fn closing(c: char) -> Option<char> {
    Some(match c {
        '"' => '"',
        '“' => '”',
        '„' => '“',
        // Finnish and Swedish open as they close.
        '”' => '”',
        '«' => '»',
        '»' => '«',
        '「' => '」',
        '『' => '』',
        '《' => '》',
        '`' => '`',
        _ => return None,
    })
}

/// Whether a mark that closes in most languages opens here: after a blank or a bracket, before a word.
fn opens(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text.get(at..).and_then(|mark| mark.chars().nth(1));
    before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '['))
        && after.is_some_and(|c| !c.is_whitespace())
}

/// What stands between quotation marks of one line.
fn quotation_marks(text: &str, found: &mut Vec<Range<usize>>) {
    let mut open: Option<(usize, char)> = None;
    for (at, c) in text.char_indices() {
        if c == '\n' {
            open = None;
            continue;
        }
        match open {
            Some((start, until)) if c == until || matches!((until, c), ('“', '”') | ('«', '»')) =>
            {
                found.push(start..at + c.len_utf8());
                open = None;
            }
            Some(_) => {}
            None if c == '”' && !opens(text, at) => {}
            None => open = closing(c).map(|until| (at, until)),
        }
    }
}

/// Block quotes, comments of code, and lines with a speaker's name.
fn quoted_lines(text: &str, found: &mut Vec<Range<usize>>) {
    let mut spoken = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let start = line.trim_start();
        if start.starts_with('>') || start.starts_with("//") {
            found.push(range);
        } else if has_speaker(start) {
            spoken.push(range);
        }
    }
    if spoken.len() >= SPEAKERS {
        found.append(&mut spoken);
    }
}

/// `guard: you shall not pass`; a list's items and notes to the reader are no speech.
fn has_speaker(line: &str) -> bool {
    let Some(colon) = line.find(':').filter(|at| *at > 0 && *at <= NAME) else { return false };
    let name = line.get(..colon).unwrap_or_default();
    let rest = line.get(colon + 1..).unwrap_or_default();
    name.chars().all(|c| c.is_alphabetic() || c == ' ' || c == '\'')
        && rest.starts_with(' ')
        && rest.trim().len() > 1
        && !NOTES.contains(&name)
}
