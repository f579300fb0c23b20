//! Calls that ended without a whole answer.

use beacon_aws::{Lost, Unsent};
use beacon_core::execution::Ending;
use beacon_core::failure::{Failure, FailureCode, Stage};

/// The ending of a call that was lost with its latest attempt.
pub(crate) fn ending(lost: Lost, base: &str, attempts: u32) -> Ending {
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
    match lost {
        Lost::Unsent(unsent, why) => {
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
        Lost::Silent => Ending::TimedOut(failure(
            Stage::RouterHttpTimeout,
            FailureCode::RouterFirstByteTimeout,
            format!("the router at {base} did not begin to answer in time"),
        )),
        Lost::Unfinished => Ending::TimedOut(failure(
            Stage::RouterHttpTimeout,
            FailureCode::RouterTimeout,
            format!("the router at {base} did not finish its answer in time"),
        )),
        Lost::Broken(why) => Ending::Failed(failure(
            Stage::RouterNetwork,
            FailureCode::RouterConnectionLost,
            format!("the connection to the router was lost: {why}"),
        )),
        Lost::TooLarge { limit } => Ending::Failed(Failure {
            retryable: false,
            ..failure(
                Stage::RouterResponseParse,
                FailureCode::ResponseTooLarge,
                format!("the router's answer has more than {limit} bytes"),
            )
        }),
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
            let ended = ending(Lost::Unsent(unsent, "why".to_owned()), "http://router", 2);
            let Ending::Failed(failure) = ended else { panic!("{ended:?}") };
            assert_eq!(failure.code.to_string(), code);
            assert_eq!((&failure.stage, failure.attempts), (&Stage::RouterConnect, 2));
            assert_eq!((failure.retryable, failure.maybe_billed), (again, false));
            assert_eq!(failure.may_be_sent_again(), again);
            assert!(failure.message.ends_with("http://router: why"), "{}", failure.message);
        }
    }
}
