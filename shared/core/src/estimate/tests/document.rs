//! The tables of docs/cost.md are what this arithmetic comes to.

use std::fmt::Write as _;

use super::*;

const DOCUMENT: &str = include_str!("../../../../../docs/cost.md");
const EXECUTIONS: u64 = 1_000_000;

/// 10,000 questions to ten models in ten regions, in as many lanes as a job has, with answers of which
/// a row takes one write unit.
fn million() -> Spec {
    let questions: Vec<_> =
        (0..10_000).map(|n| json!({"id": format!("q{n}"), "text": "?"})).collect();
    let models: Vec<_> = (0..10).map(|n| format!("m{n}")).collect();
    let regions: Vec<_> = (0..10).map(|n| format!("r-{n}")).collect();
    let declared: Vec<_> =
        regions.iter().map(|r| crate::Region::new(r.as_str()).unwrap()).collect();
    let document = json!({
        "questions": questions, "models": models, "regions": regions, "questions_in_flight": 9,
        "max_tokens": 100, "system_prompt": "none",
    });
    parse(&document, &declared).unwrap().spec
}

/// What a design uses.
struct Design {
    write_units: u64,
    read_units: u64,
    queue_requests: u64,
    transitions: u64,
    lambda_requests: u64,
    gb_seconds: f64,
    log_bytes: u64,
    analysis: Dollars,
}

impl Design {
    fn beacon(seconds: u64) -> Self {
        let of = estimate(&million(), seconds);
        assert_eq!(of.executions, EXECUTIONS);
        Self {
            write_units: of.write_units,
            read_units: of.read_units,
            queue_requests: of.queue_requests,
            transitions: 0,
            lambda_requests: of.lambda_requests,
            gb_seconds: of.gb_seconds,
            log_bytes: of.log_bytes,
            analysis: of.aws(&AWS).analysis,
        }
    }

    /// A message and an invocation an execution: claimed before the call, completed after it. The
    /// queue's requests are sends in batches of ten, and a receive and a delete each.
    fn lambda_each(seconds: u64) -> Self {
        Self {
            write_units: 2 * EXECUTIONS,
            read_units: 0,
            queue_requests: 2 * EXECUTIONS + EXECUTIONS / u64::from(BATCH),
            transitions: 0,
            lambda_requests: EXECUTIONS,
            gb_seconds: waiting(seconds),
            log_bytes: EXECUTIONS * (EXECUTION_LOG_BYTES + INVOCATION_LOG_BYTES),
            analysis: Dollars::ZERO,
        }
    }

    /// Three states an execution (ask, choose, store), of which the first is a function that waits
    /// for the answer; the workflow stores the row itself.
    fn step_functions(seconds: u64) -> Self {
        Self {
            write_units: EXECUTIONS,
            queue_requests: 0,
            transitions: 3 * EXECUTIONS,
            ..Self::lambda_each(seconds)
        }
    }

    fn lines(&self) -> [(&'static str, String, Dollars); 8] {
        let of = |price: &AwsPrice, count: u64| (price.name, commas(count), price.of(float(count)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let gb_seconds = self.gb_seconds.round() as u64;
        let count = if self.analysis == Dollars::ZERO { "none" } else { "1" };
        [
            of(&AWS.write_unit, self.write_units),
            of(&AWS.read_unit, self.read_units),
            of(&AWS.queue_request, self.queue_requests),
            of(&AWS.transition, self.transitions),
            of(&AWS.lambda_request, self.lambda_requests),
            (AWS.gb_second.name, commas(gb_seconds), AWS.gb_second.of(self.gb_seconds)),
            of(&AWS.log_byte, self.log_bytes),
            ("analysis of the answers", count.to_owned(), self.analysis),
        ]
    }
}

/// GB-seconds of a function of the smallest memory for each execution.
fn waiting(seconds: u64) -> f64 {
    gigabytes(OTHER_MB) * float(EXECUTIONS) * (float(seconds) + OWN_SECONDS)
}

fn commas(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn table(seconds: u64) -> String {
    let designs =
        [Design::beacon(seconds), Design::lambda_each(seconds), Design::step_functions(seconds)];
    let columns = designs.map(|design| design.lines());
    let mut table = format!(
        "| {seconds} s a call | Beacon | | a Lambda each | | Step Functions | |\n\
         |---|--:|--:|--:|--:|--:|--:|\n"
    );
    let mut totals = [Dollars::ZERO; 3];
    for row in 0..columns[0].len() {
        write!(table, "| {} |", columns[0][row].0).unwrap();
        for (column, total) in columns.iter().zip(&mut totals) {
            let (_, count, dollars) = &column[row];
            *total = total.plus(*dollars);
            write!(table, " {count} | ${:.2} |", dollars.as_f64()).unwrap();
        }
        table.push('\n');
    }
    table.push_str("| **total** |");
    for total in totals {
        write!(table, " | **${:.2}** |", total.as_f64()).unwrap();
    }
    table
}

#[test]
fn the_document_has_the_tables_that_the_arithmetic_gives() {
    for seconds in [5, 45] {
        let table = table(seconds);
        assert!(DOCUMENT.contains(&table), "docs/cost.md is to have:\n{table}");
    }
}

#[test]
fn the_document_names_every_price_with_its_source() {
    let AwsPrices { as_of, region, .. } = AWS;
    assert!(DOCUMENT.contains(as_of) && DOCUMENT.contains(region));
    for price in [
        &AWS.write_unit,
        &AWS.read_unit,
        &AWS.queue_request,
        &AWS.lambda_request,
        &AWS.gb_second,
        &AWS.log_byte,
        &AWS.transition,
    ] {
        let kind = if price.is_primary { "AWS" } else { "secondary" };
        let AwsPrice { per_million, name, source, .. } = price;
        let row = format!("| {name} | {per_million} | {source} | {kind} |");
        assert!(DOCUMENT.contains(&row), "docs/cost.md is to have:\n{row}");
    }
}
