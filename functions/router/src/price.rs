//! What a provider charges, in US dollars, as its configuration declares it.

use beacon_core::wire::Usage;

const MILLION: f64 = 1_000_000.0;

/// A declared price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Price {
    /// None declared.
    Undeclared,
    /// For each second from request to answer.
    PerSecond(f64),
    /// For tokens read and written.
    PerMillionTokens { input: f64, output: f64 },
}

impl Price {
    /// The cost of a call, as far as its size is known.
    pub(crate) fn cost(self, seconds: f64, usage: Option<Usage>) -> f64 {
        match self {
            Self::Undeclared => 0.0,
            Self::PerSecond(rate) => rate * seconds,
            Self::PerMillionTokens { input, output } => usage.map_or(0.0, |usage| {
                tokens(usage.input_tokens).mul_add(input, tokens(usage.output_tokens) * output)
                    / MILLION
            }),
        }
    }

    /// The cost of a call, where a price is declared and the call's size is known.
    pub(crate) fn known_cost(self, seconds: f64, usage: Option<Usage>) -> Option<f64> {
        match (self, usage) {
            (Self::Undeclared, _) | (Self::PerMillionTokens { .. }, None) => None,
            (Self::PerSecond(_), _) | (Self::PerMillionTokens { .. }, Some(_)) => {
                Some(self.cost(seconds, usage))
            }
        }
    }

    /// US dollars per second, where that is how the provider charges.
    pub(crate) fn per_second(self) -> f64 {
        match self {
            Self::PerSecond(rate) => rate,
            Self::Undeclared | Self::PerMillionTokens { .. } => 0.0,
        }
    }
}

fn tokens(count: Option<u64>) -> f64 {
    // No provider writes four thousand million tokens in one answer.
    f64::from(u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Usage = Usage { input_tokens: Some(1_000), output_tokens: Some(500) };

    #[test]
    fn cost_is_computed_from_the_declared_price_only() {
        let tokens = Price::PerMillionTokens { input: 2.0, output: 8.0 };
        let table = [
            (Price::Undeclared, Some(USAGE), 0.0),
            (Price::PerSecond(0.000_05), Some(USAGE), 0.000_1),
            (Price::PerSecond(0.000_05), None, 0.000_1),
            (tokens, Some(USAGE), 0.006),
            (tokens, None, 0.0),
        ];
        for (price, usage, cost) in table {
            assert!((price.cost(2.0, usage) - cost).abs() < 1e-12, "{price:?} {usage:?}");
        }
    }
}
