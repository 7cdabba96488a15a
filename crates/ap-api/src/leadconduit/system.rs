//! The versions of the product.

use crate::operation::operation;
use crate::values::object::object;

operation! {
    /// Returns the version of the product.
    GET "/status" errors []
    source "https://developers.activeprospect.com/api-reference/system/get-system-status"
    Status {} -> Version

    /// Returns the version of the user interface.
    GET "/version/ui" errors []
    source "https://developers.activeprospect.com/api-reference/system/get-ui-app-version"
    UiVersion {} -> Version
}

object! {
    /// A version.
    pub struct Version {
        /// The version, for example `13.5.0`.
        pub version: Option<String>,
    }
}
