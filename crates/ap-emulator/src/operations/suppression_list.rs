//! The operations of SuppressionList. There is no API description; the names follow the vendor's clients.

use super::{Operation, served, unserved};

pub(super) const OPERATIONS: &[Operation] = &[
    served("GET", "/lists", "getLists"),
    unserved("POST", "/lists", "createList"),
    unserved("POST", "/lists/{list}/items", "addItems"),
    unserved("DELETE", "/lists/{list}/items", "deleteItems"),
    unserved(
        "DELETE",
        "/lists/{list}/items/{values}",
        "deleteItemsByPath",
    ),
    served("GET", "/exists/{list}/{value}", "queryItem"),
];
