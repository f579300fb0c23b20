//! Text that Prometheus reads (exposition format 0.0.4).

use std::fmt::{Display, Write as _};

/// How a metric's values move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Up and down.
    Gauge,
    /// Only up, until the process starts anew.
    Counter,
    /// Cumulative buckets, a sum and a count.
    Histogram,
}

/// Metrics as text.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// One metric with its values, each with its labels.
    pub fn metric<V: Display>(
        &mut self,
        kind: Kind,
        metric: &str,
        help: &str,
        values: impl IntoIterator<Item = (String, V)>,
    ) {
        self.head(kind, metric, help);
        for (labels, value) in values {
            self.value(metric, &labels, value);
        }
    }

    /// The head of a metric whose values follow.
    pub fn head(&mut self, kind: Kind, metric: &str, help: &str) {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        };
        // Writing to a String cannot fail.
        let _infallible = writeln!(self.text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
    }

    /// One value; `labels` are joined [`label`]s, or empty.
    pub fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        let _infallible = if labels.is_empty() {
            writeln!(self.text, "{name} {value}")
        } else {
            writeln!(self.text, "{name}{{{labels}}} {value}")
        };
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// One label.
pub fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

/// An enum's name as JSON has it.
pub fn name<T: serde::Serialize>(variant: &T) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        // Only enums without fields come here, and serde writes those as texts.
        Ok(_) | Err(_) => String::new(),
    }
}
