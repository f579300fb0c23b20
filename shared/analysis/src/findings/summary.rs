//! The findings in plain words. Each sentence follows from a number or a test, and is left out where there
//! is none.

use super::absent::absent;
use super::control::{missed, passed};
use super::difference::{Difference, told};
use super::grid::Grid;
use super::made_up::begun;
use super::question::{beyond_noise, samples_needed};
use super::wording::{counted, holm, interval, list, points, unanswered};
use super::{
    Beyond, Comparison, Confound, Dimension, Findings, Group, LEVEL, Measure, QuestionFinding,
};
use crate::estimate::{Estimate, Reason};
use crate::figure::{p, percent};

/// Sentences of a summary.
pub(super) const MOST: usize = 9;

/// Findings of which all but this is known, in at most [`MOST`] sentences, the most important first. Of its
/// completed answers so many were made up, where that was counted.
pub(super) fn summary(findings: &Findings, grid: &Grid<'_>) -> Vec<String> {
    let first = [
        absent(grid),
        missed(findings),
        Some(completed(findings)),
        passed(findings),
        confound(findings),
        regions(findings),
    ];
    let last = [noise(findings), divergent(findings), power(findings), Some(NOT_CAUSAL.to_owned())];
    let first: Vec<String> = first.into_iter().flatten().collect();
    let last: Vec<String> = last.into_iter().flatten().collect();
    // Said where there is room.
    let room = MOST.saturating_sub(first.len() + last.len());
    let more = [with_evasive(findings), models(findings)].into_iter().flatten().take(room);
    first.into_iter().chain(more).chain(last).collect()
}

pub(super) const NOT_CAUSAL: &str = "None of this is causal: it tells how these models answered through \
these providers at that time, not why.";

fn completed(findings: &Findings) -> String {
    let all = &findings.denominators;
    let planned = counted(all.planned, "planned answer");
    let without = unanswered([all.failed, all.timed_out, all.cancelled, all.open]);
    let others = if without.is_empty() {
        String::new()
    } else {
        format!("; {without}, which no share counts")
    };
    let share = |measure| {
        let group = Group::default();
        let rate =
            findings.rates.iter().find(|rate| rate.group == group && rate.measure == measure);
        rate.and_then(|rate| rate.share.known().copied()).map(percent)
    };
    let shares = share(Measure::Strict).zip(share(Measure::Broad));
    let shares = shares.map_or_else(String::new, |(strict, broad)| {
        format!("; {strict} of those refuse, {broad} refuse or evade")
    });
    let begun = begun(findings.simulated, findings.made_up, all.completed);
    format!("{begun}{planned} {} completed{shares}{others}.", all.completed)
}

fn confound(findings: &Findings) -> Option<String> {
    match &findings.confound {
        Confound::OneRegion | Confound::None => None,
        Confound::NotSeparable => Some(
            "Every region has a system prompt of its own, so that a difference between regions cannot be \
             told from one between prompts; `system_prompt: {place: regional, bare: none}` separates them."
                .to_owned(),
        ),
        Confound::Separable { same } => {
            let names: Vec<String> = same.iter().map(|name| format!("`{name}`")).collect();
            let of_same = |one: &&Comparison| {
                one.within.variant.as_ref().is_some_and(|variant| same.contains(variant))
            };
            let comparisons: Vec<&Comparison> =
                compared(findings, Dimension::Region, Measure::Strict).filter(of_same).collect();
            let there = match Difference::of(&comparisons) {
                Difference::Holds { largest, test, .. } => told(largest, test),
                Difference::CanBeChance { test } => {
                    format!("no difference between regions was found there that could not be chance ({})", holm(test))
                }
                Difference::AllAlike => "no pair set side by side differs there".to_owned(),
                Difference::Nothing => return None,
            };
            Some(format!(
                "Only {} is sent with the same system prompt everywhere, so that only there a region can be \
                 told from its prompt: {there}.",
                list(&names)
            ))
        }
    }
}

/// The comparisons along a dimension.
fn compared(
    findings: &Findings,
    dimension: Dimension,
    measure: Measure,
) -> impl Iterator<Item = &Comparison> {
    let all = findings.comparisons.iter();
    all.filter(move |one| one.dimension == dimension && one.measure == measure)
}

fn overall(findings: &Findings, dimension: Dimension, measure: Measure) -> Vec<&Comparison> {
    compared(findings, dimension, measure).filter(|one| one.within == Group::default()).collect()
}

