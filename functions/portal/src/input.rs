//! Names and values as an address or a form carries them.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What need not be escaped in a value.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Fields in their order; a name may stand more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input(Vec<(String, String)>);

impl Input {
    /// Of `application/x-www-form-urlencoded`, which is also what stands behind an address.
    pub(crate) fn read(text: &str) -> Self {
        let decoded = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        let fields = text.split('&').filter(|field| !field.is_empty());
        Self(
            fields
                .map(|field| {
                    let (name, value) = field.split_once('=').unwrap_or((field, ""));
                    (decoded(name), decoded(value))
                })
                .collect(),
        )
    }

    /// Of fields that are there already.
    pub(crate) fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The first value of that name, without blanks around it; none where it is blank.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The first value of that name as it was sent.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_str())
    }

    /// All values of that name that are not blank.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(named, _)| named == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The same with one field set to another value, or without it.
    #[must_use]
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut fields = self.0.clone();
        fields.retain(|(named, _)| named != name);
        fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Self(fields)
    }

    /// As it stands behind an address, with `?` before it; nothing where there is nothing.
    pub(crate) fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_empty()) {
            query.push(if query.is_empty() { '?' } else { '&' });
            let (name, value) =
                (utf8_percent_encode(name, ESCAPED), utf8_percent_encode(value, ESCAPED));
            // Writing to a String cannot fail.
            let _infallible = write!(query, "{name}={value}");
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let fields = [("text", "a&b=c +%"), ("verdict", "refused"), ("verdict", "ü\u{202E}")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let input = Input::of(fields.to_vec());
        assert_eq!(Input::read(input.query().trim_start_matches('?')), input);
        assert_eq!(input.all("verdict").collect::<Vec<_>>(), ["refused", "ü\u{202E}"]);
        assert_eq!(input.with("verdict", None).query(), "?text=a%26b%3Dc%20%2B%25");
        assert_eq!(Input::read("a=1+2&b&=x").text("a"), Some("1 2"));
        assert_eq!(Input::read("").query(), "");
    }
}
