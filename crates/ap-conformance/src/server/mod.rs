//! The scripted server of a case: listeners on loopback that record every byte.
//!
//! Each listener has a thread that accepts connections, and a thread for each connection that runs its
//! script. No runtime is needed.

mod connection;
mod conversation;
mod plan;
mod recorded_stream;
mod script;
mod state;
mod tls_records;
mod tunnel;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use connection::Connection;
pub(crate) use conversation::{Conversation, Direction, Event, Piece, What, merge};
pub(crate) use plan::{ListenerPlan, plans};
use state::ListenerState;
pub(crate) use state::Record;
pub(crate) use tls_records::tls_records_in_words;

/// How long the suite's own connections may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

/// The listeners of one run of a case. They end when this is dropped.
pub(crate) struct Server {
    listeners: BTreeMap<String, Running>,
    addresses: Arc<BTreeMap<String, SocketAddr>>,
    over: Arc<AtomicBool>,
}

/// A listener that has started.
struct Running {
    state: Arc<ListenerState>,
    thread: JoinHandle<()>,
    accepts_connections: bool,
}

/// Listeners that have addresses and accept nothing yet, so that scripts can name each other's ports.
pub(crate) struct Bound {
    sockets: BTreeMap<String, TcpListener>,
    addresses: Arc<BTreeMap<String, SocketAddr>>,
}

impl Bound {
    /// Binds a free port of 127.0.0.1 for each name.
    pub(crate) fn bind<'a>(names: impl Iterator<Item = &'a str>) -> io::Result<Self> {
        let mut sockets = BTreeMap::new();
        for name in names {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            sockets.insert(name.to_owned(), socket);
        }
        let addresses: io::Result<_> = sockets
            .iter()
            .map(|(name, socket)| Ok((name.clone(), socket.local_addr()?)))
            .collect();
        Ok(Self {
            sockets,
            addresses: Arc::new(addresses?),
        })
    }

    /// Returns each listener's name and port.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (&str, u16)> {
        let addresses = self.addresses.iter();
        addresses.map(|(name, address)| (name.as_str(), address.port()))
    }

    /// Starts every listener that has a plan.
    pub(crate) fn start(self, mut plans: BTreeMap<String, ListenerPlan>) -> Server {
        let over = Arc::new(AtomicBool::new(false));
        let mut listeners = BTreeMap::new();
        for (name, socket) in self.sockets {
            let Some(plan) = plans.remove(&name) else {
                continue;
            };
            let state = ListenerState::new(&plan, Arc::clone(&over), Arc::clone(&self.addresses));
            let state = Arc::new(state);
            let accepts_connections = !plan.full;
            let waiting = if plan.full {
                fill_queue(&socket)
            } else {
                Vec::new()
            };
            let thread = std::thread::spawn({
                let state = Arc::clone(&state);
                move || {
                    if accepts_connections {
                        accept_connections(&socket, &plan, &state);
                    } else {
                        state.wait_until_over();
                    }
                    drop(waiting);
                }
            });
            let running = Running {
                state,
                thread,
                accepts_connections,
            };
            listeners.insert(name, running);
        }
        Server {
            listeners,
            addresses: self.addresses,
            over,
        }
    }
}

impl Server {
    /// Returns a copy of what a listener has received so far.
    pub(crate) fn record(&self, name: &str) -> Record {
        self.with_record(name, Record::clone).unwrap_or_default()
    }

    /// Reads what a listener has received so far, without copying large bodies.
    pub(crate) fn with_record<R>(&self, name: &str, read: impl FnOnce(&Record) -> R) -> Option<R> {
        let running = self.listeners.get(name)?;
        Some(read(&running.state.record()))
    }

