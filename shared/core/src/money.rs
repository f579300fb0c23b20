//! US dollars, counted in whole billionths, so that sums neither drift nor lose what a short call costs.

use std::fmt;
use std::iter::Sum;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Billionths of a dollar.
const NANOS: u32 = 1_000_000_000;

/// An amount of US dollars, in JSON a number of dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dollars {
    nanos: u64,
}

/// A number that is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be US dollars from 0 to {}", Dollars::MOST)]
pub struct NoAmount;

/// A stored number that is no amount. Sums may be larger than what a person may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be US dollars, from 0 on")]
struct NotRead;

impl Dollars {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0 };
    /// The largest amount that is read, in dollars: below it every billionth has a number of its own.
    pub const MOST: u32 = 1_000_000;

    /// So many billionths of a dollar.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }

    /// In billionths of a dollar.
    pub const fn nanos(self) -> u64 {
        self.nanos
    }

    /// A number of dollars, to the nearest billionth; what is more than nothing stays more.
    pub fn new(dollars: f64) -> Result<Self, NoAmount> {
        if !(0.0..=f64::from(Self::MOST)).contains(&dollars) {
            return Err(NoAmount);
        }
        Ok(Self::nearest(dollars))
    }

    /// To the nearest billionth, and at most as many as can be counted.
    fn nearest(dollars: f64) -> Self {
        let nanos = (dollars * f64::from(NANOS)).round();
        let nanos = if dollars > 0.0 { nanos.max(1.0) } else { nanos };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, without a fraction, and casts of floats saturate"
        )]
        Self { nanos: nanos as u64 }
    }

    /// In dollars.
    #[expect(clippy::cast_precision_loss, reason = "exact up to nine million dollars")]
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / f64::from(NANOS)
    }

    /// These and those.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_add(other.nanos) }
    }

    /// So many times these.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self { nanos: self.nanos.saturating_mul(count) }
    }
}

impl Sum for Dollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

/// `$12.34`, and as many more digits as it has.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (self.nanos / u64::from(NANOS), self.nanos % u64::from(NANOS));
        let digits = format!("{nanos:09}");
        let digits = digits.trim_end_matches('0');
        write!(f, "${whole}.{digits:0<2}")
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        if dollars.is_nan() || dollars < 0.0 {
            return Err(serde::de::Error::custom(NotRead));
        }
        Ok(Self::nearest(dollars))
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "US dollars, to a billionth.",
            "type": "number",
            "minimum": 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_shown_with_their_digits() {
        let shown = |dollars| Dollars::new(dollars).unwrap().to_string();
        assert_eq!(shown(0.0), "$0.00");
        assert_eq!(shown(12.5), "$12.50");
        assert_eq!(shown(0.000_012_5), "$0.0000125");
        assert_eq!(shown(1_000_000.0), "$1000000.00");
    }

    #[test]
    fn more_than_nothing_is_never_counted_as_nothing() {
        assert_eq!(Dollars::new(1e-12), Ok(Dollars::from_nanos(1)));
        assert_eq!(Dollars::new(0.0), Ok(Dollars::ZERO));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [-1e-9, f64::NAN, f64::INFINITY, 1_000_000.1] {
            assert_eq!(Dollars::new(bad), Err(NoAmount), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_reads_back(nanos in 0_u64..=1_000_000_000_000_000) {
            let amount = Dollars::from_nanos(nanos);
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Dollars>(&json).unwrap(), amount);
            let decimal = amount.to_string();
            prop_assert_eq!(Dollars::new(decimal[1..].parse().unwrap()), Ok(amount));
        }

        #[test]
        fn whatever_a_sum_comes_to_reads_back(nanos in any::<u64>()) {
            let json = serde_json::to_string(&Dollars::from_nanos(nanos)).unwrap();
            let back = serde_json::from_str::<Dollars>(&json).unwrap();
            prop_assert!(back.nanos().abs_diff(nanos) <= nanos >> 50, "{json}: {back:?}");
        }

        #[test]
        fn sums_do_not_depend_on_their_order(mut nanos in prop::collection::vec(0_u64..1 << 40, 0..50)) {
            let sum = |all: &[u64]| all.iter().copied().map(Dollars::from_nanos).sum::<Dollars>();
            let forward = sum(&nanos);
            nanos.reverse();
            prop_assert_eq!(sum(&nanos), forward);
        }
    }
}
