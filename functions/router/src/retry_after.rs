//! How long a provider asks to wait: seconds or a date in `Retry-After` (RFC 9110, 10.2.3), or
//! milliseconds in the headers that some providers send beside it.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;

/// Longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// The wait that the headers ask for, the most exact first and at most a day; none where they ask for none.
/// `now_ms` is Unix milliseconds.
pub fn retry_after(headers: &HeaderMap, now_ms: u64) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = MILLISECONDS.iter().find_map(|name| text(*name)?.parse::<f64>().ok());
    let wait = if let Some(milliseconds) = milliseconds {
        seconds(milliseconds / 1_000.0)?
    } else {
        let given = text("retry-after")?;
        match given.parse::<f64>() {
            Ok(given) => seconds(given)?,
            Err(_not_a_number) => until(given, now_ms)?,
        }
    };
    Some(wait.min(LONGEST))
}

fn seconds(given: f64) -> Option<Duration> {
    (given >= 0.0).then(|| Duration::try_from_secs_f64(given).unwrap_or(LONGEST))
}

/// An HTTP date is one of RFC 2822 whose zone is written `GMT`.
fn until(date: &str, now_ms: u64) -> Option<Duration> {
    let at = rfc2822::parse(date).ok()?.timestamp().as_millisecond();
    Some(Duration::from_millis(u64::try_from(at).ok()?.saturating_sub(now_ms)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    /// Thu, 26 Nov 2026 12:00:00 GMT.
    const NOW: u64 = 1_795_694_400_000;

    #[test]
    fn all_three_forms_are_read_and_nonsense_is_not() {
        let table: [(Headers, Option<u64>); 12] = [
            (&[("retry-after", "2")], Some(2_000)),
            (&[("retry-after", " 0.25 ")], Some(250)),
            (&[("retry-after", "Thu, 26 Nov 2026 12:00:07 GMT")], Some(7_000)),
            (&[("retry-after", "Thu, 26 Nov 2026 11:00:00 GMT")], Some(0)),
            (&[("retry-after-ms", "1500")], Some(1_500)),
            (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1_500)),
            (&[("x-ms-retry-after-ms", "40"), ("retry-after", "9")], Some(40)),
            (&[("retry-after", "99999999999")], Some(24 * 60 * 60 * 1_000)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "nan")], None),
            (&[], None),
        ];
        for (given, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let expected = expected.map(Duration::from_millis);
            assert_eq!(retry_after(&headers, NOW), expected, "{given:?}");
        }
    }
}
