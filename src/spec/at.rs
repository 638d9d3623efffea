//! Values that know where they stand.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_saphyr::Spanned;

/// A value and where it stands in the file. Compares by value.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct At<T>(Spanned<T>);

/// A text and where it stands.
pub(super) type Text = At<String>;

impl<T> At<T> {
    pub(super) fn value(&self) -> &T {
        &self.0.value
    }

    /// The bytes of the file that hold the value.
    pub(super) fn span(&self) -> Range<usize> {
        let span = self.0.referenced.span();
        let start = span.byte_offset().and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
        let len = span.byte_len().and_then(|len| usize::try_from(len).ok()).unwrap_or_default();
        start..start + len
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: Ord> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value().cmp(other.value())
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