    /// Waits until every connection made so far is in the record.
    ///
    /// Connections are accepted in order, so this makes one more and waits for that.
    pub(crate) fn wait_for_connections(&self) {
        let end = Instant::now() + Duration::from_secs(1);
        for (name, running) in &self.listeners {
            if !running.accepts_connections {
                continue;
            }
            // If no connection can be made, the record stays as it is.
            if let Ok((own, _socket)) = connect_announced(&running.state, self.addresses[name]) {
                while running.state.has_own(&own) && Instant::now() < end {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        }
    }

    /// Ends all listeners and their connections, and waits for them.
    fn stop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for address in self.addresses.values() {
            // Wakes a thread that waits for a connection.
            let _ = own_socket()
                .and_then(|own| own.connect_timeout(&(*address).into(), CONNECT_TIMEOUT));
        }
        for running in std::mem::take(&mut self.listeners).into_values() {
            running.state.shut_down();
            let _ = running.thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns a socket for a connection of the suite's own. Dropped, it is reset, which leaves its port free: the ports of thousands
/// of connections that are closed in the usual way are taken for a minute, until none is left to listen on.
fn own_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket)
}

/// Connects from an address that the listener knows to be the suite's.
fn connect_announced(
    state: &ListenerState,
    address: SocketAddr,
) -> io::Result<(SocketAddr, Socket)> {
    let socket = own_socket()?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let own = socket
        .local_addr()?
        .as_socket()
        .ok_or(io::ErrorKind::InvalidInput)?;
    state.add_own(own);
    socket.connect_timeout(&address.into(), CONNECT_TIMEOUT)?;
    Ok((own, socket))
}

/// Fills the queue of a listener with connections that nobody accepts, until the next one must wait.
fn fill_queue(socket: &TcpListener) -> Vec<TcpStream> {
    let mut waiting = Vec::new();
    // A backlog of zero leaves room for one connection, or a few.
    if SockRef::from(socket).listen(0).is_err() {
        return waiting;
    }
    let Ok(address) = socket.local_addr() else {
        return waiting;
    };
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
    }
    waiting
}

fn accept_connections(socket: &TcpListener, plan: &ListenerPlan, state: &Arc<ListenerState>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for tcp in socket.incoming() {
        if state.is_over() {
            break;
        }
        let Ok(tcp) = tcp else { continue };
        if state.take_own(&tcp) {
            continue;
        }
        let number = state.add_connection(&tcp);
        let script = plan.script(number).to_vec();
        let (tls, greeting) = (plan.tls.clone(), plan.greeting.clone());
        let state = Arc::clone(state);
        threads.push(std::thread::spawn(move || {
            if tls.is_some()
                && let Some(bytes) = connection::bytes_without_tls(&tcp)
            {
                state.add_bytes_without_tls(number, &bytes);
            }
            match Connection::accept(tcp, tls, greeting.as_bytes(), &state, number) {
                // A client may close the connection at any time. What it sent until then is recorded.
                Ok(connection) => drop(script::run(connection, &script, &state, number)),
                Err(error) => {
                    let why = format!("the TLS handshake failed: {error}");
                    state.add_event(number, What::Failed(why));
                }
            }
        }));
        threads.retain(|thread| !thread.is_finished());
    }
    for thread in threads {
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::authority::Authority;
    use crate::case::Certificate;

    #[test]
    fn the_alert_that_answers_plain_http_is_recorded() {
        let tls = Authority::new().unwrap();
        let tls = tls.server_config(Certificate::Good).unwrap();
        let bound = Bound::bind(["target"].into_iter()).unwrap();
        let plan = BTreeMap::from([("target".to_owned(), ListenerPlan::of_tls(tls))]);
        let server = bound.start(plan);
        let mut client = TcpStream::connect(server.addresses["target"]).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut alert = [0; 7];
        client.read_exact(&mut alert).unwrap();

        let state = Arc::clone(&server.listeners["target"].state);
        drop(server); // it waits for its threads
        let record = state.record();
        let shown = record.tls.events.iter().map(|event| match &event.what {
            What::Tls(direction, records) => format!("{direction:?} {records:?}"),
            other => format!("{other:?}"),
        });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            ["Sent TlsRecords { kind: \"alert, DecodeError\", count: 1, length: 7 }"]
        );
        assert!(record.without_tls && alert[0] == 21);
    }
}
