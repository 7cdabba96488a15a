//! The operations of SuppressionList. There is no API description; the names follow the vendor's clients.

use super::{Operation, served};

pub(super) const OPERATIONS: &[Operation] = &[
    served("GET", "/lists", "getLists"),
    served("POST", "/lists", "createList"),
    served("POST", "/lists/{list}/items", "addItems"),
    served("DELETE", "/lists/{list}/items", "deleteItems"),
    served(
        "DELETE",
        "/lists/{list}/items/{values}",
        "deleteItemsByPath",
    ),
    served("GET", "/exists/{list}/{value}", "queryItem"),
];
