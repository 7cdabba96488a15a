#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod account;
mod body;
pub mod hash;
pub mod leadconduit;
mod operation;
pub mod operations;
mod outcome;
pub mod rules;
pub mod suppressionlist;
pub mod trustedform;
mod values;

pub use ap_core;
pub use operation::{Auth, Operation, Trust};
pub use outcome::Outcome;
pub use values::{
    Extra, FieldId, Id, InvalidId, ListName, Money, PackageId, ReportKey, Secret, ShortId, Time,
    UnixMillis, UnixSeconds,
};
