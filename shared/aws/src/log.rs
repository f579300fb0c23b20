//! The log of a Lambda function: a line of JSON for each event.

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{filter::Targets, fmt, registry};

use crate::environment::{ConfigError, log_filter};

/// Logs to standard output from here on, as much as `BEACON_LOG` says. Once a process.
pub fn log_as_json() -> Result<(), ConfigError> {
    let subscriber = json_lines(log_filter()?, std::io::stdout);
    // An error only says that somebody else has set one up, who then has the events.
    let _already_set_up = subscriber.try_init();
    Ok(())
}

/// The time in UTC, and an event's own fields at the top. Of the spans only the innermost is kept:
/// the API's request, or the runtime's invocation.
fn json_lines<W>(filter: Targets, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(writer);
    registry().with(lines).with(filter)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::{Level, debug, info, info_span};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_a_line_with_its_fields_at_the_top() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            json_lines(Targets::new().with_default(Level::INFO), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let _invocation = info_span!("invocation", requestId = "r-1").entered();
            let code = None::<&str>;
            info!(job_id = %"j", attempt = 2, code, "it \"begins\"");
            debug!("too much");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        let time = line["timestamp"].take();
        let time = time.as_str().unwrap();
        assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "{text}");
        let expected = json!({
            "timestamp": null, "level": "INFO", "target": "beacon_aws::log::tests",
            "message": "it \"begins\"", "job_id": "j", "attempt": 2,
            "span": {"name": "invocation", "requestId": "r-1"},
        });
        assert_eq!(line, expected);
    }
}
