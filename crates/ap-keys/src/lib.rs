#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod chain;
mod command;
mod environment;
mod file;
mod keep_last;
mod lines;
mod on_thread;
mod problem;
mod read;
mod store;
mod with_previous;

pub use chain::Chain;
pub use command::{Command, OUTPUT_LIMIT};
pub use environment::{Environment, KEY_VARIABLE, NEXT_KEY_VARIABLE};
pub use file::File;
pub use keep_last::KeepLast;
pub use on_thread::OnThread;
pub use problem::Problem;
pub use read::FILE_LIMIT;
pub use store::{Locked, Store};
pub use with_previous::WithPrevious;
