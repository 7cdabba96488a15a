//! A server that keeps connections open, counts requests, and answers each as a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bulk::LIST;

/// A request, as the test sees it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) line: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

impl Request {
    /// Returns the last segment of the path.
    pub(crate) fn last_segment(&self) -> &str {
        let path = self.line.split(' ').nth(1).unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// A status, headers and a body.
pub(crate) type Answer = (u16, &'static str, String);

/// The server. Its threads live as long as the test.
pub(crate) struct Counting {
    pub(crate) url: String,
    count: Arc<AtomicUsize>,
}

impl Counting {
    pub(crate) fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(answer);
        std::thread::spawn({
            let count = Arc::clone(&count);
            move || {
                for stream in listener.incoming().flatten() {
                    let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                    std::thread::spawn(move || serve(stream, &count, &*answer));
                }
            }
        });
        Self { url, count }
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Returns the option that makes this SuppressionList.
    pub(crate) fn as_suppressionlist(&self) -> String {
        format!("--origin=suppressionlist={}", self.url)
    }
}

fn serve(stream: TcpStream, count: &AtomicUsize, answer: &dyn Fn(&Request) -> Answer) {
    let mut out = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim_end().is_empty() => break,
                Ok(_) => head.push(line.trim_end().to_owned()),
            }
        }
        let header = |name: &str| {
            let value = head.iter().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then_some(value)
            });
            value.unwrap_or_default().to_owned()
        };
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        if head[0] == "GET /lists HTTP/1.1" {
            // Asked before a run, and no call of a row.
            let lists = format!(r#"[{{"url_name":"a"}},{{"url_name":"{LIST}"}}]"#);
            if out.write_all(response(200, "", &lists).as_bytes()).is_err() {
                return;
            }
            continue;
        }
        let request = Request {
            number: count.fetch_add(1, Ordering::SeqCst) + 1,
            line: head[0].clone(),
            authorization: header("authorization"),
            body: String::from_utf8(body).unwrap(),
        };
        let (status, headers, body) = answer(&request);
        if out
            .write_all(response(status, headers, &body).as_bytes())
            .is_err()
        {
            return;
        }
    }
}

fn response(status: u16, headers: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}"
    )
}
