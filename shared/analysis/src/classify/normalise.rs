//! A text as the rules are written: small letters, one apostrophe, no accents, one kind of Chinese character.

use std::sync::LazyLock;

/// Pairs of a traditional character and its simplified form, one pair after the other.
static TRADITIONAL: &str = include_str!("../../rules/traditional.txt");

/// First and last character of the block that the table of Chinese characters covers.
const HAN: std::ops::RangeInclusive<u32> = 0x4E00..=0x9FFF;

/// For each character of [`HAN`] its simplified form.
static SIMPLIFIED: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut table: Vec<char> = HAN.filter_map(char::from_u32).collect();
    let mut characters = TRADITIONAL.chars().filter(|c| !c.is_whitespace());
    while let (Some(from), Some(to)) = (characters.next(), characters.next()) {
        if let Some(entry) = table.get_mut(han_index(from)) {
            *entry = to;
        }
    }
    table
});

fn han_index(c: char) -> usize {
    (u32::from(c).wrapping_sub(*HAN.start())) as usize
}

/// A normalised text, and where each of its bytes stood.
#[derive(Debug, Default)]
pub(super) struct Normalised {
    /// What the rules are matched on. Line breaks are kept.
    pub(super) text: String,
    /// For each byte of `text`, and for its end, the byte of the original at which its character began.
    origins: Vec<u32>,
}

impl Normalised {
    /// Normalises `original`, of which `from` is the first byte that is looked at.
    pub(super) fn new(original: &str, from: usize) -> Self {
        let rest = original.get(from..).unwrap_or_default();
        let mut done = Self {
            text: String::with_capacity(rest.len() + 16),
            origins: Vec::with_capacity(rest.len() + 16),
        };
        let mut tail = rest;
        while let Some(c) = tail.chars().next() {
            let origin = u32::try_from(original.len() - tail.len()).unwrap_or(u32::MAX);
            let (plain, after) = tail.split_at(plain_bytes(tail));
            if !plain.is_empty() {
                done.plain(plain, origin);
                tail = after;
                continue;
            }
            if c.is_ascii() {
                done.ascii(c, origin);
            } else {
                done.wide(c, origin);
            }
            tail = tail.get(c.len_utf8()..).unwrap_or_default();
        }
        done.origins.push(u32::try_from(original.len()).unwrap_or(u32::MAX));
        done
    }

    /// The bytes of the original that `start..end` of the normalised text came from.
    pub(super) fn origin(&self, start: usize, end: usize) -> (u32, u32) {
        let at = |index: usize| self.origins.get(index).or(self.origins.last()).copied();
        (at(start).unwrap_or_default(), at(end).unwrap_or_default())
    }

    /// A run of ASCII of which only the case changes: most of most texts.
    fn plain(&mut self, run: &str, origin: u32) {
        let start = self.text.len();
        self.text.push_str(run);
        if let Some(run) = self.text.get_mut(start..) {
            run.make_ascii_lowercase();
        }
        self.origins.extend((origin..).take(run.len()));
    }

    fn ascii(&mut self, c: char, origin: u32) {
        match c {
            // Emphasis: `I **cannot** help`.
            '*' | '_' => {}
            '\n' => self.push('\n', origin),
            c if c.is_ascii_whitespace() || c.is_ascii_control() => self.space(origin),
            c => self.push(c.to_ascii_lowercase(), origin),
        }
    }

    fn wide(&mut self, c: char, origin: u32) {
        match c {
            '\u{4E00}'..='\u{9FFF}' => {
                self.push(SIMPLIFIED.get(han_index(c)).copied().unwrap_or(c), origin);
            }
            '’' | '‘' | 'ʼ' | '′' | '´' | 'ʹ' | 'ꞌ' | '‛' | 'ʻ' => {
                self.push('\'', origin);
            }
            '\u{2010}'..='\u{2015}' | '−' => self.push('-', origin),
            // The end of a sentence, whatever follows: a space keeps it apart.
            '。' | '．' | '｡' => self.push('。', origin),
            '！' | '？' | '؟' => {
                self.push(if c == '！' { '!' } else { '?' }, origin);
                self.space(origin);
            }
            '\u{FF01}'..='\u{FF5E}' => {
                let narrow = char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c);
                self.ascii(narrow, origin);
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' => self.push('\n', origin),
            c if is_dropped(c) => {}
            c if c.is_whitespace() => self.space(origin),
            c => self.letter(c, origin),
        }
    }

    fn letter(&mut self, c: char, origin: u32) {
        for small in c.to_lowercase() {
            match plain(small) {
                Plain::One(c) => self.push(c, origin),
                Plain::Two(first, second) => {
                    self.push(first, origin);
                    self.push(second, origin);
                }
            }
        }
    }

    /// One space, however many there were.
    fn space(&mut self, origin: u32) {
        if !self.text.ends_with([' ', '\n']) {
            self.push(' ', origin);
        }
    }

    fn push(&mut self, c: char, origin: u32) {
        let before = self.text.len();
        self.text.push(c);
        for _ in before..self.text.len() {
            self.origins.push(origin);
        }
    }
}

/// Bytes at the beginning of `text` of which only the case changes.
fn plain_bytes(text: &str) -> usize {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'_');
    text.bytes().position(|byte| !is_plain(byte)).unwrap_or(text.len())
}

/// What is seen by nobody, or only as a mark on its letter.
fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{0300}'..='\u{036F}'
            | '\u{0640}'
            | '\u{064B}'..='\u{0652}'
            | '¿'
            | '¡'
    )
}

enum Plain {
    One(char),
    Two(char, char),
}

/// A small letter without its accent.
fn plain(c: char) -> Plain {
    Plain::One(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'й' => 'и',
        'ё' => 'е',
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        'ة' => 'ه',
        'ß' => return Plain::Two('s', 's'),
        'æ' => return Plain::Two('a', 'e'),
        'œ' => return Plain::Two('o', 'e'),
        c => c,
    })
}

/// Of a script that writes words without spaces between them, or joins particles to them.
pub(super) fn is_joined(c: char) -> bool {
    matches!(
        u32::from(c),
        0x0600..=0x06FF | 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF
    )
}

/// How much a character says beside a Latin letter: three for Chinese, Japanese and Korean, else one.
pub(super) fn weight(c: char) -> u32 {
    if matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF) { 3 } else { 1 }
}
