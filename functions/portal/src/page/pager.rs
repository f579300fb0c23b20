//! The way between the pages of something long.

use maud::{Markup, html};

use super::words::count;
use crate::address::Address;
use crate::input::Input;

/// Links to the pages before and after, and what these are pages of. Nothing where there is one.
pub(crate) fn of(
    address: &Address,
    parameters: &Input,
    page: u32,
    pages: u32,
    label: &str,
) -> Markup {
    if pages < 2 {
        return html! {};
    }
    let to = |page: u32| {
        format!("{address}{}", parameters.with("page", Some(&page.to_string())).query())
    };
    html! {
        nav class="pager" aria-label=(label) {
            @if page > 1 {
                a href=(to(1)) { "First" }
                a href=(to(page - 1)) rel="prev" { "‹ Previous" }
            }
            span { "Page " (count(page.into())) " of " (count(pages.into())) }
            @if page < pages {
                a href=(to(page + 1)) rel="next" { "Next ›" }
                a href=(to(pages)) { "Last" }
            }
        }
    }
}

/// The page that is asked for, from 1.
pub(crate) fn asked(parameters: &Input) -> u32 {
    parameters.text("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1)
}
