//! The pages, one module each, and how all of them write text, numbers and times.

pub(crate) mod error;
mod execution;
mod files;
mod findings;
mod heading;
mod job;
mod jobs;
mod matrix;
mod new_job;
mod pager;
mod progress;
mod question;
mod remedy;
mod response;
pub(crate) mod sign_in;
mod status;
mod system;
mod words;

pub(crate) use findings::{Rendered, rendered};
pub(crate) use new_job::not_read;
pub(crate) use words::shown;

/// A language tag for the `lang` of a text, where it is one: letters, digits and dashes.
fn language(tag: Option<&str>) -> Option<&str> {
    let is_tag = |tag: &&str| {
        let first = tag.split('-').next().unwrap_or_default();
        (2..=3).contains(&first.len())
            && first.chars().all(|c| c.is_ascii_alphabetic())
            && tag.len() <= 35
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    tag.filter(is_tag)
}
