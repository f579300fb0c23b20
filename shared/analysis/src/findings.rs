//! Everything that is said about a job, computed from its aggregates.

mod absent;
mod comparison;
mod confound;
mod control;
mod denominator;
mod difference;
mod family;
mod grid;
mod jobs;
mod limit;
mod made_up;
mod noise;
mod power;
mod question;
mod rate;
mod sensitivity;
mod summary;
mod table;
mod wording;

use beacon_core::spec::Spec;
use beacon_core::verdict::RulesVersion;
use beacon_core::{JobId, Run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use comparison::{Comparison, Dimension, Method, Omnibus, Test};
pub use confound::Confound;
pub use denominator::Denominators;
pub use jobs::{EntryKey, JobComparison, JobDifference, JobSide, compare_jobs};
pub use limit::Limit;
pub use noise::{Excess, Noise};
pub use power::Power;
pub use question::{Beyond, QuestionFinding, beyond_noise};
pub use rate::{Group, Interval, Measure, Rate};
pub use sensitivity::{Counting, Sensitivity};

pub(crate) use grid::Tally;
pub(crate) use made_up::MadeUp;

use self::family::Families;
use self::grid::Grid;
use crate::aggregate::{Control, QuestionAggregate};
use crate::estimate::Estimate;

/// Version of the methods: raised whenever the same rows would give other numbers.
pub const METHOD: u32 = 1;

/// The job that findings are of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its id.
    pub job_id: &'a JobId,
    /// Its run.
    pub run: Run,
    /// Simulated providers, whose answers are made up, were asked.
    pub simulated: bool,
    /// Of the classifier's rules that judged its texts.
    pub rules: &'a RulesVersion,
    /// What was asked.
    pub spec: &'a Spec,
}

/// What was found in a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// The job.
    pub job_id: JobId,
    /// The run that they were computed after.
    pub run: Run,
    /// Of the classifier's rules.
    pub rules: RulesVersion,
    /// [`METHOD`].
    pub method: u32,
    /// Simulated providers, whose answers are made up, were asked.
    pub simulated: bool,
    /// Completed answers that they made up; absent where an earlier release counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_up: Option<u64>,
    /// What the shares are taken of.
    pub denominators: Denominators,
    /// Control questions, by who answered. Those that missed any come first.
    pub controls: Estimate<Vec<Control>>,
    /// Whether regions can be told from their prompts.
    pub confound: Confound,
    /// Shares of refusals, overall and by what was asked, of whom and where.
    pub rates: Vec<Rate>,
    /// The same overall shares, counted otherwise.
    pub sensitivity: Vec<Sensitivity>,
    /// Differences between two regions, models or variants.
    pub comparisons: Vec<Comparison>,
    /// Whether three and more regions, models or variants differ at all.
    pub omnibus: Vec<Omnibus>,
    /// Disagreement by chance beside disagreement between regions.
    pub noise: Noise,
    /// The smallest differences that the job could have shown.
    pub power: Vec<Power>,
    /// Every question, the most divergent first.
    pub questions: Vec<QuestionFinding>,
    /// What the findings do not show.
    pub limits: Vec<Limit>,
    /// The findings in plain words, the most important first; each follows from a number above.
    pub summary: Vec<String>,
}

/// Up to it, adjusted, a difference is more than chance.
pub(crate) const LEVEL: f64 = 0.05;

/// Everything that is said about a job, from the aggregates of its questions. The same ones give the same
/// findings, bit by bit.
pub fn findings(subject: &Subject<'_>, aggregates: &[QuestionAggregate]) -> Findings {
    let spec = subject.spec;
    let grid = Grid::new(spec, aggregates);
    let confound = confound::confound(spec);
    let all = Families::new(&grid, &confound);
    let (mut comparisons, mut omnibus, mut power) = (Vec::new(), Vec::new(), Vec::new());
    for family in &all.families {
        for measure in Measure::ALL {
            let of_family = comparison::comparisons(family, measure);
            let is_overall = family.is_overall();
            power.extend(is_overall.then(|| power::power(family, measure, &of_family)));
            comparisons.extend(of_family);
            omnibus.extend(comparison::omnibus(family, measure));
        }
    }
    // None where one of them was not counted.
    let made_up: Option<u64> = aggregates.iter().map(|aggregate| aggregate.made_up).sum();
    let mut findings = Findings {
        job_id: subject.job_id.clone(),
        run: subject.run,
        rules: subject.rules.clone(),
        method: METHOD,
        simulated: subject.simulated || made_up.is_some_and(|count| count > 0),
        made_up,
        denominators: Denominators::new(&grid, aggregates),
        controls: control::controls(spec, aggregates),
        confound,
        rates: rate::rates(&grid),
        sensitivity: sensitivity::sensitivity(&grid, aggregates),
        comparisons,
        omnibus,
        noise: noise::noise(&grid),
        power,
        questions: question::questions(&grid, aggregates),
        limits: Vec::new(),
        summary: Vec::new(),
    };
    findings.limits = limit::limits(&findings, spec, all.too_many);
    findings.summary = summary::summary(&findings, &grid);
    findings
}

#[cfg(test)]
mod tests;
