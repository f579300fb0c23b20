//! Text, numbers and times as every page writes them.

pub(crate) use beacon_analysis::figure::count;
use beacon_analysis::report::{cut, visible};
use beacon_core::estimate::Estimate;
use beacon_core::money::Dollars;
use jiff::Timestamp;
use maud::{Markup, Render, html};

/// Text from outside or our own, escaped, with what would act unseen shown.
pub(crate) fn shown(text: &str) -> Markup {
    visible(text).as_ref().render()
}

/// Text from outside in a line of our own, which it cannot turn around.
pub(crate) fn outside(text: &str) -> Markup {
    html! { bdi { (shown(text)) } }
}

/// The same, cut to so many characters.
pub(crate) fn start_of(text: &str, characters: usize) -> Markup {
    let (start, more) = cut(text, characters);
    html! { bdi { (shown(start)) @if more > 0 { "…" } } }
}

/// `1 question`, `2 questions`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {one}{ending}", count(number))
}

/// Milliseconds as a person says them.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 if ms > 0 => format!("{ms} ms"),
        0..=9 if ms % 1000 >= 100 => format!("{seconds}.{} s", ms % 1000 / 100),
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Seconds of which anything may be told, as milliseconds.
pub(crate) fn milliseconds(seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of floats saturate"
    )]
    let milliseconds = (seconds * 1000.0) as u64;
    milliseconds
}

/// A time, and how long ago it was.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let ms = u64::try_from(now.as_millisecond() - at.as_millisecond()).unwrap_or(0);
    html! { time datetime=(stamp(at)) title=(stamp(at)) { (duration(ms)) " ago" } }
}

/// A time in full, UTC.
pub(crate) fn stamp(at: Timestamp) -> String {
    format!("{at:.0}").replace('T', " ").replace('Z', " UTC")
}

/// A time in full, for people and programs.
pub(crate) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (stamp(at)) } }
}

/// Our own words as a sentence: errors begin small, have no full stop, and mark names by backticks.
pub(crate) fn sentence(text: &str) -> String {
    let mut quoted = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            quoted.push(if at % 2 == 1 { '“' } else { '”' });
        }
        quoted.push_str(part);
    }
    let mut characters = quoted.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// What providers are thought to charge at most. What is not known is not added up as nothing.
pub(crate) fn estimated_charge(estimate: &Estimate) -> Markup {
    let (at_most, unpriced) = (estimate.provider.at_most, estimate.provider.unpriced);
    html! {
        @if unpriced == 0 {
            "at most " (dollars(at_most))
        } @else if unpriced >= estimate.executions {
            "not known: no provider of these models declares its price"
        } @else {
            "at most " (dollars(at_most)) ", and what " (counted(unpriced, "execution"))
            " cost beside, which is not known: their providers declare no price"
        }
    }
}

/// An amount to the cent, or with some digits where it is less.
pub(crate) fn dollars(amount: Dollars) -> String {
    let dollars = amount.as_f64();
    if dollars >= 0.1 || amount == Dollars::ZERO {
        format!("${dollars:.2}")
    } else if dollars >= 0.001 {
        format!("${dollars:.4}")
    } else {
        format!("${dollars:.7}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!(
            (counted(1, "question"), counted(2, "question")),
            ("1 question".into(), "2 questions".into())
        );
        let said = [0, 5, 1500, 61_000, 3_720_000, 90_000_000].map(duration);
        assert_eq!(said, ["0 s", "5 ms", "1.5 s", "1 min 01 s", "1 h 02 min", "1 d 01 h"]);
    }

    #[test]
    fn an_error_is_a_sentence() {
        assert_eq!(sentence("the job `j` has ended"), "The job “j” has ended.");
        assert_eq!(sentence("`a` is wrong: see `b`."), "“a” is wrong: see “b”.");
    }

    #[test]
    fn amounts_are_as_exact_as_they_are_small() {
        let said =
            [0, 1_234_567_890, 99_000_000, 1_000_000, 50].map(Dollars::from_nanos).map(dollars);
        assert_eq!(said, ["$0.00", "$1.23", "$0.0990", "$0.0010", "$0.0000000"]);
    }

    #[test]
    fn what_acts_unseen_is_shown_and_what_is_markup_is_text() {
        assert_eq!(shown("<b>\u{202E}\0").into_string(), "&lt;b&gt;[U+202E][U+0000]");
        assert_eq!(start_of("abcdef", 3).into_string(), "<bdi>abc…</bdi>");
    }
}
