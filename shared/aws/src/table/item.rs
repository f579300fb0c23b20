//! Attributes of items, read with an error that names what is wrong.

pub(super) use beacon_core::exposition::name as variant_name;
use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use beacon_core::money::Dollars;
use jiff::Timestamp;

use super::TableError;
use super::key::{PK, SK};

/// Attributes by name.
pub(super) type Attributes = HashMap<String, AttributeValue>;

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{number}"))
}

pub(super) fn time(at: Timestamp) -> AttributeValue {
    AttributeValue::S(rfc3339(at))
}

/// RFC 3339 UTC with milliseconds, so that texts sort as times do.
pub(super) fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(super) fn bytes(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// An item that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a>(pub(super) &'a Attributes);

impl<'a> Item<'a> {
    pub(super) fn corrupt(self, attribute: &'static str) -> TableError {
        let key = |name| self.0.get(name).and_then(|value| value.as_s().ok()).cloned();
        let (pk, sk) = (key(PK).unwrap_or_default(), key(SK).unwrap_or_default());
        TableError::Corrupt { key: format!("{pk} {sk}"), attribute }
    }

    pub(super) fn optional_text(self, name: &'static str) -> Result<Option<String>, TableError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        Ok(Some(value.as_s().map_err(|_other_type| self.corrupt(name))?.clone()))
    }

    pub(super) fn text(self, name: &'static str) -> Result<String, TableError> {
        self.optional_text(name)?.ok_or_else(|| self.corrupt(name))
    }

    /// A text that is an identifier or another checked type.
    pub(super) fn optional<T: TryFrom<String>>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, TableError> {
        let text = self.optional_text(name)?;
        text.map(|text| T::try_from(text).map_err(|_invalid| self.corrupt(name))).transpose()
    }

    pub(super) fn required<T: TryFrom<String>>(self, name: &'static str) -> Result<T, TableError> {
        self.optional(name)?.ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn optional_number<T: FromStr>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, TableError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = value.as_n().ok().and_then(|number| number.parse().ok());
        number.map(Some).ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn number<T: FromStr>(self, name: &'static str) -> Result<T, TableError> {
        self.optional_number(name)?.ok_or_else(|| self.corrupt(name))
    }

    /// A decimal number of US dollars.
    pub(super) fn optional_dollars(
        self,
        name: &'static str,
    ) -> Result<Option<Dollars>, TableError> {
        let dollars = self.optional_number(name)?;
        dollars
            .map(|dollars| Dollars::new(dollars).map_err(|_no_amount| self.corrupt(name)))
            .transpose()
    }

    pub(super) fn optional_time(self, name: &'static str) -> Result<Option<Timestamp>, TableError> {
        let text = self.optional_text(name)?;
        text.map(|text| text.parse().map_err(|_invalid| self.corrupt(name))).transpose()
    }

    pub(super) fn time(self, name: &'static str) -> Result<Timestamp, TableError> {
        self.optional_time(name)?.ok_or_else(|| self.corrupt(name))
    }

    /// A text that is a variant of an enum, as serde writes it.
    pub(super) fn variant<T: serde::de::DeserializeOwned>(
        self,
        name: &'static str,
    ) -> Result<T, TableError> {
        let text = serde_json::Value::String(self.text(name)?);
        serde_json::from_value(text).map_err(|_unknown| self.corrupt(name))
    }

    /// As [`Item::variant`], where it may be missing.
    pub(super) fn optional_variant<T: serde::de::DeserializeOwned>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, TableError> {
        if self.0.contains_key(name) { self.variant(name).map(Some) } else { Ok(None) }
    }

    /// Bytes; absent where there are none.
    pub(super) fn optional_bytes(self, name: &'static str) -> Result<Option<&'a [u8]>, TableError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let bytes = value.as_b().map_err(|_other_type| self.corrupt(name))?;
        Ok(Some(bytes.as_ref()))
    }

    /// A text that is JSON.
    pub(super) fn optional_json<T: serde::de::DeserializeOwned>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, TableError> {
        let text = self.optional_text(name)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_other_shape| self.corrupt(name)))
            .transpose()
    }

    /// A list of texts that are JSON.
    pub(super) fn json_list<T: serde::de::DeserializeOwned>(
        self,
        name: &'static str,
    ) -> Result<Option<Vec<T>>, TableError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let entries = value.as_l().map_err(|_other_type| self.corrupt(name))?.iter();
        let entries = entries.map(|entry| serde_json::from_str(entry.as_s().ok()?).ok());
        entries.collect::<Option<Vec<T>>>().map(Some).ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn map(self, name: &'static str) -> Result<Option<&'a Attributes>, TableError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        value.as_m().map(Some).map_err(|_other_type| self.corrupt(name))
    }
}
