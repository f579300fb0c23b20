//! What a provider charges, in US dollars, as its configuration declares it.

use beacon_core::price::Price as DeclaredPrice;
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
    /// The cost of a call as the protocol has it: nought where it is not known.
    pub(crate) fn cost(self, seconds: f64, usage: Option<Usage>) -> f64 {
        self.known_cost(seconds, usage).unwrap_or(0.0)
    }

    /// The cost of a call, where a price is declared and the call's size is known: tokens that are
    /// not told are not none, unless they are free.
    pub(crate) fn known_cost(self, seconds: f64, usage: Option<Usage>) -> Option<f64> {
        match self {
            Self::Undeclared => None,
            Self::PerSecond(rate) => Some(rate * seconds),
            Self::PerMillionTokens { input, output } => {
                let read = cost_of(usage.and_then(|usage| usage.input_tokens), input)?;
                let written = cost_of(usage.and_then(|usage| usage.output_tokens), output)?;
                Some((read + written) / MILLION)
            }
        }
    }

    /// As the providers' list tells it.
    pub(crate) fn declared(self) -> Option<DeclaredPrice> {
        match self {
            Self::Undeclared => None,
            Self::PerSecond(per_second) => Some(DeclaredPrice::PerSecond { per_second }),
            Self::PerMillionTokens { input, output } => Some(DeclaredPrice::PerMillionTokens {
                per_million_input_tokens: input,
                per_million_output_tokens: output,
            }),
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

fn cost_of(tokens: Option<u64>, price: f64) -> Option<f64> {
    if price == 0.0 {
        return Some(0.0);
    }
    // No provider writes four thousand million tokens in one answer.
    Some(f64::from(u32::try_from(tokens?).unwrap_or(u32::MAX)) * price)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Usage = Usage { input_tokens: Some(1_000), output_tokens: Some(500) };

    #[test]
    fn cost_is_computed_from_the_declared_price_only() {
        let tokens = Price::PerMillionTokens { input: 2.0, output: 8.0 };
        let free = Price::PerMillionTokens { input: 0.0, output: 8.0 };
        let table = [
            (Price::Undeclared, Some(USAGE), 0.0),
            (Price::PerSecond(0.000_05), Some(USAGE), 0.000_1),
            (Price::PerSecond(0.000_05), None, 0.000_1),
            (tokens, Some(USAGE), 0.006),
            (tokens, None, 0.0),
            // Half of what it used is not what it used.
            (tokens, Some(Usage { input_tokens: None, ..USAGE }), 0.0),
            (tokens, Some(Usage { output_tokens: None, ..USAGE }), 0.0),
            (free, Some(Usage { input_tokens: None, ..USAGE }), 0.004),
        ];
        for (price, usage, cost) in table {
            assert!((price.cost(2.0, usage) - cost).abs() < 1e-12, "{price:?} {usage:?}");
        }
    }
}
