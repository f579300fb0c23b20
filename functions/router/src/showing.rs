//! What the end of a call shows of the provider: a decision of its own, apart from what the caller is
//! told.

use crate::breaker::Verdict;
use crate::clock::milliseconds;
use crate::failure::Failure;

/// What a call showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Showing {
    /// It answers, be it with nothing.
    Answers,
    /// It asks to be asked more slowly.
    Throttles {
        /// For how long, milliseconds, where it says so.
        told_ms: Option<u64>,
    },
    /// It fails.
    Fails,
    /// It refuses whoever asks like this, such as with a key that is not valid: no answer is to be
    /// had, but a breaker would not help.
    Declines,
    /// Nothing: the question was wrong, the caller had too little time, or the model was waking.
    Nothing,
}

impl Showing {
    /// What a failure shows. `woke` says that the call was to wake the model.
    pub(crate) fn of(failure: &Failure, woke: bool) -> Self {
        if failure.is_throttle() {
            let told_ms = failure.retry_after.map(milliseconds);
            return Self::Throttles { told_ms };
        }
        if !failure.is_providers_fault() || woke && !failure.outlasts_waking() {
            return Self::Nothing;
        }
        if failure.is_caller_error() { Self::Declines } else { Self::Fails }
    }

    /// What the breaker makes of it.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Answers => Verdict::Good,
            Self::Fails => Verdict::Bad,
            Self::Throttles { .. } | Self::Declines | Self::Nothing => Verdict::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::failure::FailureCode;

    fn failure(code: FailureCode) -> Failure {
        Failure::new(code, "")
    }

    fn http(status: u16) -> Failure {
        failure(FailureCode::Http(status)).with_status(status)
    }

    #[test]
    fn only_what_speaks_against_the_provider_opens_its_breaker() {
        use FailureCode::{Busy, ConnectionLost, ResponseParse, Timeout, Unreachable};
        let bad = [http(500), http(503), http(504), http(303), failure(Timeout)].into_iter();
        let bad = bad.chain([ConnectionLost, ResponseParse, Unreachable].map(failure));
        for failure in bad {
            assert_eq!(Showing::of(&failure, false).verdict(), Verdict::Bad, "{failure:?}");
        }
        let nothing = [400, 401, 403, 404, 413, 422, 429, 529].map(http).into_iter();
        for failure in nothing.chain([failure(Busy)]) {
            assert_eq!(Showing::of(&failure, false).verdict(), Verdict::Nothing, "{failure:?}");
        }
    }

    #[test]
    fn a_503_that_says_how_long_asks_to_wait() {
        let told = Failure { retry_after: Some(Duration::from_secs(2)), ..http(503) };
        let expected = Showing::Throttles { told_ms: Some(2_000) };
        assert_eq!(Showing::of(&told, false), expected);
        assert_eq!(Showing::of(&http(429), false), Showing::Throttles { told_ms: None });
    }

    #[test]
    fn a_model_that_wakes_is_not_to_blame_until_its_whole_time_is_over() {
        for status in [500, 502, 503, 504] {
            assert_eq!(Showing::of(&http(status), true), Showing::Nothing);
        }
        let code = FailureCode::ConnectionLost;
        assert_eq!(Showing::of(&failure(code), true), Showing::Nothing);
        for code in [FailureCode::Timeout, FailureCode::Unreachable] {
            assert_eq!(Showing::of(&failure(code), true), Showing::Fails);
        }
        let hurried = Failure { fault: Some(false), ..failure(FailureCode::Timeout) };
        assert_eq!(Showing::of(&hurried, true), Showing::Nothing);
    }
}
