//! What was found in a job: the sections of its report in a page of the portal.

mod kept;
mod waiting;

use std::collections::BTreeSet;
use std::sync::Arc;

use beacon_analysis::aggregate::QuestionAggregate;
use beacon_analysis::findings::Findings;
use beacon_analysis::manifest::Manifest;
use beacon_analysis::report::{AGGREGATED, Report, SHOWN, sections};
use beacon_aws::{SpecifiedJob, StoredAnalysis, at_length};
use beacon_core::spec::Spec;
use beacon_core::view::JobView;
use beacon_core::{JobId, QuestionIndex};
use beacon_query::manifest_of;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};

pub(crate) use self::kept::{Rendered, rendered};
use self::waiting::Missing;
use super::heading::{self, Tab};
use super::words::{counted, outside, start_of};
use crate::Portal;
use crate::address::{Address, File};
use crate::answer::{Answer, Page, PageError};
use crate::read::Seen;
use crate::visit::Visit;

/// Characters of a question in a link to it.
const QUESTION_CHARACTERS: usize = 120;

/// Items of aggregates of one read, each of up to some 200 KB of JSON.
const ITEMS: u32 = 16;
/// Reads at a time.
const READS: usize = 4;

/// All that a report is made from but answers.
pub(crate) struct Found {
    manifest: Manifest,
    pub(crate) findings: Findings,
    aggregates: Vec<QuestionAggregate>,
}

impl Found {
    /// A report without answers.
    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            manifest: &self.manifest,
            findings: &self.findings,
            aggregates: &self.aggregates,
            shown: &[],
            served: None,
            export_sha256: None,
            embeddings: None,
        }
    }
}

impl Portal {
    /// What was found, or why nothing was yet.
    pub(crate) async fn findings(&self, visit: &Visit, id: &JobId) -> Result<Answer, PageError> {
        let seen = self.seen(id).await?;
        let analysed = match self.query.analysed(id).await {
            Ok((_, of)) => of,
            Err(error) => match Missing::of(&error) {
                Some(why) => return Ok(waiting::answer(visit, &seen.view(visit.now), why)),
                None => return Err(error.into()),
            },
        };
        if visit.is_part {
            // What waited gets the whole page, its style among it.
            return Ok(Answer::Anew);
        }
        let rendered = self.rendered(&seen, &analysed, visit.now).await?;
        let job = seen.view(visit.now);
        let body = body(visit, &job, &seen.spec, &rendered, seen.job.analysis.due.is_some());
        let page = Page::new(format!("Findings · {}", job.name), body);
        let simulated = job.simulated || rendered.simulated;
        Ok(Answer::Page(page.simulated(simulated).with_stylesheet("report.css")))
    }

    /// All that a report of the job's last analysis is made from.
    pub(crate) async fn found(
        &self,
        of: &SpecifiedJob,
        now: Timestamp,
    ) -> Result<Found, PageError> {
        let (_, analysed) = self.query.analysed(&of.job.id).await?;
        self.found_by(of, &analysed, now).await
    }

    async fn found_by(
        &self,
        of: &SpecifiedJob,
        analysed: &StoredAnalysis,
        now: Timestamp,
    ) -> Result<Found, PageError> {
        let (table, id) = (&self.query.table, &of.job.id);
        let findings = table.findings_of(id, analysed).await?;
        let most_divergent = findings.questions.iter().take(AGGREGATED);
        let needed: BTreeSet<u32> = most_divergent.map(|question| question.question.0).collect();
        let needs = |of: &QuestionAggregate| needed.contains(&of.question.0);
        let reads = windows(&needed, analysed.together).into_iter().map(async |(first, until)| {
            let read = table.aggregates_of(id, analysed, first, until).await;
            read.map(|mut read| {
                read.retain(needs);
                read
            })
        });
        // All of some thousand questions may be more than fits into memory.
        let reads: Vec<_> = stream::iter(reads).buffered(READS).try_collect().await?;
        let aggregates = reads.into_iter().flatten().collect();
        Ok(Found { manifest: manifest_of(of, now), findings, aggregates })
    }

