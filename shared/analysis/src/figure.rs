//! Numbers as people read them: one form wherever findings are shown.

use crate::findings::{Interval, LEVEL};

/// Below it a number rounds to nought in a form with one digit after the point.
const NOUGHT: f64 = 0.05;

/// Stands where there is no number.
pub const ABSENT: &str = "–";

/// A share of 0 to 1 as per cent, such as `12.5 %`.
pub fn percent(share: f64) -> String {
    finite(share * 100.0, |value| format!("{:.1} %", tidy(value)))
}

/// A difference in percentage points with its sign, such as `+3.0`.
pub fn points(points: f64) -> String {
    // What rounds to nought has no sign.
    finite(
        points,
        |value| if value.abs() < NOUGHT { "0.0".to_owned() } else { format!("{value:+.1}") },
    )
}

/// Percentage points without a plus, such as a size: `3.0`.
pub fn size(points: f64) -> String {
    finite(points, |value| format!("{:.1}", tidy(value)))
}

/// A number of 0 to 1 that is no share, such as a distance of texts: `0.42`.
pub fn fraction(value: f64) -> String {
    finite(value, |value| format!("{value:.2}"))
}

/// A probability: four digits, and never nought.
pub fn probability(p: f64) -> String {
    finite(p, |p| if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") })
}

/// A p within a sentence, as `p = 0.031`, or `p < 0.001`. Where three digits would hide on which side of the level
/// it is, four.
pub fn p(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else if p > LEVEL && p < 0.0505 {
        format!("p = {p:.4}")
    } else {
        format!("p = {p:.3}")
    }
}

/// A test's statistic.
pub fn statistic(value: f64) -> String {
    finite(value, |value| format!("{value:.3}"))
}

/// An interval of shares as per cent, such as `10.1 to 15.2 %`.
pub fn percent_interval(interval: Interval) -> String {
    let Interval { low, high } = interval;
    finite(low * 100.0, |low| finite(high * 100.0, |high| format!("{low:.1} to {high:.1} %")))
}

/// An interval of differences in percentage points, such as `-1.0 to +4.2`.
pub fn points_interval(interval: Interval) -> String {
    let Interval { low, high } = interval;
    if low.is_finite() && high.is_finite() {
        format!("{} to {}", points(low), points(high))
    } else {
        ABSENT.to_owned()
    }
}

/// A count with blanks between thousands that do not break: `12 345`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    text
}

/// Never `-0.0`.
fn tidy(number: f64) -> f64 {
    if number.abs() < NOUGHT { 0.0 } else { number }
}

fn finite(value: f64, form: impl FnOnce(f64) -> String) -> String {
    if value.is_finite() { form(value) } else { ABSENT.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        assert_eq!(percent(0.125), "12.5 %");
        assert_eq!(points(3.0), "+3.0");
        assert_eq!(points(-0.04), "0.0");
        assert_eq!(points(-12.34), "-12.3");
        assert_eq!([percent(-0.0), size(-0.04), size(-3.0)], ["0.0 %", "0.0", "-3.0"]);
        assert_eq!([p(0.000_9), p(0.025), p(0.05)], ["p < 0.001", "p = 0.025", "p = 0.050"]);
        assert_eq!(p(0.050_3), "p = 0.0503", "not on the other side of the level");
        assert_eq!(probability(0.0), "< 0.0001");
        assert_eq!(probability(0.04217), "0.0422");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{202F}234\u{202F}567");
        assert_eq!(percent_interval(Interval { low: 0.1, high: 0.25 }), "10.0 to 25.0 %");
        assert_eq!(points_interval(Interval { low: -1.0, high: 4.25 }), "-1.0 to +4.2");
    }

    #[test]
    fn what_is_no_number_is_never_printed_as_one() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for text in [percent(value), points(value), probability(value), fraction(value)] {
                assert_eq!(text, ABSENT);
            }
            assert_eq!(points_interval(Interval { low: value, high: 0.0 }), ABSENT);
            assert_eq!(percent_interval(Interval { low: 0.0, high: value }), ABSENT);
        }
    }
}
