#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod chain;
mod checked_file;
mod command;
mod command_line;
mod environment;
mod error;
mod file;
mod file_contents;
#[cfg(unix)]
mod file_owners;
mod from_environment;
mod keep_last;
mod key_list;
#[cfg(test)]
mod linear;
mod links;
mod on_thread;
mod pipe;
#[cfg(unix)]
mod private_pipe;
mod running;
mod store;
mod store_lock;
mod with_previous;

pub use chain::Chain;
pub use checked_file::{Readers, open_private};
pub use command::{Command, KEY_COMMAND_FIRST_LINE_VARIABLE, MAX_OUTPUT_SIZE};
pub use environment::{Environment, KEY_VARIABLE, NEXT_KEY_VARIABLE};
pub use error::Error;
pub use file::File;
pub use file_contents::MAX_FILE_SIZE;
pub use from_environment::{
    FromEnvironment, KEY_COMMAND_VARIABLE, KEY_FILE_VARIABLE, KEY_VARIABLES,
};
pub use keep_last::KeepLast;
pub use on_thread::OnThread;
pub use store::{LockedStore, Store};
pub use with_previous::WithPrevious;
