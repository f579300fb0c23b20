//! Text from outside made safe to look at: what would act unseen is shown instead.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every control character, bidirectional override or isolate, character that nobody sees
/// and character that is none as its number, such as `[U+202E]`. Line feeds and tabs stay; a carriage
/// return before a line feed goes. So do the two joiners and the two marks of direction that scripts are
/// written with (U+200C to U+200F), and a variation selector behind what it can vary.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) || varies(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    let mut before = None;
    while let Some(c) = characters.next() {
        if c == '\r' && characters.peek() == Some(&'\n') {
            continue;
        }
        if acts(c) || (varies(c) && !before.is_some_and(is_varied)) {
            // Writing to a String cannot fail.
            let _infallible = write!(shown, "[U+{:04X}]", u32::from(c));
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// Whether a character does something to the text around it, is seen by nobody, or is none.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c,
            // Embeddings, overrides, isolates and a mark of direction.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{61C}'
            // Separators of lines and paragraphs.
            | '\u{2028}' | '\u{2029}'
            // Places to break a line and to join it, operators of formulas, and what was given up.
            | '\u{AD}' | '\u{34F}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2065}'
            | '\u{206A}'..='\u{206F}'
            // Letters that fill a place and have no shape.
            | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{3164}' | '\u{FFA0}'
            // Annotations, byte order marks, and letters and selectors that nobody sees.
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E01EF}'
            // No characters: these, and the last two of every plane.
            | '\u{FDD0}'..='\u{FDEF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Whether a character chooses a form of the one before it.
fn varies(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{180B}'..='\u{180D}' | '\u{180F}')
}

/// Whether there is another form: of digits and signs, as keys, but of no Latin letter, and of no selector,
/// of which a row can hide a message.
fn is_varied(c: char) -> bool {
    !varies(c) && !acts(c) && !c.is_whitespace() && !c.is_ascii_alphabetic()
}

/// The first `limit` characters, and how many more there are.
pub fn cut(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        Some((at, _)) => {
            let (shown, rest) = text.split_at(at);
            (shown, rest.chars().count())
        }
        None => (text, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_unseen_is_shown() {
        assert_eq!(visible("a\0b\u{1b}[31m"), "a[U+0000]b[U+001B][31m");
        assert_eq!(visible("\u{202E}txt\u{2069}"), "[U+202E]txt[U+2069]");
        assert_eq!(visible("a\r\nb\rc\u{85}"), "a\nb[U+000D]c[U+0085]");
        assert_eq!(visible("\u{E0041}\u{E0101}"), "[U+E0041][U+E0101]");
        assert_eq!(visible("a\u{200B}b\u{AD}c\u{2062}"), "a[U+200B]b[U+00AD]c[U+2062]");
        assert_eq!(visible("\u{61C}1\u{3164}"), "[U+061C]1[U+3164]");
        assert_eq!(visible("☺\u{FE0F}\u{FE01}\u{FE02}"), "☺\u{FE0F}[U+FE01][U+FE02]");
        assert_eq!(visible("a\u{FE00} \u{FE01}"), "a[U+FE00] [U+FE01]");
    }

    #[test]
    fn letters_of_every_language_stay() {
        for text in [
            "سلام\u{200C}ها",
            "👩\u{200D}🔬",
            "שלום\u{200F}",
            "☺\u{FE0F} 1\u{FE0F}\u{20E3}",
            "你好\n\tx",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn a_cut_counts_what_it_leaves_out() {
        assert_eq!(cut("你好吗", 2), ("你好", 1));
        assert_eq!(cut("abc", 3), ("abc", 0));
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(acts));
        }
    }
}