    async fn rendered(
        &self,
        seen: &Seen,
        analysed: &StoredAnalysis,
        now: Timestamp,
    ) -> Result<Arc<Rendered>, PageError> {
        let is_it = |one: &Rendered| one.job == seen.job.id && one.of == *analysed;
        if let Some(kept) = self.findings.find(is_it) {
            return Ok(kept);
        }
        let Seen { job, lanes, spec } = seen;
        let (job, lanes, spec) = (job.clone(), lanes.clone(), Spec::clone(spec));
        let of = SpecifiedJob { job, lanes, spec };
        let found = self.found_by(&of, analysed, now).await?;
        let most_divergent = found.findings.questions.iter().take(SHOWN);
        let rendered = Rendered {
            job: of.job.id,
            of: analysed.clone(),
            simulated: found.findings.simulated,
            most_divergent: most_divergent.map(|question| question.question).collect(),
            sections: at_length(|| sections(&found.report()))
                .into_iter()
                .map(|section| (section.id, section.title, section.html.into_string()))
                .collect(),
        };
        let job = rendered.job.clone();
        Ok(self.findings.keep(rendered, |other| other.job == job))
    }
}

/// The first question and the one behind the last of each read that brings these and little beside: what is stored
/// together is read once, and what follows it in the same read.
fn windows(needed: &BTreeSet<u32>, together: u32) -> Vec<(QuestionIndex, QuestionIndex)> {
    let item = |question: u32| question / together.max(1);
    let mut windows: Vec<(u32, u32)> = Vec::new();
    for &question in needed {
        match windows.last_mut() {
            Some((first, last))
                if item(question) <= item(*last) + 1 && item(question) < item(*first) + ITEMS =>
            {
                *last = question;
            }
            Some(_) | None => windows.push((question, question)),
        }
    }
    let behind = |last: u32| QuestionIndex(last.saturating_add(1));
    windows.into_iter().map(|(first, last)| (QuestionIndex(first), behind(last))).collect()
}

fn body(visit: &Visit, job: &JobView, spec: &Spec, rendered: &Rendered, is_due: bool) -> Markup {
    let id = &job.job_id;
    html! {
        (heading::of(visit, job, Tab::Findings))
        @if is_due {
            p class="hint" role="note" {
                "A label or other rules came since, and newer findings follow. "
                a href=(Address::Findings(id.clone())) { "Load them" }
            }
        }
        nav class="contents" aria-label="Contents" {
            ol {
                li { a href="#look-closer" { "Look closer" } }
                @for (id, title, _) in &rendered.sections { li { a href={ "#" (id) } { (title) } } }
            }
        }
        section class="look-closer" id="look-closer" aria-labelledby="look-closer-heading" {
            h2 id="look-closer-heading" { "Look closer" }
            p class="actions" {
                a class="button" href=(Address::Matrix(id.clone())) { "The matrix of all answers" } " "
                a class="button" href=(Address::Download(id.clone(), File::Report)) { "Download the report" } " "
                a href=(Address::Files(id.clone())) { "All files" }
            }
            (questions(id, spec, &rendered.most_divergent))
        }
        div class="report" {
            @for (_, _, html) in &rendered.sections { (PreEscaped(html)) }
        }
    }
}

/// Links to the questions that divide regions most.
fn questions(id: &JobId, spec: &Spec, questions: &[QuestionIndex]) -> Markup {
    let known = questions.iter().filter_map(|index| Some((*index, spec.question(*index)?)));
    html! {
        @if !questions.is_empty() {
            h3 { "Most divergent, " (counted(questions.len() as u64, "question")) }
            ol class="most-divergent" {
                @for (index, question) in known {
                    li {
                        a href=(Address::Question(id.clone(), index)) {
                            (outside(question.id.as_str()))
                            @if question.variant.as_str() != "base" { " / " (outside(question.variant.as_str())) }
                        }
                        " " span class="hint" { (start_of(&question.text, QUESTION_CHARACTERS)) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_read_once_and_little_beside() {
        let of = |needed: &[u32], together| {
            let windows = windows(&needed.iter().copied().collect(), together);
            windows.into_iter().map(|(first, until)| (first.0, until.0)).collect::<Vec<_>>()
        };
        assert_eq!(of(&[], 10), []);
        assert_eq!(of(&[3, 0, 9], 10), [(0, 10)]);
        // Items that follow one another are one read, and one between is not read.
        assert_eq!(of(&[3, 15, 17, 30, 99], 10), [(3, 18), (30, 31), (99, 100)]);
        let all: Vec<u32> = (0..=ITEMS * 2).collect();
        assert_eq!(of(&all, 1), [(0, ITEMS), (ITEMS, ITEMS * 2), (ITEMS * 2, ITEMS * 2 + 1)]);
        assert_eq!(of(&[0, 1], 0), [(0, 2)]);
    }
}
