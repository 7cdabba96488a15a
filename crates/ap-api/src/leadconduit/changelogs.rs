//! Changes of flows, entities, fields and reports.

use serde_json::{Map, Number, Value};

use crate::operation::operation;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Secret, Time};

operation! {
    /// Returns every change.
    GET "/changelogs" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Changelog>

    /// Returns one change.
    GET "/changelogs/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: Id } -> Changelog
}

open_enum! {
    /// What kind of thing was changed.
    pub enum ChangedType {
        /// A flow.
        Flow = "flow",
        /// An entity.
        Entity = "entity",
        /// A field.
        Field = "field",
        /// A report.
        Report = "report",
    }

    /// What was done.
    pub enum ChangeAction {
        /// It was created.
        Create = "create",
        /// It was changed.
        Update = "update",
        /// It was deleted.
        Delete = "delete",
        /// A part was changed.
        Changed = "changed",
        /// A part was moved.
        Moved = "moved",
        /// A part was removed.
        Removed = "removed",
        /// A part was added.
        Added = "added",
    }
}

object! {
    /// A change.
    pub struct Changelog {
        /// Its id.
        pub id: Option<Id>,
        /// What kind of thing was changed.
        pub kind: Option<ChangedType> = "type",
        /// What was done.
        pub action: Option<ChangeAction>,
        /// The parts that were changed.
        pub changes: Vec<Change>,
        /// The thing as it is now.
        pub current_revision: Option<Map<String, Value>>,
        /// The difference to the thing as it was.
        pub delta_from_last_revision: Option<Map<String, Value>>,
        /// Who did it, if it was a person.
        pub user: Option<ChangelogUser>,
        /// When it was done.
        pub created_at: Option<Time>,
    }

    /// A change of a part.
    pub struct Change {
        /// What was done.
        pub action: Option<ChangeAction>,
        /// The part.
        pub target: Option<String>,
        /// Where it is in the difference.
        pub delta_path: Option<String>,
        /// The part as it was.
        pub previous: Option<ChangeState>,
        /// The part as it is now.
        pub current: Option<ChangeState>,
    }

    /// A part before or after a change.
    pub struct ChangeState {
        /// Its value.
        pub value: Option<Value>,
        /// Its position in a list.
        pub index: Option<Number>,
    }

    /// Who changed something.
    pub struct ChangelogUser {
        /// The id.
        pub id: Option<Id>,
        /// The user's key.
        pub api_key: Option<Secret>,
        /// The first name.
        pub first_name: Option<String>,
        /// The last name.
        pub last_name: Option<String>,
        /// The email address.
        pub email: Option<String>,
    }
}
