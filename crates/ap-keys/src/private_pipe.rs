//! A pipe in the place of a private file, such as that of a shell's `<(command)`.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// How long a program may take until it writes: it may ask a person first.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// Waits until something was written to a pipe that was opened without waiting, or until its writers are gone. Reads
/// wait from then on. Fails with [`TimedOut`](io::ErrorKind::TimedOut) if nothing happens.
pub(crate) fn wait(pipe: &File) -> io::Result<()> {
    wait_until(pipe, Instant::now() + MAX_WAIT)
}

fn wait_until(pipe: &File, end: Instant) -> io::Result<()> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags.difference(OFlags::NONBLOCK))?)
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
        let error = wait_until(&reader, Instant::now()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        writer.write_all(b"text").unwrap();
        drop(writer);
        wait_until(&reader, Instant::now() + MAX_WAIT).unwrap();
        let mut text = String::new();
        (&reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
    }
}
