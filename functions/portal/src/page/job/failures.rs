//! Failures by code: how many, what one of them says, whose they are, and what to do.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use beacon_core::QuestionIndex;
use beacon_core::failure::{Failure, FailureCode};
use maud::{Markup, html};

use super::super::remedy::{again, of_code};
use super::super::words::{count, counted, outside, shown};
use super::table::Pairs;
use crate::Portal;
use crate::answer::PageError;
use crate::read::Seen;

/// Codes that are listed, the most frequent ones.
const ROWS: usize = 50;
/// Codes that are not on the page of which a failure is looked for.
const LOOKED_FOR: usize = 6;

/// Failures of one code.
struct OfCode {
    count: u64,
    example: Option<Failure>,
}

impl Portal {
    /// Of a job that was analysed all are counted, of another those of the executions on the page.
    pub(super) async fn failures(&self, seen: &Seen, pairs: &Pairs) -> Result<Markup, PageError> {
        let mut by_code = on_page(pairs);
        let analysed = if seen.job.status.is_final() && seen.job.analysis.due.is_none() {
            self.analysis(seen).await?
        } else {
            None
        };
        if let Some(analysed) = &analysed {
            let mut looked_for = 0;
            for (code, count) in &analysed.findings.denominators.failures {
                let of = by_code.entry(code.clone()).or_insert(OfCode { count: 0, example: None });
                of.count = *count;
                if let Some(question) = analysed.example(code).filter(|_| of.example.is_none())
                    && looked_for < LOOKED_FOR
                {
                    looked_for += 1;
                    of.example = self.example(seen, code, question).await?;
                }
            }
        }
        Ok(section(&by_code, analysed.is_some()))
    }

    /// A failure of this code among a question's pairs.
    async fn example(
        &self,
        seen: &Seen,
        code: &FailureCode,
        question: QuestionIndex,
    ) -> Result<Option<Failure>, PageError> {
        let next = question.0.saturating_add(1);
        for region in 0..seen.spec.regions.len() {
            let pairs = self.pairs(seen, question.0..next, &[region]).await?;
            let mut failures = pairs.into_values().filter_map(|pair| pair.failure);
            if let Some(found) = failures.find(|failure| failure.code == *code) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

fn on_page(pairs: &Pairs) -> BTreeMap<FailureCode, OfCode> {
    let mut by_code: BTreeMap<FailureCode, OfCode> = BTreeMap::new();
    for failure in pairs.values().filter_map(|pair| pair.failure.as_ref()) {
        let of = by_code.entry(failure.code.clone()).or_insert(OfCode { count: 0, example: None });
        of.count += 1;
        of.example.get_or_insert_with(|| failure.clone());
    }
    by_code
}

fn section(by_code: &BTreeMap<FailureCode, OfCode>, is_all: bool) -> Markup {
    if by_code.is_empty() {
        return html! {};
    }
    let without: u64 = by_code.values().map(|of| of.count).sum();
    let mut rows: Vec<_> = by_code.iter().collect();
    rows.sort_by_key(|(_, of)| Reverse(of.count));
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    html! {
        section aria-labelledby="failures" {
            h2 id="failures" { "Without an answer" }
            p {
                @if is_all {
                    (counted(without, "execution")) " of the job ended without an answer."
                } @else {
                    (counted(without, "execution")) " on this page ended without an answer. Those of the whole job are counted by code when it has ended and was analysed."
                }
            }
            div class="scroll" role="region" tabindex="0" aria-label="Failures by code" {
                table class="failures" {
                    caption class="unseen" { "Failures by code" }
                    thead {
                        tr {
                            th scope="col" { "Code" }
                            th scope="col" class="number" { "Count" }
                            th scope="col" { "One of them says" }
                            th scope="col" { "Provider" }
                            th scope="col" { "What to do" }
                        }
                    }
                    tbody { @for (code, of) in rows { (row(code, of)) } }
                }
            }
            @if more > 0 { p class="hint" { (counted(more as u64, "code")) " more, each rarer than these." } }
        }
    }
}

fn row(code: &FailureCode, of: &OfCode) -> Markup {
    html! {
        tr {
            th scope="row" { code { (code) } }
            td class="number" { (count(of.count)) }
            @match &of.example {
                Some(failure) => {
                    td { (shown(&failure.message)) span class="hint" { " " (again(failure)) } }
                    td {
                        @match &failure.provider_id {
                            Some(id) => (outside(id.as_str())),
                            None => span class="hint" { "none was chosen" },
                        }
                    }
                }
                None => {
                    td { span class="hint" { "see the export" } }
                    td { span class="hint" { "–" } }
                }
            }
            td { (of_code(code)) }
        }
    }
}
