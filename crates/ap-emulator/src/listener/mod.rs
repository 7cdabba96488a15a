//! The background thread that serves all three products.

use std::future::poll_fn;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Body;
use http::{Extensions, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub(crate) mod head_scanner;
mod header_case;

use crate::Product;
use crate::router::Router;
use crate::state::Shared;
use head_scanner::{Heads, Watched};

const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// How much, and for how long, a refused client may still send while it has the answer to read.
const LINGER_BYTES: usize = 16 * 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// The running server; dropping it closes every port and connection.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Returns once the requests are being answered.
    pub(crate) fn start(
        listeners: [StdListener; 3],
        shared: &Arc<Shared>,
        max_connections: usize,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::sync_channel(1);
        let shared = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("ap-emulator".to_owned())
            .spawn(move || {
                // Built here, not by the caller: a runtime must not be dropped inside another one,
                // and the caller may be in one.
                match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => runtime.block_on(async {
                        let served = serve(listeners, &shared, max_connections).await;
                        let failed = served.is_err();
                        let _ = report.send(served);
                        if !failed {
                            let _ = stopped.await;
                        }
                    }),
                    Err(error) => {
                        let _ = report.send(Err(error));
                    }
                }
            })?;
        let server = Self {
            stop: Some(stop),
            thread: Some(thread),
        };
        started
            .recv()
            .map_err(|_| io::Error::other("the serving thread ended early"))??;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    listeners: [StdListener; 3],
    shared: &Arc<Shared>,
    max_connections: usize,
) -> io::Result<()> {
    let spelling = header_case::learn().await;
    let permits = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    for (listener, product) in listeners.into_iter().zip(Product::ALL) {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let door = Door {
            router: Router::new(product, Arc::clone(shared)),
            spelling: spelling.clone(),
            patience: shared.patience,
        };
        tokio::spawn(accept(listener, door, Arc::clone(&permits)));
    }
    Ok(())
}

/// What each connection of one product needs.
#[derive(Clone)]
struct Door {
    router: Router,
    spelling: Extensions,
    patience: Duration,
}

async fn accept(listener: TcpListener, door: Door, permits: Arc<Semaphore>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: trying again at once would only spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // One connection waits here at the most, further ones in the system's queue. A permit
        // taken before the connection is there would be lost to the other products.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        tokio::spawn(converse(stream, door.clone(), permit));
    }
}

async fn converse(stream: TcpStream, door: Door, permit: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let heads = Heads::default();
    let io = TokioIo::new(Watched::new(stream, heads.clone(), door.patience));
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(door.patience)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .title_case_headers(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let (door, head) = (door.clone(), heads.next());
        Box::pin(async move {
            let mut answer = door.router.answer(request.map(Body::new), head).await?;
            answer.extensions_mut().extend(door.spelling);
            Ok::<_, crate::error::Dropped>(answer)
        })
    });
    let mut connection = server.serve_connection(io, service);
    // Every outcome ends the same way: there is nobody to tell, and nothing is logged.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    linger(connection.into_parts().io.into_inner().into_inner()).await;
    drop(permit);
}

/// Closing a connection with unread bytes would reset it, and the client could lose the answer.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut left = LINGER_BYTES;
        let mut buffer = [0_u8; 8192];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_TIME, drain).await;
}
