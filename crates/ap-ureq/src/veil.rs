//! Keeps the key out of the library's hands, and so out of its log: at the finest level that one shows
//! every byte of a request as it is written. The library gets a request with a blank of the same length in
//! the key's place, and the connection puts the key in as the bytes leave.

use std::cell::RefCell;

use http::{HeaderMap, HeaderValue, header};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

thread_local! {
    /// The key of the request that this thread is sending. A send is made on one thread from its first
    /// byte to its last.
    static VEILED: RefCell<Option<HeaderValue>> = const { RefCell::new(None) };
}

/// While this lives, the connection puts the key where the blank is, once.
pub(crate) struct Veil;

impl Veil {
    /// Puts a blank in the place of the key, if the headers have one.
    pub(crate) fn over(headers: &mut HeaderMap) -> Option<Self> {
        let key = headers.get(header::AUTHORIZATION)?.clone();
        let mut blank = HeaderValue::from_str(&"*".repeat(key.len())).ok()?;
        blank.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, blank);
        VEILED.with(|veiled| *veiled.borrow_mut() = Some(key));
        Some(Self)
    }
}

impl Drop for Veil {
    fn drop(&mut self) {
        VEILED.with(|veiled| *veiled.borrow_mut() = None);
    }
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
        VEILED.with(|veiled| {
            let mut veiled = veiled.borrow_mut();
            let Some(key) = veiled.as_ref() else { return };
            let output = &mut self.0.buffers().output()[..amount];
            if let Some(blank) = blank_in(output, key.len()) {
                output[blank..blank + key.len()].copy_from_slice(key.as_bytes());
                *veiled = None;
            }
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
    const NAME: &[u8] = b"\r\nauthorization: ";
    let line = output
        .windows(NAME.len())
        .position(|window| window == NAME)?;
    let start = line + NAME.len();
    let blank = output.get(start..start + length)?;
    (blank.iter().all(|&byte| byte == b'*') && output.get(start + length) == Some(&b'\r'))
        .then_some(start)
}

#[cfg(test)]
mod tests {
    use super::blank_in;

    #[test]
    fn the_blank_is_found_where_it_is_a_whole_line() {
        let head = b"GET / HTTP/1.1\r\nhost: x\r\nauthorization: ****\r\n\r\n";
        assert_eq!(blank_in(head, 4), Some(40));
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
