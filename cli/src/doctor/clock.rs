//! This machine's clock beside another's: deadlines travel as absolute times.

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use super::check::Check;
use super::network::Answer;

const NAME: &str = "clock";
/// A call's deadline bears this much.
const MOST: SignedDuration = SignedDuration::from_secs(5);
/// The header has whole seconds, and servers make it once a second.
const GRAIN: SignedDuration = SignedDuration::from_secs(2);

/// Compares this machine's clock with that of the one who answered.
pub(crate) fn check(whose: &str, answer: &Answer) -> Check {
    let date =
        answer.date.as_deref().and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let Some(date) = date else {
        return Check::not_applicable(NAME, format!("{whose} does not say what time it is"));
    };
    let ahead = ahead(date, answer.asked, answer.answered);
    let seconds = ahead.abs().as_secs();
    if ahead.abs() > MOST {
        let how = if ahead.is_negative() { "behind" } else { "ahead of" };
        let detail = format!("this machine's clock is {seconds} s {how} that of {whose}");
        return Check::failed(
            NAME,
            detail,
            "set both clocks by NTP: deadlines travel as absolute times",
        );
    }
    Check::ok(NAME, format!("within {} s of that of {whose}", seconds + GRAIN.as_secs()))
}

/// By how much this clock is ahead of one that told this date between the two times, at least.
fn ahead(date: Timestamp, asked: Timestamp, answered: Timestamp) -> SignedDuration {
    let latest = date + GRAIN;
    if answered < date {
        answered.duration_since(date)
    } else if asked > latest {
        asked.duration_since(latest)
    } else {
        SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_grain_of_the_header_cannot_explain_counts() {
        let at = |ms: i64| Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap();
        for (asked, answered, expected) in [
            (0, 100, 0),
            (1900, 2000, 0),
            (-50, 10, 0),
            (-20_000, -10_000, -10_000),
            (12_000, 13_000, 10_000),
        ] {
            let expected = SignedDuration::from_millis(expected);
            assert_eq!(ahead(at(0), at(asked), at(answered)), expected, "{asked} {answered}");
        }
    }
}
