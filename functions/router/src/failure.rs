//! Why a call brought no answer: every code, what it means for a retry and for the bill, and the
//! one place where it becomes the wire's failure object.

use std::fmt;
use std::time::Duration;

use beacon_core::wire::WireFailure;

use crate::clock::milliseconds;

/// The code of a failure. Its `Display` is the code on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureCode {
    /// No provider of that region and model.
    Unavailable,
    /// Not started: it could not have finished in time.
    DeadlineExceeded,
    /// Not sent: the provider takes no more calls.
    Busy,
    /// Not sent: the provider's rate does not allow it in time.
    RateLimited,
    /// The provider points to another host, where nothing is sent.
    Redirect,
    /// No connection came about, so nothing was sent.
    Unreachable,
    /// The request went out and no whole answer came back.
    ConnectionLost,
    /// No answer in the time allowed.
    Timeout,
    /// An HTTP status that says failure.
    Http(u16),
    /// An HTTP success whose body is not the JSON object expected.
    ResponseParse,
    /// An answer larger than is read or kept.
    ResponseTooLarge,
    /// Somebody stopped the call.
    Stopped,
    /// The table that routers share their calls in cannot be reached.
    TableUnavailable,
    /// The provider says that it failed, and not how.
    ExecutionFailed,
    /// The provider's own code.
    Named(String),
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unavailable => "PROVIDER_UNAVAILABLE",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Busy => "PROVIDER_BUSY",
            Self::RateLimited => "PROVIDER_RATE_LIMITED",
            Self::Redirect => "PROVIDER_REDIRECT",
            Self::Unreachable => "PROVIDER_UNREACHABLE",
            Self::ConnectionLost => "PROVIDER_CONNECTION_LOST",
            Self::Timeout => "PROVIDER_TIMEOUT",
            Self::Http(status) => return write!(f, "PROVIDER_HTTP_{status}"),
            Self::ResponseParse => "PROVIDER_RESPONSE_PARSE_ERROR",
            Self::ResponseTooLarge => "PROVIDER_RESPONSE_TOO_LARGE",
            Self::Stopped => "CALL_STOPPED",
            Self::TableUnavailable => "ROUTER_TABLE_UNAVAILABLE",
            Self::ExecutionFailed => "PROVIDER_EXECUTION_FAILED",
            Self::Named(code) => code,
        };
        f.write_str(text)
    }
}

impl FailureCode {
    /// Where in a call it happens.
    fn stage(&self) -> &'static str {
        match self {
            Self::Unavailable
            | Self::DeadlineExceeded
            | Self::Busy
            | Self::RateLimited
            | Self::TableUnavailable => "provider_selection",
            Self::Unreachable | Self::ConnectionLost | Self::Timeout | Self::Stopped => {
                "provider_request"
            }
            Self::Http(_) | Self::Redirect | Self::ExecutionFailed | Self::Named(_) => {
                "provider_execution"
            }
            Self::ResponseParse | Self::ResponseTooLarge => "response_parsing",
        }
    }

    /// Whether asking again may help.
    fn retryable(&self) -> bool {
        match self {
            Self::Http(status) => *status == 429 || *status >= 500,
            Self::ResponseParse | Self::ResponseTooLarge | Self::Redirect | Self::Stopped => false,
            Self::Unavailable
            | Self::DeadlineExceeded
            | Self::Busy
            | Self::RateLimited
            | Self::Unreachable
            | Self::ConnectionLost
            | Self::Timeout
            | Self::TableUnavailable
            | Self::ExecutionFailed
            | Self::Named(_) => true,
        }
    }

    /// Whether the provider may have generated an answer that did not arrive.
    fn maybe_billed(&self) -> bool {
        match self {
            Self::ConnectionLost | Self::Timeout | Self::ResponseParse | Self::ResponseTooLarge => {
                true
            }
            // 303 says "still running"; the others come from a proxy that stopped waiting.
            Self::Http(status) => matches!(*status, 303 | 408 | 502 | 504 | 520..=524),
            Self::Unavailable
            | Self::DeadlineExceeded
            | Self::Busy
            | Self::RateLimited
            | Self::Redirect
            | Self::Unreachable
            | Self::Stopped
            | Self::TableUnavailable
            | Self::ExecutionFailed
            | Self::Named(_) => false,
        }
    }

    /// Whether it speaks against the provider, not against what it was asked.
    fn is_providers_fault(&self) -> bool {
        match self {
            Self::Http(status) => {
                matches!(*status, 401 | 403 | 408) || !(400..500).contains(status)
            }
            Self::Unavailable
            | Self::DeadlineExceeded
            | Self::Busy
            | Self::RateLimited
            | Self::ResponseTooLarge
            | Self::TableUnavailable
            | Self::Stopped => false,
            Self::Unreachable
            | Self::ConnectionLost
            | Self::Timeout
            | Self::ResponseParse
            | Self::Redirect
            | Self::ExecutionFailed
            | Self::Named(_) => true,
        }
    }
}

