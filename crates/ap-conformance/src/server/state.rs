//! [`ListenerState`]: what the threads of one listener share, with the [`Record`] of what it received.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::conversation::{Conversation, Direction, Piece, TlsRecords, What};
use super::plan::ListenerPlan;
use crate::case::Step;
use crate::raw_request::header_lines;

/// What a listener has received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Every byte of each connection, after TLS.
    pub received: Vec<Vec<u8>>,
    /// Every request, with the number of its connection.
    pub requests: Vec<(usize, Vec<u8>)>,
    /// A listener that speaks TLS received something else.
    pub without_tls: bool,
    /// How many marks the scripts have passed.
    pub marks: usize,
    /// How many bytes of floods were sent.
    pub sent: usize,
    /// The numbers of the connections that the client has closed.
    pub hung_up: BTreeSet<usize>,
    /// What happened, to show it to a person.
    pub conversation: Conversation,
    /// The TLS records below it.
    pub tls: Conversation,
}

/// What the threads of one listener share.
pub(crate) struct ListenerState {
    record: Mutex<Record>,
    answers: Vec<Vec<Step>>,
    /// The accepted values of `Authorization`, one after another, each with the requests left to it.
    accepts: Mutex<VecDeque<(String, usize)>>,
    /// A handle on every connection, so that the end of a case can close them at once.
    sockets: Mutex<BTreeMap<usize, TcpStream>>,
    over: Arc<AtomicBool>,
    addresses: Arc<BTreeMap<String, SocketAddr>>,
    /// Addresses from which the suite itself is connecting.
    own: Mutex<BTreeSet<SocketAddr>>,
}

impl ListenerState {
    pub(super) fn new(
        plan: &ListenerPlan,
        over: Arc<AtomicBool>,
        addresses: Arc<BTreeMap<String, SocketAddr>>,
    ) -> Self {
        Self {
            record: Mutex::default(),
            answers: plan.answers.clone(),
            accepts: Mutex::new(plan.accepts.clone().into()),
            sockets: Mutex::default(),
            over,
            addresses,
            own: Mutex::default(),
        }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Registers a connection, and returns its number.
    pub(super) fn add_connection(&self, tcp: &TcpStream) -> usize {
        let number = {
            let mut record = self.record();
            record.received.push(Vec::new());
            let number = record.received.len() - 1;
            record.conversation.add(number, What::Opened);
            number
        };
        if let Ok(handle) = tcp.try_clone() {
            lock(&self.sockets).insert(number, handle);
        }
        number
    }

    /// Drops the handle on a connection. A reset is sent only when the last handle is dropped.
    pub(super) fn drop_handle(&self, connection: usize) {
        lock(&self.sockets).remove(&connection);
    }

    /// Ends every connection.
    pub(super) fn shut_down(&self) {
        for socket in lock(&self.sockets).values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn add_received(&self, connection: usize, bytes: &[u8]) {
        let mut record = self.record();
        if let Some(all) = record.received.get_mut(connection) {
            all.extend_from_slice(bytes);
        }
        let piece = What::Received(Piece::of(bytes));
        record.conversation.add(connection, piece);
    }

    /// Records a TLS record that was received or sent, without its content.
    pub(super) fn add_tls_record(
        &self,
        connection: usize,
        direction: Direction,
        kind: String,
        length: usize,
    ) {
        let records = TlsRecords {
            kind,
            count: 1,
            length,
        };
        let what = What::Tls(direction, records);
        self.record().tls.add(connection, what);
    }

    /// Records bytes that a listener with TLS received outside of it.
    pub(super) fn add_bytes_without_tls(&self, connection: usize, bytes: &[u8]) {
        self.add_received(connection, bytes);
        self.record().without_tls = true;
    }

    pub(super) fn add_request(&self, connection: usize, request: Vec<u8>) {
        self.record().requests.push((connection, request));
    }

    pub(super) fn add_mark(&self) {
        self.record().marks += 1;
    }

    pub(super) fn add_sent(&self, bytes: usize) {
        self.record().sent += bytes;
    }

    pub(super) fn add_hang_up(&self, connection: usize) {
        let mut record = self.record();
        if record.hung_up.insert(connection) {
            record.conversation.add(connection, What::ClientClosed);
        }
    }

    /// Records bytes that were sent on a connection.
    pub(super) fn add_sent_bytes(&self, connection: usize, bytes: &[u8]) {
        self.add_event(connection, What::Sent(Piece::of(bytes)));
    }

    /// Records something else that happened on a connection.
    pub(super) fn add_event(&self, connection: usize, what: What) {
        self.record().conversation.add(connection, what);
    }

    /// Returns the steps that answer the latest request on a connection.
    pub(super) fn answer(&self, connection: usize) -> Vec<Step> {
        let record = self.record();
        let index = record.requests.len().saturating_sub(1);
        let mut latest_first = record.requests.iter().rev();
        let request = latest_first.find(|(number, _)| *number == connection);
        let authorization = request
            .and_then(|(_, request)| header_lines(request, "authorization").into_iter().next());
        if let Some(accepted) = self.accept(authorization.as_ref()) {
            return vec![if accepted { Step::ok() } else { Step::Refuse }];
        }
        let answer = self.answers.get(index).or_else(|| self.answers.last());
        answer.cloned().unwrap_or_default()
    }

    /// Says if this is the value that is accepted now; `None` if the listener does not check keys.
    fn accept(&self, authorization: Option<&String>) -> Option<bool> {
        let mut accepts = lock(&self.accepts);
        if accepts.front().is_some_and(|(_, left)| *left == 0) && accepts.len() > 1 {
            accepts.pop_front();
        }
        let (accepted, left) = accepts.front_mut()?;
        let is_accepted = authorization == Some(accepted);
        if is_accepted {
            *left = left.saturating_sub(1);
        }
        Some(is_accepted)
    }

    /// Announces a connection of the suite itself.
    pub(super) fn add_own(&self, address: SocketAddr) {
        lock(&self.own).insert(address);
    }

    /// Returns `true` if a connection of the suite itself has not been accepted yet.
    pub(super) fn has_own(&self, address: &SocketAddr) -> bool {
        lock(&self.own).contains(address)
    }

    /// Returns `true` if a new connection is the suite's own.
    pub(super) fn take_own(&self, tcp: &TcpStream) -> bool {
        tcp.peer_addr()
            .is_ok_and(|peer| lock(&self.own).remove(&peer))
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(super) fn wait_until_over(&self) {
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn address(&self, name: &str) -> io::Result<SocketAddr> {
        let known = self.addresses.get(name).copied();
        known.ok_or_else(|| io::Error::other("there is no such listener"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
