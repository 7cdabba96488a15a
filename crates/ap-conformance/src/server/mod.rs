//! The listeners of a case: threads on loopback that run scripts and keep a record of every byte.

mod connection;
pub(crate) mod script;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use socket2::{Domain, SockRef, Socket, Type};

use crate::judge::header_lines;
use crate::server::connection::Stream;
use crate::server::script::Step;

/// What a listener does, ready to run: texts filled in, TLS made.
#[derive(Clone)]
pub(crate) struct Plan {
    pub scripts: Vec<Vec<Step>>,
    pub answers: Vec<Vec<Step>>,
    /// The values of `Authorization` that it takes, one after another, each so many times.
    pub takes: Vec<(String, usize)>,
    pub tls: Option<Arc<ServerConfig>>,
    pub greeting: String,
    /// It takes no connections, and there is no room for another to wait.
    pub full: bool,
}

/// What a listener has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Every byte of each connection, after TLS.
    pub received: Vec<Vec<u8>>,
    /// Every request, with the number of its connection.
    pub requests: Vec<(usize, Vec<u8>)>,
    /// How many marks its scripts have passed.
    pub marks: usize,
    /// How many bytes of floods were sent.
    pub sent: usize,
    /// The connections that the client ended, by number.
    pub hung_up: BTreeSet<usize>,
}

/// What the threads of one listener share.
pub(crate) struct Shared {
    record: Mutex<Record>,
    answers: Vec<Vec<Step>>,
    takes: Mutex<VecDeque<(String, usize)>>,
    /// Handles on every connection, so that a case that is over can end them at once.
    sockets: Mutex<BTreeMap<usize, TcpStream>>,
    over: Arc<AtomicBool>,
    addresses: Arc<BTreeMap<String, SocketAddr>>,
    /// The suite's own connections, that are on their way: see [`Servers::settle`].
    own: Mutex<BTreeSet<SocketAddr>>,
    /// Whether it takes connections at all.
    is_open: bool,
}

impl Shared {
    fn own(&self) -> MutexGuard<'_, BTreeSet<SocketAddr>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sockets(&self) -> MutexGuard<'_, BTreeMap<usize, TcpStream>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a connection, so that closing it is the end of it: a reset needs the last handle.
    pub(crate) fn forget(&self, connection: usize) {
        self.sockets().remove(&connection);
    }

    pub(crate) fn received(&self, connection: usize, bytes: &[u8]) {
        if let Some(all) = self.record().received.get_mut(connection) {
            all.extend_from_slice(bytes);
        }
    }

    pub(crate) fn request(&self, connection: usize, request: Vec<u8>) {
        self.record().requests.push((connection, request));
    }

    pub(crate) fn mark(&self) {
        self.record().marks += 1;
    }

    pub(crate) fn hung_up(&self, connection: usize) {
        self.record().hung_up.insert(connection);
    }

    /// What follows the request that came last on a connection.
    pub(crate) fn answer(&self, connection: usize) -> Vec<Step> {
        let record = self.record();
        let number = record.requests.len().saturating_sub(1);
        let mut of_connection = record.requests.iter().rev();
        let request = of_connection.find(|(number, _)| *number == connection);
        let key = request.and_then(|(_, request)| request_key(request));
        if let Some(takes) = self.takes(key) {
            return vec![if takes { script::ok() } else { Step::Refuse }];
        }
        let answer = self.answers.get(number).or_else(|| self.answers.last());
        answer.cloned().unwrap_or_default()
    }

    /// Whether a key is the one that is taken now, where keys are looked at.
    fn takes(&self, key: Option<String>) -> Option<bool> {
        let mut takes = self.takes.lock().unwrap_or_else(PoisonError::into_inner);
        if takes.front().is_some_and(|(_, left)| *left == 0) && takes.len() > 1 {
            takes.pop_front();
        }
        let (taken, left) = takes.front_mut()?;
        let is_taken = key.as_ref() == Some(taken);
        if is_taken {
            *left = left.saturating_sub(1);
        }
        Some(is_taken)
    }

