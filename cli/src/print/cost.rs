//! What a job is thought to cost, and what it did.

use std::fmt::Write as _;

use beacon_core::estimate::{AWS, Estimate};
use beacon_core::money::Dollars;
use beacon_core::usage::Usage;
use beacon_core::view::{CostView, JobView};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::{duration, say};
use crate::estimate::{Estimated, TotalIs};

/// What a job will use and cost, a line each.
pub(crate) fn estimated(estimated: &Estimated) {
    let Estimated { estimate, aws, total, total_is, prices_as_of, prices_of, max_cost } = estimated;
    let (executions, lanes, seconds) =
        (estimate.executions, estimate.lanes, estimate.latency_seconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most ten thousand questions of ten minutes"
    )]
    let took = duration((estimate.seconds * 1000.0) as u64);
    say(format!("{executions} executions in {lanes} lanes: {took} at {seconds} s a question"));
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["at most", "count", "US dollars"]);
    for (price, count, dollars) in [
        (&AWS.write_unit, estimate.write_units.to_string(), aws.write_units),
        (&AWS.read_unit, estimate.read_units.to_string(), aws.read_units),
        (&AWS.queue_request, estimate.queue_requests.to_string(), aws.queue_requests),
        (&AWS.lambda_request, estimate.lambda_requests.to_string(), aws.lambda_requests),
        (&AWS.gb_second, format!("{:.1}", estimate.gb_seconds), aws.gb_seconds),
        (&AWS.log_byte, estimate.log_bytes.to_string(), aws.logs),
    ] {
        table.add_row([price.name.to_owned(), count, cents(dollars)]);
    }
    table.add_row(["analysis of the answers".to_owned(), "1".to_owned(), cents(aws.analysis)]);
    let provider = estimate.provider;
    let priced = executions - provider.unpriced;
    table.add_row(["providers".to_owned(), priced.to_string(), cents(provider.at_most)]);
    if provider.unpriced > 0 {
        let count = provider.unpriced.to_string();
        table.add_row([
            "providers without a declared price".to_owned(),
            count,
            "unknown".to_owned(),
        ]);
    }
    for index in 1..3 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say(table);
    let bound = match total_is {
        TotalIs::AtMost => "at most",
        TotalIs::AtLeast => "at least",
    };
    say(format!("total {bound} {}", cents(*total)));
    say(format!(
        "AWS's prices are of {prices_of}, {prices_as_of}, without free tiers; docs/cost.md"
    ));
    if let Some(most) = max_cost {
        say(format!("max_cost stops the job when its providers have charged {most}"));
    }
}

/// Dollars as a person reads them: to the cent, or with two digits where they are less.
fn cents(dollars: Dollars) -> String {
    let amount = dollars.as_f64();
    if amount >= 0.1 || dollars == Dollars::ZERO {
        format!("${amount:.2}")
    } else if amount >= 0.001 {
        format!("${amount:.4}")
    } else {
        format!("${amount:.7}")
    }
}

/// What a job cost, counted beside estimated.
pub(super) fn lines(view: &JobView) -> Vec<String> {
    let CostView { max_cost, estimated, counted } = &view.cost;
    let mut lines = Vec::new();
    let of = |estimate: &Option<Estimate>, of: fn(&Estimate) -> String| {
        estimate.as_ref().map_or_else(|| "not estimated".to_owned(), of)
    };
    let used = match &view.usage {
        Some(Usage { write_units, read_units, queue_requests }) => format!(
            "{write_units:.0} write units, {read_units:.0} read units, {queue_requests} queue requests"
        ),
        None if view.status.is_final() => {
            "not counted, since no one process saw all of the job".to_owned()
        }
        None => "counted when the job has ended".to_owned(),
    };
    let thought = of(estimated, |estimate| {
        let Estimate { write_units, read_units, queue_requests, .. } = estimate;
        format!("{write_units}, {read_units}, {queue_requests}")
    });
    lines.push(format!("used: {used} (estimated at most {thought})"));
    let thought = of(estimated, |estimate| match estimate.provider.unpriced {
        0 => cents(estimate.provider.at_most),
        unpriced => {
            let known = cents(estimate.provider.at_most);
            format!("{known}, without {unpriced} executions that have no declared price")
        }
    });
    let mut charged = format!("providers: {}", cents(counted.provider));
    match counted.executions_without_cost {
        0 => {}
        1 => charged.push_str(", and 1 execution whose cost is not known"),
        many => {
            let _infallible = write!(charged, ", and {many} executions whose cost is not known");
        }
    }
    if let Some(assumed) = counted.assumed_at_most.filter(|assumed| *assumed > Dollars::ZERO) {
        let _infallible = write!(charged, "; what is not known is at most {}", cents(assumed));
    }
    let _infallible = write!(charged, " (estimated at most {thought}");
    if let Some(most) = max_cost {
        let _infallible = write!(charged, "; max_cost {most}");
    }
    charged.push(')');
    lines.push(charged);
    lines
}
