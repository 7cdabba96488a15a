//! The calls of two bulk commands, made by hyper alone: the least that they can cost.

use std::rc::Rc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::Failure;
use crate::load::peak_memory;

/// The most events of a page.
const PAGE: usize = 1000;

/// Where the calls go.
#[derive(Debug)]
pub struct Account {
    /// `http://127.0.0.1:port`.
    pub origin: String,
    /// The account's key.
    pub key: String,
}

/// Checks this many values of a suppression list, on so many connections. The values are those of [`value`].
///
/// # Errors
///
/// If a call fails.
pub fn check(account: Account, list: &str, rows: u64, workers: usize) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let next = Rc::new(std::cell::Cell::new(0));
    let account = Rc::new(account);
    let list: Rc<str> = list.into();
    let start = Instant::now();
    LocalSet::new().block_on(&runtime, async {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                let (account, list, next) =
                    (Rc::clone(&account), Rc::clone(&list), Rc::clone(&next));
                tokio::task::spawn_local(async move {
                    let mut connection = Connection::open(&account).await?;
                    while next.get() < rows {
                        let row = next.replace(next.get() + 1);
                        let path = format!("/exists/{list}/{}", value(row));
                        let (status, _) = connection.get(&path).await?;
                        if !matches!(status, StatusCode::OK | StatusCode::NOT_FOUND) {
                            return Err(format!("a call got {status}").into());
                        }
                    }
                    Ok::<_, Failure>(())
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(measured(rows, start))
}

/// Reads every event, page after page. Of each, only the id is read.
///
/// # Errors
///
/// If a call fails.
pub fn export(account: &Account) -> Result<Value, Failure> {
    #[derive(Deserialize)]
    struct Event {
        id: String,
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let start = Instant::now();
    let rows = runtime.block_on(async {
        let mut connection = Connection::open(account).await?;
        let first = format!("/events?sort=asc&limit={PAGE}");
        let (mut path, mut rows) = (first.clone(), 0);
        loop {
            let (status, body) = connection.get(&path).await?;
            if status != StatusCode::OK {
                return Err(format!("a call got {status}").into());
            }
            let events: Vec<Event> = serde_json::from_slice(&body)?;
            let Some(last) = events.last() else {
                return Ok::<u64, Failure>(rows);
            };
            rows += events.len() as u64;
            path = format!("{first}&after_id={}", last.id);
        }
    })?;
    Ok(measured(rows, start))
}

/// Returns the value of a row: a phone number.
#[must_use]
pub fn value(row: u64) -> String {
    (5_120_000_000 + row).to_string()
}

fn measured(rows: u64, start: Instant) -> Value {
    let seconds = start.elapsed().as_secs_f64();
    json!({ "rows": rows, "seconds": seconds, "peak_bytes": peak_memory() })
}

struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    host: HeaderValue,
    authorization: HeaderValue,
}

impl Connection {
    async fn open(account: &Account) -> Result<Self, Failure> {
        let host = account.origin.strip_prefix("http://");
        let host = host.ok_or("the origin is not plain http")?;
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        let pair = STANDARD.encode(format!("API:{}", account.key));
        Ok(Self {
            sender,
            host: HeaderValue::from_str(host)?,
            authorization: HeaderValue::from_str(&format!("Basic {pair}"))?,
        })
    }

    async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes), Failure> {
        let request = Request::get(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
