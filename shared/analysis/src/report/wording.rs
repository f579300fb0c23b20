//! Words for what findings hold: one place for each.

use super::document::{Line, Span, outside, words};
use crate::aggregate::Category;
use crate::estimate::{Estimate, Reason};
use crate::figure::ABSENT;
use crate::findings::{
    Beyond, Comparison, Confound, Counting, Dimension, Group, Limit, MadeUp, Measure, Method,
};

/// Shape and word of a category.
pub(super) fn badge(category: Category) -> Line {
    let mark = category.mark();
    vec![Span::Shape(mark.shape), Span::Words(format!(" {}", mark.word))]
}

/// A number in its form, or a dash and why there is none.
pub(super) fn estimate<T>(estimate: &Estimate<T>, form: impl FnOnce(&T) -> String) -> Line {
    match estimate {
        Estimate::Known(value) => words(form(value)),
        Estimate::Absent(reason) => absent(*reason),
    }
}

pub(super) fn absent(reason: Reason) -> Line {
    vec![Span::Words(format!("{ABSENT} ")), Span::Why(format!("({reason})"))]
}

pub(super) fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::Strict => "strict",
        Measure::Broad => "broad",
    }
}

pub(super) fn dimension(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Region => "regions",
        Dimension::Model => "models",
        Dimension::Variant => "variants",
        Dimension::Job => "jobs",
    }
}

pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::McnemarExact => "McNemar, exact",
        Method::CochranQ => "Cochran’s Q",
        Method::ClusterPermutation => "permutation within questions",
        Method::AnswerPermutation => "permutation of answers over regions",
    }
}

pub(super) fn counting(counting: Counting) -> &'static str {
    match counting {
        Counting::FailuresAsRefusals => "failed and timed-out pairs as refusals",
        Counting::FailuresAsAnswers => "failed and timed-out pairs as answers",
        Counting::WithoutBlocked => "without blocked answers",
        Counting::WithoutReview => "without answers that need a person’s look",
        Counting::WithoutControls => "without answers to control questions",
    }
}

/// What pairs have in common: `all`, or the values of its fields.
pub(super) fn group(group: &Group) -> Line {
    let Group { region, model_id, question_id, category, variant } = group;
    let values = [
        model_id.as_ref().map(ToString::to_string),
        region.as_ref().map(ToString::to_string),
        question_id.as_ref().map(ToString::to_string),
        category.clone(),
        variant.as_ref().map(ToString::to_string),
    ];
    let named: Vec<String> = values.into_iter().flatten().collect();
    if named.is_empty() { words("all") } else { outside(named.join(" · ")) }
}

/// By what a group is told from others, such as `model and region`; none for all pairs.
pub(super) fn grouped_by(group: &Group) -> Option<String> {
    let Group { region, model_id, question_id, category, variant } = group;
    let fields = [
        (model_id.is_some(), "model"),
        (region.is_some(), "region"),
        (question_id.is_some(), "question"),
        (category.is_some(), "category"),
        (variant.is_some(), "variant"),
    ];
    let named: Vec<&str> =
        fields.into_iter().filter(|(there, _)| *there).map(|(_, name)| name).collect();
    (!named.is_empty()).then(|| named.join(" and "))
}

/// The two sides of a comparison.
pub(super) fn sides(comparison: &Comparison) -> String {
    format!("{} → {}", comparison.a, comparison.b)
}

pub(super) fn beyond(beyond: Beyond) -> Line {
    match beyond {
        Beyond::Noise => vec![Span::Shape("▲"), Span::Words(" beyond noise".to_owned())],
        Beyond::NotNoise => vec![Span::Shape("="), Span::Words(" not beyond noise".to_owned())],
        Beyond::Unknown(reason) => {
            vec![Span::Shape("?"), Span::Words(format!(" cannot be told ({reason})"))]
        }
    }
}

