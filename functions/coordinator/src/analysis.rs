//! The analysis of a final job: from its rows to findings that are stored.

use std::time::Duration;

use beacon_analysis::aggregate::QuestionAggregate;
use beacon_analysis::classify::Classifier;
use beacon_analysis::findings::{METHOD, Subject, findings};
use beacon_aws::{AnalysisHeld, SpecifiedJob, StoredAnalysis, TableError, at_length, chain};
use beacon_core::QuestionIndex;
use beacon_core::job::{Job, total};
use beacon_core::time_budget;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::Coordinator;
use crate::root::Signed;
use crate::window::Windows;

/// Analyses of one job in an invocation: another one each time that something was asked for while it
/// was made.
const ANALYSES: usize = 4;

/// One invocation of the function, which ends at its timeout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invocation {
    began: Instant,
    longest: Duration,
    /// When nothing of it runs any more.
    dead: Timestamp,
}

impl Invocation {
    pub(crate) fn begin(now: Timestamp, longest: Duration) -> Self {
        Self { began: Instant::now(), longest, dead: now + time_budget::COORDINATOR }
    }

    /// Whether it leaves what it has not begun.
    pub(crate) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.longest
    }
}

/// What an analysis came to.
enum Made {
    /// It is stored.
    Whole,
    /// It is stored, and another was asked for while it was made.
    Stale,
    /// The job was retried meanwhile.
    Outdated,
    /// The time is up. What was made of it is stored, and the next one goes on from there.
    Part,
}

impl Coordinator {
    /// Analyses a job unless somebody is at it. Another one at the same time, or one again, stores the
    /// same.
    pub(crate) async fn analyse(
        &self,
        mut job: Job,
        invocation: &Invocation,
    ) -> Result<(), TableError> {
        for asked_meanwhile in 0..ANALYSES {
            if asked_meanwhile > 0 && invocation.is_over() {
                return Ok(());
            }
            let now = self.clock.now();
            let held = self.table.hold_analysis(&job, now, invocation.dead).await?;
            let Some(held) = held else { return Ok(()) };
            match self.finish(&held, invocation).await {
                Ok(Made::Whole) => return Ok(()),
                Ok(Made::Outdated | Made::Part) => {
                    self.table.leave_analysis(&held, false).await?;
                    return Ok(());
                }
                Ok(Made::Stale) => match self.table.leave_analysis(&held, false).await? {
                    Some(asked) => job = asked,
                    None => return Ok(()),
                },
                Err(error) => {
                    if let Err(error) = self.table.leave_analysis(&held, true).await {
                        let (job_id, error) = (&held.job.id, chain(&error));
                        warn!(%job_id, error, "an analysis stays held until its time is over");
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn finish(
        &self,
        held: &AnalysisHeld,
        invocation: &Invocation,
    ) -> Result<Made, TableError> {
        match self.make(&held.job, invocation).await? {
            Made::Whole => {
                let is_last = self.table.end_analysis(held).await?;
                Ok(if is_last { Made::Whole } else { Made::Stale })
            }
            made @ (Made::Stale | Made::Outdated | Made::Part) => Ok(made),
        }
    }

    async fn make(&self, held: &Job, invocation: &Invocation) -> Result<Made, TableError> {
        let begun = self.clock.now();
        let Some((job, lanes)) = self.table.job_and_lanes(&held.id).await? else {
            return Ok(Made::Outdated);
        };
        if !is_same(held, &job) {
            return Ok(Made::Outdated);
        }
        let spec = self.table.spec(&job).await?;
        let read = SpecifiedJob { job, lanes, spec };
        // Evidence before findings: these can be made anew from it.
        match self.sign_root(&read, invocation).await? {
            Signed::Whole => {}
            Signed::Part => return Ok(Made::Part),
            Signed::Outdated => return Ok(Made::Outdated),
        }
        let rules = Classifier::built_in().rules();
        let executions_of_question = read.spec.pairs_of_question() * read.spec.regions.len();
        let of = StoredAnalysis {
            run: held.run,
            asked: held.analysis.asked,
            rules: rules.clone(),
            method: METHOD,
            questions: u32::try_from(read.spec.questions.len()).unwrap_or(u32::MAX),
            together: StoredAnalysis::together(executions_of_question),
            parts: 0,
            at: begun,
        };
        let Some(aggregates) = self.aggregates(&read, &of, invocation).await? else {
            return Ok(Made::Part);
        };
        // The rows were read before this is: they are those of this run and no other.
        let now = self.table.job(&held.id).await?;
        if !now.is_some_and(|now| is_same(held, &now)) {
            return Ok(Made::Outdated);
        }
        let subject = Subject {
            job_id: &held.id,
            run: held.run,
            simulated: total(&read.lanes).simulated > 0,
            rules,
            spec: &read.spec,
        };
        let found = at_length(|| findings(&subject, &aggregates));
        self.table.put_analysis(&held.id, of.clone(), &found).await?;
        if let Err(error) = self.table.expire_superseded(&held.id, &of, begun).await {
            warn!(job_id = %held.id, error = chain(&error), "an earlier analysis stays");
        }
        info!(
            job_id = %held.id,
            run = %held.run,
            executions = held.expected,
            questions = aggregates.len(),
            duration_ms = milliseconds(begun, self.clock.now()),
            rules = %rules.0,
            "answers are analysed"
        );
        Ok(Made::Whole)
    }

    /// The aggregates of all questions, each stored; none where the time is up before. Some are stored in
    /// any case, so that no limit keeps an analysis from its end.
    async fn aggregates(
        &self,
        read: &SpecifiedJob,
        of: &StoredAnalysis,
        invocation: &Invocation,
    ) -> Result<Option<Vec<QuestionAggregate>>, TableError> {
        let job_id = &read.job.id;
        let all = QuestionIndex(of.questions);
        let mut aggregates =
            self.table.aggregates_so_far(job_id, of, QuestionIndex(0), all).await?;
        let gap = aggregates.iter().zip(0..).position(|(of, index)| of.question.0 != index);
        aggregates.truncate(gap.unwrap_or(aggregates.len()));
        let mut windows = Windows::new(&self.table, read.source());
        let mut first = u32::try_from(aggregates.len()).unwrap_or(u32::MAX);
        while first < of.questions {
            let until = of.questions.min(first.saturating_add(of.together));
            let made = windows.aggregates(first, until).await?;
            let stored = self.table.put_aggregates(job_id, of, QuestionIndex(first), made).await?;
            aggregates.extend(stored);
            first = u32::try_from(aggregates.len()).unwrap_or(u32::MAX);
            if first < of.questions && invocation.is_over() {
                return Ok(None);
            }
        }
        Ok(Some(aggregates))
    }
}

/// Whether a job is final in the run in which it was held.
fn is_same(held: &Job, now: &Job) -> bool {
    now.run == held.run && now.status == held.status && now.status.is_final()
}

fn milliseconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(Duration::try_from(to.duration_since(from)).unwrap_or_default().as_millis())
        .unwrap_or(u64::MAX)
}
