//! Lists that the API answers page by page.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::{Api, ApiError, Endless};

/// The pages of a list, one after the other.
pub(crate) struct Pages<'a, T> {
    api: &'a Api,
    path: String,
    cursor_of: fn(&T) -> &Option<String>,
    /// Of the page that comes next; none before the first and behind the last.
    cursor: Option<String>,
    /// All cursors so far: a list that names one of them again has no end.
    seen: BTreeSet<String>,
    is_over: bool,
}

impl<'a, T: DeserializeOwned> Pages<'a, T> {
    pub(super) fn new(api: &'a Api, path: String, cursor_of: fn(&T) -> &Option<String>) -> Self {
        Self { api, path, cursor_of, cursor: None, seen: BTreeSet::new(), is_over: false }
    }

    /// The first page, which every list has.
    pub(crate) async fn first(&mut self) -> Result<T, ApiError> {
        self.read().await
    }

    /// The next page; none behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, ApiError> {
        if self.is_over { Ok(None) } else { self.read().await.map(Some) }
    }

    async fn read(&mut self) -> Result<T, ApiError> {
        let page = self.api.get(&paged(&self.path, self.cursor.as_deref())).await?;
        self.cursor.clone_from((self.cursor_of)(&page));
        self.is_over = self.cursor.is_none();
        match &self.cursor {
            Some(cursor) if !self.seen.insert(cursor.clone()) => {
                Err(self.api.endless(Endless::Pages))
            }
            Some(_) | None => Ok(page),
        }
    }

    /// A page with all that follow it; none where one of them does not belong to it.
    pub(crate) async fn joined(
        mut self,
        mut page: T,
        append: fn(&mut T, T) -> bool,
    ) -> Result<Option<T>, ApiError> {
        while let Some(next) = self.next().await? {
            if !append(&mut page, next) {
                return Ok(None);
            }
        }
        Ok(Some(page))
    }
}

/// The pages of a bundle, whose bytes one after the other are the bundle.
pub(crate) struct BundlePages<'a> {
    api: &'a Api,
    path: String,
    /// Of the page that comes next; none behind the last.
    query: Option<String>,
    /// All queries so far: a page that names one of them again has no end.
    seen: BTreeSet<String>,
}

impl<'a> BundlePages<'a> {
    pub(super) fn new(api: &'a Api, path: String, query: String) -> Self {
        Self { api, path, query: Some(query), seen: BTreeSet::new() }
    }

    /// The next page; none behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(query) = self.query.take() else { return Ok(None) };
        let (page, next) = self.api.page(&format!("{}{query}", self.path)).await?;
        if !self.seen.insert(query) || next.as_ref().is_some_and(|next| self.seen.contains(next)) {
            return Err(self.api.endless(Endless::Pages));
        }
        self.query = next;
        Ok(Some(page))
    }
}

fn paged(path: &str, cursor: Option<&str>) -> String {
    match cursor {
        None => path.to_owned(),
        Some(cursor) => {
            let separator = if path.contains('?') { '&' } else { '?' };
            format!("{path}{separator}cursor={cursor}")
        }
    }
}
