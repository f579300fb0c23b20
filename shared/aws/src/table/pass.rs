//! What the reconciler did last.

use beacon_core::reconcile::Pass;

use super::item::{Item, text};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

impl Table {
    /// Stores a pass over the one before.
    pub async fn put_pass(&self, pass: &Pass) -> Result<(), TableError> {
        let json = serde_json::to_string(pass);
        let json = json.map_err(|error| request("store a pass", error))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::RECONCILER))
            .item(SK, text(key::RECONCILER))
            .item("pass", text(json));
        put.send().await.map_err(|error| request("store a pass", error))?;
        Ok(())
    }

    /// The last pass; none before the first.
    pub async fn last_pass(&self) -> Result<Option<Pass>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::RECONCILER))
            .key(SK, text(key::RECONCILER));
        let get = get.send().await.map_err(|error| request("read a pass", error))?;
        get.item.map_or(Ok(None), |item| Item(&item).optional_json("pass"))
    }
}
