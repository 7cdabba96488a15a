//! The types that the products' objects are made of.

pub(crate) mod object;
pub(crate) mod open_enum;
pub(crate) mod text;

mod extra;
mod id;
mod money;
mod secret;
mod time;

pub use extra::Extra;
pub(crate) use id::PathSegment;
pub use id::{FieldId, Id, InvalidId, ListName, PackageId, ReportKey, ShortId};
pub use money::Money;
pub use secret::Secret;
pub use time::{Time, UnixMillis, UnixSeconds};
