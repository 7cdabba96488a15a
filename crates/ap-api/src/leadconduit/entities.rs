//! Entities: who leads come from, and who gets them.

use super::changelogs::Changelog;
use crate::operation::operation;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Time};

operation! {
    /// Returns every entity: the product's own, and the account's.
    GET "/entities" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Entity>

    /// Creates an entity. The status is 201.
    POST "/entities" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Create {} json { entity: Entity } -> Entity

    /// Returns an entity.
    GET "/entities/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: Id } -> Entity

    /// Replaces an entity.
    PUT "/entities/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Update { id: Id } json { entity: Entity } -> Entity

    /// Deletes an entity, and returns it as it was.
    DELETE "/entities/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/entities/delete-a-entity"
    Delete { id: Id } -> Entity

    /// Returns the changes of an entity.
    GET "/entities/{id}/changelogs" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Changelogs { id: Id } -> Vec<Changelog>
}

open_enum! {
    /// What kind of source an entity is.
    pub enum SourceType {
        /// A form.
        Form = "form",
        /// A seller.
        Seller = "seller",
        /// Something else.
        Miscellaneous = "other",
    }

    /// What kind of recipient an entity is.
    pub enum RecipientType {
        /// A buyer.
        Buyer = "buyer",
        /// A system for customer relations.
        Crm = "crm",
        /// Analytics.
        Analytics = "analytics",
        /// It appends data.
        Enhancement = "enhancement",
        /// It sends emails.
        Esp = "esp",
        /// Something else.
        Miscellaneous = "other",
    }
}

object! {
    /// Who leads come from, or who gets them.
    #[derive(Default)]
    pub struct Entity {
        /// Its id.
        pub id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
        /// What it is.
        pub description: Option<String>,
        /// What kind of source it is; `None` if it is none.
        pub source: Option<SourceType>,
        /// What kind of recipient it is; `None` if it is none.
        pub recipient: Option<RecipientType>,
        /// The integration modules that it supports.
        pub module_ids: Vec<String>,
        /// It is one of the product's own. Read-only.
        pub standard: Option<bool>,
        /// It is another account. Read-only.
        pub account: Option<bool>,
        /// It was invited, and has not accepted yet. Read-only.
        pub pending: Option<bool>,
        /// The invitation is too old. Read-only.
        pub expired: Option<bool>,
        /// How the account is connected with it: `seller`, `buyer`, `both`, or a boolean in older data. Read-only.
        pub connected: Option<serde_json::Value>,
        /// The account that it is connected with. Read-only.
        pub connected_account_id: Option<Id>,
        /// It should not be used any more.
        pub deprecated: Option<bool>,
        /// The entity to use instead.
        pub see: Option<Id>,
        /// The suffix of its own fields, 3 to 5 letters or digits.
        pub field_suffix: Option<String>,
        /// The invitation.
        pub invitation_id: Option<Id>,
        /// When the invitation expires.
        pub invitation_expires_at: Option<Time>,
        /// The flows that it is a source of.
        pub flow_ids: Option<Vec<Id>>,
        /// Its logo.
        pub logo_url: Option<String>,
        /// Its time zone.
        pub time_zone: Option<String>,
        /// It is certified by TrustedForm.
        pub trustedform_certified_vendor: Option<bool>,
        /// Its website.
        pub website: Option<String>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }
}

impl Entity {
    /// Creates an entity that is neither a source nor a recipient yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let mut entity = Self {
            name: Some(name.into()),
            ..Self::default()
        };
        // The product wants both members.
        for member in ["source", "recipient"] {
            let null = serde_json::Value::Null;
            entity.extra.insert(member.to_owned(), null);
        }
        entity
    }
}
