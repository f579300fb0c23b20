//! What the API answers of evidence.

use beacon_core::view::ExecutionView;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bundle::{Entry, Header};
use crate::published::PublishedKeys;
use crate::receipt::Receipt;
use crate::root::{Proof, RootAnswer};

/// An execution that is asked for by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OneExecution {
    /// With its receipt.
    #[serde(flatten)]
    pub execution: ExecutionView<Receipt>,
    /// The provider's own receipt; null where it sent none, or one that is too large to be kept.
    pub provider_receipt: Option<Value>,
}

/// Adds the schemas of all answers, each under the name of its type.
pub fn schemas(generator: &mut SchemaGenerator) {
    generator.subschema_for::<OneExecution>();
    generator.subschema_for::<Receipt>();
    generator.subschema_for::<RootAnswer>();
    generator.subschema_for::<Proof>();
    generator.subschema_for::<Header>();
    generator.subschema_for::<Entry>();
    generator.subschema_for::<PublishedKeys>();
}
