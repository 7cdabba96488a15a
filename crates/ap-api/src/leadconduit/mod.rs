//! LeadConduit: events, leads, flows, and what belongs to them.

pub mod changelogs;
pub mod destinations;
pub mod entities;
pub mod events;
pub mod exports;
pub mod fields;
pub mod firehose;
pub mod flows;
pub mod leads;
pub mod limits;
pub mod packages;
pub mod partners;
pub mod reports;
pub mod routers;
pub mod submission;
pub mod submission_docs;
pub mod system;
