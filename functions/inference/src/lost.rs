//! Calls that ended without a whole answer.

use beacon_aws::{Unsent, chain};
use beacon_core::execution::Ending;
use beacon_core::failure::{Failure, FailureCode, Stage};

/// How a request to the router was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// It did not leave; why, for people.
    Unsent(Unsent, String),
    /// Time ran out before the head of an answer was there.
    Silent,
    /// Time ran out within the answer.
    Unfinished,
    /// The connection ended first; why, for people.
    Broken(String),
    /// More came than is read.
    TooLarge {
        /// Bytes that are read.
        limit: usize,
    },
}

impl Lost {
    pub(crate) fn before_the_answer(error: reqwest::Error) -> Self {
        match Unsent::of(&error) {
            Some(unsent) => Self::Unsent(unsent, chain(&error.without_url())),
            None if error.is_timeout() => Self::Silent,
            None => Self::Broken(chain(&error.without_url())),
        }
    }

    pub(crate) fn within_the_answer(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Unfinished
        } else {
            Self::Broken(chain(&error.without_url()))
        }
    }

    /// The ending of a call that was lost with its latest attempt.
    pub(crate) fn ending(self, base: &str, attempts: u32) -> Ending {
        let failure = |stage, code, message: String| Failure {
            stage,
            code,
            message: Failure::message(message),
            retryable: true,
            maybe_billed: true,
            provider_id: None,
            http_status: None,
            attempts,
        };
        match self {
            Self::Unsent(unsent, why) => {
                let (code, what) = match unsent {
                    Unsent::Refused => (FailureCode::RouterUnreachable, "no connection to"),
                    Unsent::Dns => (FailureCode::RouterDns, "there is no address for the name of"),
                    Unsent::Tls => (FailureCode::RouterTls, "no TLS with"),
                    Unsent::ConnectTimeout => {
                        (FailureCode::RouterConnectTimeout, "no connection in time to")
                    }
                };
                let message = format!("{what} the router at {base}: {why}");
                Ending::Failed(Failure {
                    // A port without TLS, or a certificate, stays as it is.
                    retryable: unsent != Unsent::Tls,
                    maybe_billed: false,
                    ..failure(Stage::RouterConnect, code, message)
                })
            }
            Self::Silent => Ending::TimedOut(failure(
                Stage::RouterHttpTimeout,
                FailureCode::RouterFirstByteTimeout,
                format!("the router at {base} did not begin to answer in time"),
            )),
            Self::Unfinished => Ending::TimedOut(failure(
                Stage::RouterHttpTimeout,
                FailureCode::RouterTimeout,
                format!("the router at {base} did not finish its answer in time"),
            )),
            Self::Broken(why) => Ending::Failed(failure(
                Stage::RouterNetwork,
                FailureCode::RouterConnectionLost,
                format!("the connection to the router was lost: {why}"),
            )),
            Self::TooLarge { limit } => Ending::Failed(Failure {
                retryable: false,
                ..failure(
                    Stage::RouterResponseParse,
                    FailureCode::ResponseTooLarge,
                    format!("the router's answer has more than {limit} bytes"),
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sent_is_not_billed_and_sent_again_where_it_may_pass() {
        for (unsent, code, again) in [
            (Unsent::Refused, "ROUTER_UNREACHABLE", true),
            (Unsent::Dns, "ROUTER_DNS", true),
            (Unsent::Tls, "ROUTER_TLS", false),
            (Unsent::ConnectTimeout, "ROUTER_CONNECT_TIMEOUT", true),
        ] {
            let ending = Lost::Unsent(unsent, "why".to_owned()).ending("http://router", 2);
            let Ending::Failed(failure) = ending else { panic!("{ending:?}") };
            assert_eq!(failure.code.to_string(), code);
            assert_eq!((&failure.stage, failure.attempts), (&Stage::RouterConnect, 2));
            assert_eq!((failure.retryable, failure.maybe_billed), (again, false));
            assert_eq!(failure.may_be_sent_again(), again);
            assert!(failure.message.ends_with("http://router: why"), "{}", failure.message);
        }
    }
}
