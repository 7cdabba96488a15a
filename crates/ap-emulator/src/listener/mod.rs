//! The listener: a background thread that accepts and serves the connections of all three products.

mod admission;
mod header_case;
mod request_body;

use std::future::poll_fn;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ap_listener::{Framing, HeadScanner, PendingRequests, ScannedStream};
use axum::body::Body;
use http::{Extensions, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use self::admission::{Admission, Admitted};
use self::request_body::RequestBody;
use crate::Product;
use crate::fault::Aborted;
use crate::router::{ProductRouter, is_control_path};
use crate::state::Shared;

const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// The running thread. When it is dropped, every port and connection is closed.
#[derive(Debug)]
pub(crate) struct ServerThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    /// Starts the thread and returns when it accepts connections.
    pub(crate) fn start(
        listeners: [(Product, StdListener); 3],
        shared: &Arc<Shared>,
        max_connections: usize,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::sync_channel(1);
        let shared = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("ap-emulator".to_owned())
            .spawn(move || {
                // The caller may run inside a runtime, and one runtime must not be dropped inside
                // another. So the runtime is built and dropped on this thread.
                match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => runtime.block_on(async {
                        let result = listen(listeners, &shared, max_connections).await;
                        let has_failed = result.is_err();
                        let _ = report.send(result);
                        if !has_failed {
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

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn listen(
    listeners: [(Product, StdListener); 3],
    shared: &Arc<Shared>,
    max_connections: usize,
) -> io::Result<()> {
    let header_case = header_case::extension().await;
    let admission = Admission::new(max_connections);
    for (product, listener) in listeners {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let port = Port {
            router: ProductRouter::new(product, Arc::clone(shared)),
            header_case: header_case.clone(),
            client_timeout: shared.client_timeout,
            admission: admission.clone(),
        };
        tokio::spawn(accept(listener, port));
    }
    Ok(())
}

/// What the connections to one product's port share.
#[derive(Clone)]
struct Port {
    router: ProductRouter,
    header_case: Extensions,
    client_timeout: Duration,
    admission: Admission,
}

async fn accept(listener: TcpListener, port: Port) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Most likely out of file descriptors. To try again at once would only burn time.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(admit(stream, port.clone()));
    }
}

async fn admit(mut stream: TcpStream, port: Port) {
    let _ = stream.set_nodelay(true);
    if let Some(admitted) = port.admission.admit(&mut stream, port.client_timeout).await {
        serve(stream, port, admitted).await;
    }
}

async fn serve(stream: TcpStream, port: Port, admitted: Admitted) {
    let Admitted {
        is_kept_for_control,
        start,
        permit,
    } = admitted;
    let requests = PendingRequests::default();
    let scanner = HeadScanner::new(requests.clone());
    let io = TokioIo::new(ScannedStream::new(
        stream,
        start,
        scanner,
        port.client_timeout,
    ));
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(port.client_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .title_case_headers(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let (port, framing) = (port.clone(), requests.pop());
        Box::pin(async move {
            let (request, is_rest_read) = RequestBody::wrap(request, port.client_timeout);
            // A connection that is kept for control calls does not become one of a product.
            let can_continue = is_rest_read
                && framing == Framing::KnownEnd
                && (!is_kept_for_control || is_control_path(request.uri().path()));
            let request = request.map(Body::new);
            let mut response = port.router.respond(request, framing, can_continue).await?;
            response.extensions_mut().extend(port.header_case);
            Ok::<_, Aborted>(response)
        })
    });
    let mut connection = server.serve_connection(io, service);
    // Nobody needs to know how the connection ended, and nothing is logged.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    ap_listener::close(connection.into_parts().io.into_inner().into_inner()).await;
    drop(permit);
}
