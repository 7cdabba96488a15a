//! Core dumps: this program leaves none, because its memory contains keys.

#[cfg(unix)]
pub(crate) use unix::{forbid, with_inherited_limit};

/// Does nothing, where there are no core dumps.
#[cfg(not(unix))]
pub(crate) fn forbid() {}

#[cfg(unix)]
mod unix {
    use std::sync::OnceLock;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// The limit that this process was started with.
    static INHERITED: OnceLock<Rlimit> = OnceLock::new();

    /// Makes this process leave no core dump, whatever ends it.
    pub(crate) fn forbid() {
        let inherited = INHERITED.get_or_init(|| getrlimit(Resource::Core));
        let none = Rlimit {
            current: Some(0),
            maximum: inherited.maximum,
        };
        // A limit can always be lowered.
        let _ = setrlimit(Resource::Core, none);
        // A program that collects core dumps gets them in spite of the limit.
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{DumpableBehavior, set_dumpable_behavior};
            let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        }
    }

    /// Starts a program, which gets the limit that this process was started with.
    pub(crate) fn with_inherited_limit<T>(start: impl FnOnce() -> T) -> T {
        if let Some(inherited) = INHERITED.get() {
            let _ = setrlimit(Resource::Core, *inherited);
        }
        let started = start();
        forbid();
        started
    }
}
