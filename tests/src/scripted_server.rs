//! [`ScriptedServer`]: answers each connection from a script, and keeps what it received.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::PATIENCE;

type Received = Arc<Mutex<Vec<String>>>;

/// A server on loopback that serves one request on each connection: it reads the head and the announced body,
/// writes the given bytes, and closes.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    received: Received,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// Starts a server on a free port of 127.0.0.1 that answers every connection with these bytes.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub fn start(answer: impl Into<Vec<u8>>) -> io::Result<Self> {
        Self::in_turn([answer])
    }

    /// Starts a server that answers the connections with one of these after the other, and later ones with the last.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub fn in_turn(answers: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> io::Result<Self> {
        let answers: Vec<Vec<u8>> = answers.into_iter().map(Into::into).collect();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let received = Received::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (received, is_over) = (Arc::clone(&received), Arc::clone(&is_over));
            move || {
                let mut answers = answers.iter();
                let mut answer: &[u8] = &[];
                for stream in listener.incoming() {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    answer = answers.next().map_or(answer, Vec::as_slice);
                    // Some tests are about a client that hangs up early.
                    let _ = exchange(stream, answer, &received);
                }
            }
        });
        Ok(Self {
            address,
            received,
            is_over,
            thread: Some(thread),
        })
    }

    /// Returns its URL, `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns every request so far, head and body, one for each connection.
    #[must_use]
    pub fn received(&self) -> Vec<String> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn exchange(mut stream: TcpStream, answer: &[u8], received: &Received) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_complete(&request) {
        match stream.read(&mut buffer)? {
            0 => break,
            n => request.extend_from_slice(&buffer[..n]),
        }
    }
    received
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(String::from_utf8_lossy(&request).into_owned());
    stream.write_all(answer)?;
    stream.shutdown(Shutdown::Write)
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    body.len() >= length
}