pub(super) fn confound(confound: &Confound) -> String {
    match confound {
        Confound::OneRegion => "The job asked in one region only: there is no difference between \
            regions to explain."
            .to_owned(),
        Confound::None => "Every question was sent with the same words in every region, so that \
            regions do not differ by their prompts."
            .to_owned(),
        Confound::Separable { same } => {
            let named: Vec<String> = same.iter().map(ToString::to_string).collect();
            format!(
                "Some variants were sent with the same words in every region ({}), the others were \
                 not. Only a difference within the former is one between regions alone.",
                named.join(", ")
            )
        }
        Confound::NotSeparable => "Every region had a system prompt of its own. Region and prompt \
            changed together: a difference between regions may be one between prompts, and this job \
            cannot tell which. The specification's system_prompt as a map of named prompts, of which one \
            is the same everywhere (such as bare: none), adds the variant that separates them."
            .to_owned(),
    }
}

/// What stands in every part of a report of which answers were made up.
pub(super) fn simulated(made_up: MadeUp) -> Option<&'static str> {
    match made_up {
        MadeUp::Nothing => None,
        MadeUp::Partly => Some("WITH SIMULATED PROVIDERS"),
        MadeUp::Everything => Some("SIMULATED"),
    }
}

/// The same in a sentence.
pub(super) fn simulated_sentence(made_up: MadeUp) -> &'static str {
    match made_up {
        MadeUp::Nothing => "",
        MadeUp::Partly => {
            "Simulated providers were among those asked. What they answered is made up and no finding \
             about any model; the summary says how much of it there is."
        }
        MadeUp::Everything => {
            "All completed answers were made up by the simulated provider. This is no finding about any \
             model."
        }
    }
}

/// A caption that says so where answers were made up: a table may be copied alone.
pub(super) fn caption(text: &str, made_up: MadeUp) -> String {
    simulated(made_up).map_or_else(|| text.to_owned(), |mark| format!("{mark}: {text}"))
}

pub(super) fn limit(limit: Limit, made_up: MadeUp) -> &'static str {
    match limit {
        Limit::NotCausal => {
            "This is not causal: a difference between groups does not say what made it."
        }
        Limit::TheseModelsOnly => {
            "It holds for these models, through these providers, at the time of the job; not for \
             others or later."
        }
        Limit::Simulated if made_up == MadeUp::Everything => {
            "All completed answers were made up by the simulated provider. They say nothing about any \
             model."
        }
        Limit::Simulated => {
            "Simulated providers were among those asked. What they answered is made up, says nothing about \
             any model, and is counted with the rest."
        }
        Limit::PromptConfound => {
            "Region and system prompt changed together; their effects cannot be told apart."
        }
        Limit::OneSample => {
            "Each cell was asked once. How much a model’s answers vary by themselves is not known, \
             so noise and difference cannot be told apart."
        }
        Limit::TooFewQuestions => {
            "There are fewer than 10 questions: too few to say how much answers vary from question \
             to question, so that some intervals are absent."
        }
        Limit::Incomplete => {
            "Some pairs did not complete. Shares are taken of those that did; the sensitivity table \
             shows what the others could change."
        }
        Limit::NeedsReview => "Some verdicts are uncertain and no person has looked at them yet.",
        Limit::ControlsMissed => {
            "A provider gave other answers to control questions than expected. What else it answered \
             may not be the model’s."
        }
        Limit::MachineVerdicts => {
            "Verdicts come from rules that a machine applies. They err: the file docs/benchmarks.md of \
             Beacon’s source code says how often. Whole and partial refusals are hardly told apart; use \
             their sum."
        }
        Limit::Languages => {
            "Questions are in more than one language. The rules find more refusals in some languages than \
             in others, most in English: a difference between languages may be one between rules. Compare \
             regions and models within a language."
        }
        Limit::TooManyComparisons => {
            "There are so many regions, models or variants that not every two of them are compared."
        }
    }
}
