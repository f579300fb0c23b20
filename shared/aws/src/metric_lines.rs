//! Where metrics go: lines of `CloudWatch`'s embedded metric format, or nowhere.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use beacon_core::cloudwatch::{Figure, StackName, documents};
use jiff::Timestamp;

/// Where a function tells its metrics.
#[derive(Debug, Clone)]
pub enum MetricLines {
    /// Nowhere: nobody would make metrics of them.
    Off,
    /// There, as those of this stack.
    To(StackName, Out),
}

/// What lines are written to.
#[derive(Clone)]
pub struct Out(Arc<Mutex<dyn Write + Send>>);

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Out")
    }
}

impl MetricLines {
    /// To this writer.
    pub fn to(stack: StackName, out: impl Write + Send + 'static) -> Self {
        Self::To(stack, Out(Arc::new(Mutex::new(out))))
    }

    /// To standard output, where Lambda takes them from.
    pub fn to_standard_output(stack: StackName) -> Self {
        Self::to(stack, io::stdout())
    }

    /// Whether somebody hears.
    pub fn is_on(&self) -> bool {
        match self {
            Self::Off => false,
            Self::To(..) => true,
        }
    }

    /// Tells these figures, at once: what is told is not lost when the process ends.
    pub fn tell(&self, figures: &[Figure], now: Timestamp) {
        let Self::To(stack, Out(out)) = self else { return };
        let mut lines = documents(stack, figures, now).join("\n");
        if lines.is_empty() {
            return;
        }
        lines.push('\n');
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        // The log goes the same way: where this fails, nobody can be told.
        let _unheard = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    }
}