/// What may follow a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequel {
    /// Nothing: there may be an answer, or there would be none from anybody.
    End,
    /// Another provider may be asked; this one would fail again.
    Another,
    /// Anybody may be asked, this one too.
    Anybody,
}

/// One failure, before it is known to the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: FailureCode,
    /// For people. Never holds a prompt, an answer or a secret.
    pub(crate) message: String,
    pub(crate) http_status: Option<u16>,
    /// The stage that the provider names, where it does.
    pub(crate) stage: Option<String>,
    /// What the provider says of a retry, where it says so.
    pub(crate) retryable: Option<bool>,
    /// Where more is known than the code says.
    pub(crate) maybe_billed: Option<bool>,
    /// Whether it speaks against the provider, where more is known than the code says.
    pub(crate) fault: Option<bool>,
    /// What the provider asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Whether it asks to be asked more slowly, in words.
    pub(crate) throttles: bool,
}

/// What a failed call was about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Name and kind of the provider, where one was chosen.
    pub(crate) provider: Option<(&'a str, &'a str)>,
    pub(crate) region: Option<&'a str>,
    pub(crate) model: &'a str,
    pub(crate) attempts: u32,
}

impl Failure {
    /// A failure of which only the code and a message are known.
    pub(crate) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            http_status: None,
            stage: None,
            retryable: None,
            maybe_billed: None,
            fault: None,
            retry_after: None,
            throttles: false,
        }
    }

    /// Of a call that somebody stopped.
    pub(crate) fn stopped(maybe_billed: bool) -> Self {
        let failure = Self::new(FailureCode::Stopped, "the call was stopped");
        Self { maybe_billed: Some(maybe_billed), ..failure }
    }

    /// Of a call with a key that cannot be kept from being made twice.
    pub(crate) fn unprotected(maybe_billed: bool) -> Self {
        let message = "the table that routers share their calls in cannot be reached";
        let failure = Self::new(FailureCode::TableUnavailable, message);
        Self { maybe_billed: Some(maybe_billed), ..failure }
    }

    /// Of a request that does not wait as long as another of the same call.
    pub(crate) fn late(maybe_billed: bool) -> Self {
        let message = "no answer before the deadline of this request";
        let failure = Self::new(FailureCode::Timeout, message);
        Self { maybe_billed: Some(maybe_billed), ..failure }
    }

    /// The same, with the status of the provider's answer.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { http_status: Some(status), ..self }
    }

    /// Of an answer that does not begin in the time for its first byte.
    pub(crate) fn no_first_byte(within: Duration) -> Self {
        Self::new(FailureCode::Timeout, format!("no first byte within {} ms", within.as_millis()))
    }

    /// Whether a provider that was asked got the request.
    pub(crate) fn was_sent(&self) -> bool {
        self.code != FailureCode::Unreachable
    }

    /// Whether the provider may have generated an answer that did not arrive.
    pub(crate) fn maybe_billed(&self) -> bool {
        self.maybe_billed.unwrap_or_else(|| self.code.maybe_billed())
    }

    /// Whether it speaks against the provider, not against what it was asked.
    pub(crate) fn is_providers_fault(&self) -> bool {
        self.fault.unwrap_or_else(|| self.code.is_providers_fault())
    }

    /// Whether the provider asks to be asked more slowly. 529 says so at some providers.
    pub(crate) fn is_throttle(&self) -> bool {
        if self.throttles {
            return true;
        }
        match self.code {
            FailureCode::Http(429 | 529) => true,
            FailureCode::Http(_) => self.http_status == Some(503) && self.retry_after.is_some(),
            FailureCode::Unavailable
            | FailureCode::DeadlineExceeded
            | FailureCode::Busy
            | FailureCode::RateLimited
            | FailureCode::Redirect
            | FailureCode::Unreachable
            | FailureCode::ConnectionLost
            | FailureCode::Timeout
            | FailureCode::ResponseParse
            | FailureCode::ResponseTooLarge
            | FailureCode::Stopped
            | FailureCode::TableUnavailable
            | FailureCode::ExecutionFailed
            | FailureCode::Named(_) => false,
        }
    }

    /// Whether an HTTP status says that the request is wrong, or who makes it.
    pub(crate) fn is_caller_error(&self) -> bool {
        matches!(self.code, FailureCode::Http(400..=499))
    }

    /// Whether a model that is being loaded does not explain it: nobody listens, or the whole time
    /// that loading may take is over.
    pub(crate) fn outlasts_waking(&self) -> bool {
        matches!(self.code, FailureCode::Unreachable | FailureCode::Timeout)
    }

    /// Whether a server says so while it loads its model: it is there, and cannot answer yet.
    pub(crate) fn is_loading(&self) -> bool {
        matches!(self.code, FailureCode::Http(500 | 503)) && !self.maybe_billed()
    }

    /// What may follow it. Nothing follows what may have produced an answer.
    pub(crate) fn sequel(&self) -> Sequel {
        if self.maybe_billed() {
            return Sequel::End;
        }
        match &self.code {
            FailureCode::Unreachable => Sequel::Anybody,
            FailureCode::Http(429 | 500..) => Sequel::Anybody,
            FailureCode::Http(_) if self.retryable == Some(true) => Sequel::Anybody,
            FailureCode::Http(401..=407 | 410) | FailureCode::Redirect => Sequel::Another,
            FailureCode::Busy | FailureCode::RateLimited | FailureCode::DeadlineExceeded => {
                Sequel::Another
            }
            FailureCode::ExecutionFailed | FailureCode::Named(_) => match self.retryable {
                Some(true) => Sequel::Anybody,
                Some(false) | None => Sequel::End,
            },
            FailureCode::Http(_)
            | FailureCode::Unavailable
            | FailureCode::ConnectionLost
            | FailureCode::Timeout
            | FailureCode::ResponseParse
            | FailureCode::ResponseTooLarge
            | FailureCode::TableUnavailable
            | FailureCode::Stopped => Sequel::End,
        }
    }

    /// The failure object of the wire.
    pub(crate) fn to_wire(&self, subject: Subject<'_>, now_ms: u64) -> WireFailure {
        let retryable = self.retryable.unwrap_or_else(|| self.code.retryable());
        WireFailure {
            code: self.code.to_string(),
            stage: self.stage.clone().unwrap_or_else(|| self.code.stage().to_owned()),
            message: self.message.clone(),
            component: "hybrid_router".to_owned(),
            subcomponent: "inference".to_owned(),
            provider: subject.provider.map(|(name, _)| name.to_owned()),
            provider_type: subject.provider.map(|(_, kind)| kind.to_owned()),
            region: subject.region.map(str::to_owned),
            model: Some(subject.model.to_owned()),
            transient: retryable,
            retryable: Some(retryable),
            maybe_billed: Some(self.maybe_billed()),
            attempts: Some(subject.attempts),
            http_status: self.http_status,
            retry_after_ms: self.retry_after.map(milliseconds),
            timestamp: timestamp(now_ms),
        }
    }
}

/// Whether a provider's text is a plain word: too little to quote a prompt or an answer with.
pub(crate) fn is_word(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

fn timestamp(now_ms: u64) -> Option<String> {
    let seconds = i64::try_from(now_ms / 1000).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

#[cfg(test)]
mod tests;