fn regions(findings: &Findings) -> Option<String> {
    let comparisons = overall(findings, Dimension::Region, Measure::Strict);
    let separable = matches!(findings.confound, Confound::Separable { .. });
    let over = if separable { "(over all variants, prompts included) " } else { "" };
    match Difference::of(&comparisons) {
        Difference::Holds { largest, test, holding, tested } => {
            let others = if holding > 1 {
                format!("; {holding} of {tested} comparisons of regions hold")
            } else {
                String::new()
            };
            Some(format!("Region {over}{}{others}.", told(largest, test)))
        }
        Difference::CanBeChance { test } => Some(format!(
            "No difference between regions {over}was found that could not be chance (smallest {}); {}.",
            holm(test),
            could(findings)
        )),
        Difference::AllAlike => Some(format!(
            "No pair set side by side {over}differs between regions in whether it refuses; {}.",
            could(findings)
        )),
        Difference::Nothing => nothing_paired(findings, &comparisons),
    }
}

/// Where regions answered, but no two of them the same.
fn nothing_paired(findings: &Findings, comparisons: &[&Comparison]) -> Option<String> {
    let is_region =
        |group: &Group| *group == Group { region: group.region.clone(), ..Group::default() };
    let answered = findings.rates.iter().filter(|rate| {
        rate.measure == Measure::Strict
            && rate.group.region.is_some()
            && is_region(&rate.group)
            && rate.completed > 0
    });
    (!comparisons.is_empty() && answered.count() > 1).then(|| {
        "Nothing can be said between regions: no model answered the same question in two of them."
            .to_owned()
    })
}

fn with_evasive(findings: &Findings) -> Option<String> {
    if findings.denominators.evasive == 0 {
        return None;
    }
    match Difference::of(&overall(findings, Dimension::Region, Measure::Broad)) {
        Difference::Holds { largest, test, .. } => Some(format!(
            "With evasive answers counted as refusals, region {}.",
            told(largest, test)
        )),
        Difference::CanBeChance { .. } | Difference::AllAlike | Difference::Nothing => None,
    }
}

fn models(findings: &Findings) -> Option<String> {
    match Difference::of(&overall(findings, Dimension::Model, Measure::Strict)) {
        Difference::Holds { largest, test, .. } => Some(format!("Model {}.", told(largest, test))),
        Difference::CanBeChance { .. } | Difference::AllAlike | Difference::Nothing => None,
    }
}

fn noise(findings: &Findings) -> Option<String> {
    let noise = &findings.noise;
    let between = noise.between.known()?;
    if noise.within == Estimate::Absent(Reason::OneSample) {
        return Some(
            "With one sample per cell this job cannot tell a difference between regions from a model's own \
             variation; that takes `samples: 2` or more."
                .to_owned(),
        );
    }
    let within = noise.within.known()?;
    let (excess, test) = (noise.excess.known()?, noise.test.known());
    let shares = format!(
        "Answers of one model to one question differ in kind in {} of pairs between regions and in {} \
         within a region",
        percent(*between),
        percent(*within)
    );
    let Some(test) = test else { return Some(format!("{shares}.")) };
    Some(if test.p <= LEVEL {
        let (more, ends) = (points(excess.points), interval(&excess.interval));
        format!("{shares}: {more} beyond noise ({ends}{}).", p(test.p))
    } else {
        format!("{shares}: no more than noise ({}).", p(test.p))
    })
}

fn divergent(findings: &Findings) -> Option<String> {
    let most = findings.questions.first()?;
    let tested: Vec<_> = findings.questions.iter().filter(|one| one.p.known().is_some()).collect();
    let of = |beyond| tested.iter().filter(|one| one.beyond == beyond).count() as u64;
    let (noise, few) = (of(Beyond::Noise), of(Beyond::Unknown(Reason::TooFewSamples)));
    let count = tested.len() as u64;
    let all = entries(findings, count);
    if noise > 0 {
        let differ = if noise == 1 { "differs" } else { "differ" };
        return Some(format!(
            "{}; {noise} of {all} that could be tested {differ} beyond noise, at 5 % by Benjamini and Hochberg.",
            beyond(most, &findings.questions)?
        ));
    }
    match most.beyond {
        Beyond::Unknown(Reason::OneRegion) => None,
        Beyond::Unknown(reason) if count == 0 => {
            let diverging = most.disagreement.known().is_some_and(|share| *share > 0.0);
            let told = diverging.then(|| diverges(most)).flatten()?;
            Some(format!("{told}; whether that is noise cannot be told: {reason}."))
        }
        Beyond::Noise | Beyond::NotNoise | Beyond::Unknown(_) if count == 0 => None,
        Beyond::Noise | Beyond::NotNoise | Beyond::Unknown(_) if few == count => Some(format!(
            "Whether regions differ beyond noise in any of {all} cannot be told: none of them could have \
             passed the test with so few samples{}.",
            enough_samples(findings, count)
        )),
        Beyond::Noise | Beyond::NotNoise | Beyond::Unknown(_) => {
            let others = if few > 0 {
                format!("; in {few} more it cannot be told, with so few samples")
            } else {
                String::new()
            };
            Some(format!(
                "Regions differ beyond noise in none of {} that could be tested, at 5 % by Benjamini and \
                 Hochberg{others}.",
                entries(findings, count - few)
            ))
        }
    }
}

