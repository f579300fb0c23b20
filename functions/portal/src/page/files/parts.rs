//! From part to part of a large file, for a browser without scripts.

use beacon_core::JobId;
use maud::html;

use super::content::Part;
use super::{address, name, title};
use crate::Portal;
use crate::address::{Address, File};
use crate::answer::{Answer, Page, PageError};
use crate::page::words::outside;
use crate::visit::Visit;

/// The address of the page of a file's first part.
pub(super) fn first(id: &JobId, file: File) -> String {
    page_of(id, file, 1, &Part::default(), &[])
}

fn page_of(id: &JobId, file: File, number: u32, part: &Part, more: &[(&str, &str)]) -> String {
    let mut fields = vec![("parts".to_owned(), number.to_string())];
    fields.extend(part.fields());
    fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    address(id, file, fields)
}

impl Portal {
    /// One part, and the way to the next. Where that begins is found out only when it is asked for: it
    /// takes reading the part.
    pub(super) async fn parts(
        &self,
        visit: &Visit,
        id: &JobId,
        file: File,
    ) -> Result<Answer, PageError> {
        let parameters = &visit.parameters;
        let number =
            parameters.text("parts").and_then(|number| number.parse().ok()).unwrap_or(1_u32);
        let part = Part::read(parameters)?;
        if parameters.raw("next").is_some() {
            let to = match self.content(visit, id, file, &part).await?.next {
                Some(next) => page_of(id, file, number.saturating_add(1), &next, &[]),
                None => page_of(id, file, number, &part, &[("last", "1")]),
            };
            return Ok(Answer::Redirect(to));
        }
        let seen = self.seen(id).await?;
        let mut fields = part.fields();
        fields.push(("number".to_owned(), number.to_string()));
        let body = html! {
            h1 { (title(file)) ", part by part" }
            p { "Of the job " a href=(Address::Job(id.clone())) { (outside(&seen.job.name)) } "." }
            p { "Put one behind the other, in their order, the parts are the whole file." }
            p {
                a class="button" href=(address(id, file, fields)) {
                    "Download " (name(id, file, Some(&number.to_string())))
                }
            }
            @if parameters.raw("last").is_some() {
                p { "This is the last part." }
            } @else {
                p { a href=(page_of(id, file, number, &part, &[("next", "1")])) { "To the next part, if there is one" } }
            }
            p { a href=(Address::Files(id.clone())) { "All files of the job" } }
        };
        let title = format!("Part {number} of {}", file.name());
        Ok(Answer::Page(Page::new(title, body).simulated(seen.view(visit.now).simulated)))
    }
}
