//! A pipe in the place of a private file, such as that of a shell's `<(command)`.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::checked_file::unreadable;
use crate::error::Error;

/// How long a program may take until it writes: it may ask a person first.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// Waits until something was written to a pipe that was opened without waiting, or until its writers are gone. Reads
/// wait from then on.
pub(crate) fn wait(pipe: &File, name: &str) -> Result<(), Error> {
    wait_until(pipe, name, Instant::now() + MAX_WAIT)
}

fn wait_until(pipe: &File, name: &str, end: Instant) -> Result<(), Error> {
    let failed = |error: Errno| unreadable(error.into(), name);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left)
            .map_err(|_| unreadable(io::ErrorKind::InvalidInput.into(), name))?;
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&left)) {
            Ok(0) => {
                return Err(Error::new(
                    format!("nothing was written to {name} in time"),
                    "name a file, or a pipe that a program writes to",
                ));
            }
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let flags = fcntl_getfl(pipe).map_err(failed)?;
    fcntl_setfl(pipe, flags.difference(OFlags::NONBLOCK)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn a_pipe_to_which_nothing_is_written_has_an_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let reader = File::from(OwnedFd::from(reader));
        let error = wait_until(&reader, "it", Instant::now()).unwrap_err();
        assert_eq!(error.message(), "nothing was written to it in time");
        writer.write_all(b"text").unwrap();
        drop(writer);
        wait_until(&reader, "it", Instant::now() + MAX_WAIT).unwrap();
        let mut text = String::new();
        (&reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
    }
}
