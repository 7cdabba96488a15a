//! The versions of the product.

use crate::operation::operation;
use crate::values::object::object;

operation! {
    /// Returns the version of the product.
    GET "/status" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Status {} -> Version

    /// Returns the version of the user interface.
    GET "/version/ui" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    UiVersion {} -> Version
}

object! {
    /// A version.
    pub struct Version {
        /// The version, for example `13.5.0`.
        pub version: Option<String>,
    }
}
