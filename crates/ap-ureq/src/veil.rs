//! Keeps the key out of the library's hands, and so out of its log: at the finest level that one shows
//! every byte of a request as it is written. The library gets a request with a blank of the same length in
//! the key's place, and the connection puts the key in as the bytes leave.

use http::{HeaderMap, HeaderValue, Request, header};
use memchr::memchr_iter;
use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::agent::OUTPUT_BUFFER;
use crate::call;

/// The longest header, name and value together, and the longest method and target: what else is in their
/// lines, and the blank one that may follow, fit in the buffer too.
const LONGEST: usize = OUTPUT_BUFFER - 32;

/// Blanks for keys of the usual lengths.
const BLANK: &str = "****************************************************************\
                     ****************************************************************";

/// Puts a request's headers into a map that is empty, with a blank in the place of the key, which is kept
/// for the connection: that puts it where the blank is, once. `Host` comes first, so that the library need
/// not make it.
///
/// # Errors
///
/// If a line is longer than the library can send, or there are more headers than it can hold.
pub(crate) fn veil<B>(request: &Request<B>, headers: &mut HeaderMap) -> Result<(), &'static str> {
    const TOO_LONG: &str = "a line of the request is longer than 64 KiB";
    let full = |_| "there are more headers than can be sent";
    let target = request.uri().path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    if request.method().as_str().len() + target > LONGEST {
        return Err(TOO_LONG);
    }
    let given = request.headers();
    headers.try_reserve(given.keys_len() + 2).map_err(full)?;
    if let Some(host) = ap_client::transport::host(request.uri()) {
        headers.try_append(header::HOST, host).map_err(full)?;
    }
    for (name, value) in given {
        if name.as_str().len() + value.len() > LONGEST {
            return Err(TOO_LONG);
        }
        let value = if *name == header::AUTHORIZATION {
            call::keep_key(Some(value.clone()));
            blank(value.len())
        } else {
            value.clone()
        };
        if *name == header::HOST {
            headers.try_insert(name, value).map_err(full)?;
        } else {
            headers.try_append(name, value).map_err(full)?;
        }
    }
    Ok(())
}

fn blank(len: usize) -> HeaderValue {
    let mut blank = match BLANK.get(..len) {
        Some(blank) => HeaderValue::from_static(blank),
        // Stars alone are always a header value.
        None => {
            HeaderValue::from_str(&"*".repeat(len)).unwrap_or_else(|_| HeaderValue::from_static(""))
        }
    };
    blank.set_sensitive(true);
    blank
}

/// A link of a chain of connectors, above TLS: what leaves by its connections has the key in it.
#[derive(Debug)]
pub(crate) struct Unveil;

impl<In: Transport> Connector<In> for Unveil {
    type Out = Unveiled<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(Unveiled))
    }
}

#[derive(Debug)]
pub(crate) struct Unveiled<In>(In);

impl<In: Transport> Transport for Unveiled<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        call::put_key(|key| {
            let output = &mut self.0.buffers().output()[..amount];
            let blank = blank_in(output, key.len());
            if let Some(blank) = blank {
                output[blank..blank + key.len()].copy_from_slice(key.as_bytes());
            }
            blank.is_some()
        });
        let sent = self.0.transmit_output(amount, timeout);
        // The buffer lives as long as the connection; the key need not.
        if sent.is_ok() {
            self.0.buffers().output()[..amount].fill(0);
        }
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

/// Where the blank begins in a piece of a request's head. A header line is never cut in two by the
/// library, and the head comes before anything that a caller could have shaped.
fn blank_in(output: &[u8], length: usize) -> Option<usize> {
    const NAME: &[u8] = b"authorization: ";
    memchr_iter(b'*', output).find(|&start| {
        output[..start]
            .strip_suffix(NAME)
            .is_some_and(|before| before.is_empty() || before.ends_with(b"\r\n"))
            && output.get(start..start + length).is_some_and(|blank| {
                blank
                    .iter()
                    .fold(true, |so_far, &byte| so_far & (byte == b'*'))
            })
            && output.get(start + length) == Some(&b'\r')
    })
}

#[cfg(test)]
mod tests {
    use super::blank_in;

    #[test]
    fn the_blank_is_found_where_it_is_a_whole_line() {
        let head = b"GET / HTTP/1.1\r\nhost: x\r\nauthorization: ****\r\n\r\n";
        assert_eq!(blank_in(head, 4), Some(40));
        // A long head is sent in pieces, cut between lines.
        assert_eq!(blank_in(&head[25..], 4), Some(15));
        for (other, length) in [
            (&head[..], 5),
            (b"GET / HTTP/1.1\r\nauthorization: Basic\r\n\r\n", 5),
            (b"GET / HTTP/1.1\r\nx-authorization: ****\r\n\r\n", 4),
            (b"GET / HTTP/1.1\r\nauthorization: ***", 4),
            (b"", 0),
        ] {
            assert_eq!(blank_in(other, length), None);
        }
    }
}