/// Entries of the question list, as what they are.
fn entries(findings: &Findings, count: u64) -> String {
    let first = findings.questions.first().map(|one| &one.variant);
    let variants = findings.questions.iter().any(|one| Some(&one.variant) != first);
    if variants {
        format!("{} of question and variant", counted(count, "pair"))
    } else {
        counted(count, "question")
    }
}

/// How many samples would be enough, as a clause; nothing where so many are not asked.
fn enough_samples(findings: &Findings, tests: u64) -> String {
    let groups = |is: fn(&Group) -> bool| {
        let rates = findings.rates.iter().filter(|one| one.measure == Measure::Strict);
        rates.filter(|one| is(&one.group)).count() as u64
    };
    let regions = groups(|group| group.region.is_some() && group.model_id.is_none());
    let models = groups(|group| group.model_id.is_some() && group.region.is_none());
    samples_needed(regions, models, tests)
        .map_or_else(String::new, |samples| format!("; `samples: {samples}` could"))
}

/// What of a question is beyond noise, and what beside that was seen.
fn beyond(question: &QuestionFinding, all: &[QuestionFinding]) -> Option<String> {
    let by = p(question.p_bh.known().copied()?);
    let kinds = kinds(question);
    let words = words(question);
    let said = match (beyond_noise(question, all), kinds, words) {
        ((true, true), Some(kinds), Some(words)) => {
            format!("{kinds} and {words}, both beyond noise ({by})")
        }
        ((_, true), kinds, Some(words)) => {
            let kinds =
                kinds.map_or_else(String::new, |kinds| format!("; {kinds}, which can be noise"));
            format!("{words}, beyond noise ({by}){kinds}")
        }
        (_, kinds, words) => {
            let words =
                words.map_or_else(String::new, |words| format!("; {words}, which can be noise"));
            format!("{}, beyond noise ({by}){words}", kinds?)
        }
    };
    Some(format!("{}: {said}", named(question)))
}

fn diverges(question: &QuestionFinding) -> Option<String> {
    let words = words(question).map_or_else(String::new, |words| format!(" and {words}"));
    Some(format!("{}: {}{words}", named(question), kinds(question)?))
}

fn named(question: &QuestionFinding) -> String {
    format!("Question `{}` (`{}`) diverges most", question.question_id, question.variant)
}

fn kinds(question: &QuestionFinding) -> Option<String> {
    let share = percent(question.disagreement.known().copied()?);
    Some(format!("{share} of its pairs of answers of one model in two regions differ in kind"))
}

fn words(question: &QuestionFinding) -> Option<String> {
    let distance = question.text.known().copied()?;
    Some(format!("its texts in two regions share {} of their words", percent(1.0 - distance)))
}

/// The smallest difference between regions that the job would have found, or why that is not known.
fn could(findings: &Findings) -> String {
    match smallest(findings) {
        Estimate::Known(smallest) => format!(
            "the smallest difference that this job finds with a probability of 80 %, {}, is {}",
            at_level(findings),
            points(smallest)
        ),
        Estimate::Absent(reason) => {
            format!("how large a difference this job could have shown is not known: {reason}")
        }
    }
}

/// At which level that is.
fn at_level(findings: &Findings) -> String {
    let comparisons = overall(findings, Dimension::Region, Measure::Strict);
    match comparisons.iter().filter(|one| one.pairs > 0).count() {
        0 | 1 => "tested at 5 %".to_owned(),
        tests => format!("tested at 5 % ÷ {tests} comparisons"),
    }
}

/// The smallest difference between regions that the job would have found.
fn smallest(findings: &Findings) -> Estimate<f64> {
    let of_regions =
        |one: &&super::Power| one.dimension == Dimension::Region && one.measure == Measure::Strict;
    let power = findings.power.iter().find(of_regions);
    power.map_or(Estimate::Absent(Reason::OneRegion), |power| power.smallest_difference)
}

/// Where no difference was found, it is said with that.
fn power(findings: &Findings) -> Option<String> {
    let comparisons = overall(findings, Dimension::Region, Measure::Strict);
    match Difference::of(&comparisons) {
        Difference::Holds { .. } => {
            let smallest = points(*smallest(findings).known()?);
            Some(format!(
                "The smallest difference between two regions that this job finds with a probability of 80 %, \
                 {}, is {smallest}.",
                at_level(findings)
            ))
        }
        Difference::CanBeChance { .. } | Difference::AllAlike | Difference::Nothing => None,
    }
}