    pub(crate) fn sent(&self, _connection: usize, bytes: usize) {
        self.record().sent += bytes;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn wait_until_over(&self) {
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn address(&self, name: &str) -> io::Result<SocketAddr> {
        let known = self.addresses.get(name).copied();
        known.ok_or_else(|| io::Error::other("there is no such listener"))
    }
}

/// The listeners of one run of a case. They end when this is dropped.
pub(crate) struct Servers {
    listeners: BTreeMap<String, (Arc<Shared>, JoinHandle<()>)>,
    addresses: Arc<BTreeMap<String, SocketAddr>>,
    over: Arc<AtomicBool>,
}

impl Servers {
    /// Binds a free port of 127.0.0.1 for each name; nothing is accepted before [`start`](Bound::start).
    pub(crate) fn bind<'a>(names: impl Iterator<Item = &'a str>) -> io::Result<Bound> {
        let mut sockets = BTreeMap::new();
        for name in names {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            sockets.insert(name.to_owned(), socket);
        }
        let addresses: io::Result<_> = sockets
            .iter()
            .map(|(name, socket)| Ok((name.clone(), socket.local_addr()?)))
            .collect();
        Ok(Bound {
            sockets,
            addresses: Arc::new(addresses?),
        })
    }

    /// What a listener has seen so far.
    pub(crate) fn record(&self, name: &str) -> Record {
        self.listeners
            .get(name)
            .map(|(shared, _)| shared.record().clone())
            .unwrap_or_default()
    }

    /// Waits until every connection that was made so far is in the record: connections are taken in
    /// order, so they are once one of the suite's own was taken behind them.
    pub(crate) fn settle(&self) {
        let end = Instant::now() + Duration::from_secs(1);
        for (name, (shared, _)) in self
            .listeners
            .iter()
            .filter(|(_, (shared, _))| shared.is_open)
        {
            // If none can be made, the record stays as it is.
            if let Ok(own) = knock(shared, self.addresses[name]) {
                while shared.own().contains(&own) && Instant::now() < end {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        }
    }

    /// Ends all listeners and their connections, and waits for them.
    pub(crate) fn stop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for address in self.addresses.values() {
            // Wakes a thread that waits for a connection.
            let _ = TcpStream::connect_timeout(address, Duration::from_millis(200));
        }
        for (shared, thread) in std::mem::take(&mut self.listeners).into_values() {
            for socket in shared.sockets().values() {
                let _ = socket.shutdown(Shutdown::Both);
            }
            let _ = thread.join();
        }
    }
}

/// Connects from an address that the listener is told beforehand, and hangs up.
fn knock(shared: &Shared, address: SocketAddr) -> io::Result<SocketAddr> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let own = socket
        .local_addr()?
        .as_socket()
        .ok_or(io::ErrorKind::InvalidInput)?;
    shared.own().insert(own);
    socket.connect_timeout(&address.into(), Duration::from_millis(200))?;
    Ok(own)
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Listeners that have an address and do nothing yet, so that scripts can name each other's ports.
pub(crate) struct Bound {
    sockets: BTreeMap<String, TcpListener>,
    pub(crate) addresses: Arc<BTreeMap<String, SocketAddr>>,
}

impl Bound {
    pub(crate) fn start(self, mut plans: BTreeMap<String, Plan>) -> Servers {
        let over = Arc::new(AtomicBool::new(false));
        let mut listeners = BTreeMap::new();
        for (name, socket) in self.sockets {
            let Some(plan) = plans.remove(&name) else {
                continue;
            };
            let waiting = if plan.full { fill(&socket) } else { Vec::new() };
            let shared = Arc::new(Shared {
                record: Mutex::default(),
                answers: plan.answers.clone(),
                takes: Mutex::new(plan.takes.clone().into()),
                sockets: Mutex::default(),
                over: Arc::clone(&over),
                addresses: Arc::clone(&self.addresses),
                own: Mutex::default(),
                is_open: !plan.full,
            });
            let thread = std::thread::spawn({
                let shared = Arc::clone(&shared);
                move || {
                    if plan.full {
                        shared.wait_until_over();
                    } else {
                        accept(&socket, &plan, &shared);
                    }
                    drop(waiting);
                }
            });
            listeners.insert(name, (shared, thread));
        }
        Servers {
            listeners,
            addresses: self.addresses,
            over,
        }
    }
}

/// The value of a request's first `Authorization`.
fn request_key(request: &[u8]) -> Option<String> {
    header_lines(request, "authorization").into_iter().next()
}

/// Makes connections that nobody takes until the next one has to wait.
fn fill(socket: &TcpListener) -> Vec<TcpStream> {
    let mut waiting = Vec::new();
    // Listening again with no backlog leaves room for one connection, or a few.
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

fn accept(socket: &TcpListener, plan: &Plan, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for tcp in socket.incoming() {
        if shared.is_over() {
            break;
        }
        let Ok(tcp) = tcp else { continue };
        if tcp.peer_addr().is_ok_and(|peer| shared.own().remove(&peer)) {
            continue;
        }
        let connection = {
            let mut record = shared.record();
            record.received.push(Vec::new());
            record.received.len() - 1
        };
        if let Ok(handle) = tcp.try_clone() {
            shared.sockets().insert(connection, handle);
        }
        let script = plan
            .scripts
            .get(connection)
            .or_else(|| plan.scripts.last())
            .cloned();
        let (tls, shared) = (plan.tls.clone(), Arc::clone(shared));
        let greeting = plan.greeting.clone();
        threads.push(std::thread::spawn(move || {
            // A client may hang up at any point; what it did until then is in the record.
            let _ = Stream::accept(tcp, tls, greeting.as_bytes()).and_then(|stream| {
                script::run(
                    stream,
                    script.as_deref().unwrap_or_default(),
                    &shared,
                    connection,
                )
            });
        }));
        threads.retain(|thread| !thread.is_finished());
    }
    for thread in threads {
        let _ = thread.join();
    }
}
