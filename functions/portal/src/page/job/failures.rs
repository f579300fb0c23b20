//! Failures by code: how many, what one of them says, whose they are, and what to do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use beacon_core::failure::{Failure, FailureCode};
use beacon_core::job::NoRun;
use beacon_core::{ProviderId, QuestionIndex};
use maud::{Markup, html};

use super::super::remedy::{again, of_failure, provider};
use super::super::words::{count, counted, outside, shown};
use super::table::Pairs;
use crate::Portal;
use crate::answer::PageError;
use crate::read::Seen;

/// Codes that are listed, the most frequent ones.
const ROWS: usize = 50;
/// Codes that are not on the page of which a failure is looked for.
const LOOKED_FOR: usize = 6;

/// Providers that are named; of more the number is told.
const NAMED: usize = 3;

/// Failures of one code.
#[derive(Default)]
struct OfCode {
    count: u64,
    /// Of those on the page.
    on_page: u64,
    providers: BTreeSet<ProviderId>,
    example: Option<Failure>,
}

impl OfCode {
    fn take(&mut self, failure: Failure) {
        self.on_page += 1;
        self.providers.extend(failure.provider_id.clone());
        self.example.get_or_insert(failure);
    }
}

impl Portal {
    /// Of a job that was analysed all are counted, of another those of the executions on the page.
    pub(super) async fn failures(&self, seen: &Seen, pairs: &Pairs) -> Result<Markup, PageError> {
        let mut by_code = on_page(pairs);
        // A label that came since changes no failure.
        let is_final = seen.job.status.is_final();
        let analysed = if is_final { self.analysis(seen).await? } else { None };
        if let Some(analysed) = &analysed {
            let mut looked_for = 0;
            for (code, count) in &analysed.findings.denominators.failures {
                let of = by_code.entry(code.clone()).or_default();
                of.count = *count;
                if let Some(question) = analysed.example(code).filter(|_| of.example.is_none())
                    && looked_for < LOOKED_FOR
                {
                    looked_for += 1;
                    of.example = self.example(seen, code, question).await?;
                }
            }
        }
        let counted = match (analysed.is_some(), is_final) {
            (true, _) => Counted::All,
            (false, true) => Counted::OnPage,
            (false, false) => Counted::OnPageUntilNow,
        };
        Ok(section(&by_code, counted, seen.never_again()))
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
        let of = by_code.entry(failure.code.clone()).or_default();
        of.count += 1;
        of.take(failure.clone());
    }
    by_code
}

/// What the counts are of.
#[derive(Clone, Copy)]
enum Counted {
    All,
    OnPage,
    OnPageUntilNow,
}

fn section(
    by_code: &BTreeMap<FailureCode, OfCode>,
    counted_of: Counted,
    never_again: Option<NoRun>,
) -> Markup {
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
                (counted(without, "execution"))
                @match counted_of {
                    Counted::All => " of the job ended without an answer.",
                    Counted::OnPage => {
                        " on this page ended without an answer. Those of the whole job are counted by code when its "
                        "answers have been analysed."
                    }
                    Counted::OnPageUntilNow => {
                        " on this page ended without an answer. Those of the whole job are counted by code when it has "
                        "ended and was analysed."
                    }
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
                    tbody { @for (code, of) in rows { (row(code, of, never_again)) } }
                }
            }
            @if more > 0 { p class="hint" { (counted(more as u64, "code")) " more, each rarer than these." } }
        }
    }
}

fn row(code: &FailureCode, of: &OfCode, never_again: Option<NoRun>) -> Markup {
    html! {
        tr {
            th scope="row" { code { (code) } }
            td class="number" { (count(of.count)) }
            @match &of.example {
                Some(failure) => {
                    td { (shown(&failure.message)) span class="hint" { " " (again(failure, never_again)) } }
                    td { (providers(of, failure)) }
                }
                None => {
                    td { span class="hint" { "see the export" } }
                    td { span class="hint" { "–" } }
                }
            }
            td { (of_failure(code, never_again)) }
        }
    }
}

/// Whose they are: those on the page, and one where none is on it.
fn providers(of: &OfCode, example: &Failure) -> Markup {
    if of.providers.is_empty() {
        return provider(example);
    }
    let more = of.providers.len().saturating_sub(NAMED);
    html! {
        @if of.on_page < of.count { "among others " }
        @for (at, id) in of.providers.iter().take(NAMED).enumerate() {
            @if at > 0 { ", " } (outside(id.as_str()))
        }
        @if more > 0 { " and " (more) " more" }
    }
}
