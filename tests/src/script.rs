//! A listener on loopback that answers each connection from a script, and keeps what it received.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

type Received = Arc<Mutex<Vec<String>>>;

/// Serves one request a connection: reads its head and announced body, writes the given bytes, closes.
/// The last answer is given again when there are more connections than answers.
#[derive(Debug)]
pub struct Script {
    address: SocketAddr,
    received: Received,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Script {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub fn serve(answers: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> io::Result<Self> {
        let answers: Vec<Vec<u8>> = answers.into_iter().map(Into::into).collect();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let received = Received::default();
        let over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (received, over) = (Arc::clone(&received), Arc::clone(&over));
            move || {
                for (at, stream) in listener.incoming().enumerate() {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    let answer = answers.get(at).or_else(|| answers.last());
                    // A client that leaves early is what some tests are about.
                    let _ = exchange(stream, answer.map_or(&[], Vec::as_slice), &received);
                }
            }
        });
        Ok(Self {
            address,
            received,
            over,
            thread: Some(thread),
        })
    }

    /// Where it listens, `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far, head and body, one a connection.
    #[must_use]
    pub fn received(&self) -> Vec<String> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn exchange(mut stream: TcpStream, answer: &[u8], received: &Received) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
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
