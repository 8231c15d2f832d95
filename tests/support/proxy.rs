//! A loopback proxy in front of a server: it counts round trips, makes the way longer, and cuts the
//! line at a moment of one's choosing.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{Framing, Message};

/// Where the server is.
#[derive(Debug, Clone)]
pub(crate) enum Upstream {
    /// The path of its Unix socket.
    Unix(PathBuf),
    /// A port of the loopback.
    Tcp(u16),
}

/// When to cut a connection.
#[derive(Debug, Clone)]
pub(crate) enum Cut {
    /// After that many round trips of one connection, its start included.
    AfterRoundTrips(u64),
    /// Before a client's message with these bytes in it: the server never sees the message.
    Before(Vec<u8>),
    /// After a client's message with these bytes in it: the server gets it and carries it out, but its
    /// answer is lost.
    After(Vec<u8>),
}

/// What went over all connections so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Times that something went to the server and then something came back.
    pub(crate) round_trips: u64,
    /// The same, of the connection that had most of them: a second one that only looks on is not in anybody's way.
    pub(crate) most_round_trips: u64,
    /// Bytes to the server.
    pub(crate) bytes_up: u64,
    /// Bytes from the server.
    pub(crate) bytes_down: u64,
    /// Simple query messages.
    pub(crate) queries: u64,
    /// Parse messages of the extended protocol.
    pub(crate) parses: u64,
    /// Parse messages that name their statement, which a transaction pooler may not take.
    pub(crate) named_parses: u64,
}

#[derive(Debug, Default)]
struct Shared {
    counts: Counts,
    /// Simple queries and the texts of Parse messages, in order.
    sql: Vec<String>,
    latency: Duration,
    /// Each cut is good for one connection.
    cuts: VecDeque<Cut>,
}

/// A proxy that listens until the test's end.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start(upstream: Upstream) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let for_thread = Arc::clone(&shared);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                // A refusal by the server closes the client's line too, by dropping it.
                let _ = Line::open(client, &upstream, &for_thread);
            }
        });
        Self { port, shared }
    }

    /// Listens in front of a throwaway server's socket.
    pub(crate) fn before(server: &rlsctl::pg::scratch::Scratch) -> Self {
        Self::start(Upstream::Unix(
            server.socket_dir().join(format!(".s.PGSQL.{}", server.port())),
        ))
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns how to reach a database through it. Unless TLS is under test it is not to be asked for,
    /// since asking is a round trip.
    pub(crate) fn url(&self, dbname: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{dbname}?sslmode=disable", self.port)
    }

    /// Delays what is sent from now on, by this much in each direction.
    pub(crate) fn delay(&self, each_way: Duration) {
        self.lock().latency = each_way;
    }

    /// Cuts one connection at this moment: the first in which it comes.
    pub(crate) fn cut(&self, cut: Cut) {
        self.lock().cuts.push_back(cut);
    }

    /// Whether a cut that was asked for has not happened yet.
    pub(crate) fn waits_to_cut(&self) -> bool {
        !self.lock().cuts.is_empty()
    }

    /// Returns what went over so far.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Returns the SQL texts so far.
    pub(crate) fn sql(&self) -> Vec<String> {
        self.lock().sql.clone()
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&self) {
        let mut shared = self.lock();
        shared.counts = Counts::default();
        shared.sql.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no thread of the proxy panics")
    }
}

/// One end of a line: TCP or Unix.
#[derive(Debug)]
enum End {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl End {
    fn open(upstream: &Upstream) -> std::io::Result<Self> {
        Ok(match upstream {
            Upstream::Unix(path) => Self::Unix(UnixStream::connect(path)?),
            Upstream::Tcp(port) => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
                stream.set_nodelay(true)?;
                Self::Tcp(stream)
            }
        })
    }

    fn split(&self) -> std::io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let length = match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        };
        // A reset is an end like any other.
        length.unwrap_or(0)
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
        .is_ok()
    }

    fn shut(&self, how: Shutdown) {
        // It may be shut already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }
}

/// What one direction's reader hands to its writer.
#[derive(Debug)]
enum Parcel {
    Bytes(Vec<u8>, Instant),
    /// Shut both ends.
    Cut,
    /// Shut the client's end; let the server finish what it was sent.
    Deafen,
}

/// What both directions of one connection know of each other.
#[derive(Debug, Default)]
struct Turn {
    client_spoke: bool,
    round_trips: u64,
    encryption: Encryption,
    /// The client's end is cut, and the server does not know yet.
    deaf: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Encryption {
    #[default]
    No,
    /// The answer is not there yet.
    Asked,
    /// From here on nothing can be read.
    Granted,
}

/// One connection: a reader and a writer for each direction.
#[derive(Debug)]
struct Line {
    client: End,
    server: End,
    shared: Arc<Mutex<Shared>>,
    turn: Arc<Mutex<Turn>>,
}

impl Line {
    fn open(client: TcpStream, upstream: &Upstream, shared: &Arc<Mutex<Shared>>) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        let line = Self {
            client: End::Tcp(client),
            server: End::open(upstream)?,
            shared: Arc::clone(shared),
            turn: Arc::default(),
        };
        shared.lock().expect("no thread of the proxy panics").counts.connections += 1;
        let (up, up_writer) = mpsc::channel();
        let (down, down_writer) = mpsc::channel();
        let (one, two, three, four) = (line.split()?, line.split()?, line.split()?, line);
        thread::spawn(move || one.read_client(&up));
        thread::spawn(move || two.write_server(&up_writer));
        thread::spawn(move || three.read_server(&down));
        thread::spawn(move || four.write_client(&down_writer));
        Ok(())
    }

    fn split(&self) -> std::io::Result<Self> {
        Ok(Self {
            client: self.client.split()?,
            server: self.server.split()?,
            shared: Arc::clone(&self.shared),
            turn: Arc::clone(&self.turn),
        })
    }

    /// Reads whole messages from the client, counts them, and decides about cuts.
    fn read_client(mut self, up: &Sender<Parcel>) {
        let mut framing = Framing::default();
        let mut chunk = vec![0; 1 << 16];
        loop {
            let length = self.client.read(&mut chunk);
            if length == 0 {
                break;
            }
            if self.turn.lock().expect("no panics").encryption == Encryption::Granted {
                framing.give_up();
            }
            for message in framing.feed(&chunk[..length]) {
                let cut = self.note(&message);
                let bytes = Parcel::Bytes(message.bytes, Instant::now());
                let parcels = match cut {
                    None => vec![bytes],
                    Some(Cut::After(_)) => vec![bytes, Parcel::Deafen],
                    Some(_) => vec![Parcel::Cut],
                };
                let last = parcels.len() > 1 || matches!(parcels[0], Parcel::Cut);
                for parcel in parcels {
                    let _ = up.send(parcel);
                }
                if last {
                    return;
                }
            }
        }
    }

    /// Counts a message of the client; returns the cut that it sets off.
    fn note(&self, message: &Message) -> Option<Cut> {
        let mut turn = self.turn.lock().expect("no panics");
        let mut shared = self.shared.lock().expect("no panics");
        shared.counts.bytes_up += message.bytes.len() as u64;
        turn.client_spoke = true;
        if message.asks_for_encryption() {
            turn.encryption = Encryption::Asked;
        }
        if let Some(sql) = message.query() {
            shared.counts.queries += 1;
            shared.sql.push(sql);
        }
        if let Some((name, sql)) = message.parse() {
            shared.counts.parses += 1;
            shared.counts.named_parses += u64::from(!name.is_empty());
            shared.sql.push(sql);
        }
        let due = shared.cuts.iter().position(|cut| match cut {
            Cut::AfterRoundTrips(number) => turn.round_trips >= *number,
            Cut::Before(bytes) | Cut::After(bytes) => message.contains(bytes),
        });
        let cut = due.and_then(|at| shared.cuts.remove(at));
        // From here on, before the server can have answered.
        turn.deaf = matches!(cut, Some(Cut::After(_)));
        cut
    }

    fn read_server(mut self, down: &Sender<Parcel>) {
        let mut chunk = vec![0; 1 << 16];
        let mut tail = Vec::new();
        loop {
            let length = self.server.read(&mut chunk);
            if length == 0 {
                break;
            }
            let mut turn = self.turn.lock().expect("no panics");
            let mut shared = self.shared.lock().expect("no panics");
            if std::mem::take(&mut turn.client_spoke) {
                turn.round_trips += 1;
                shared.counts.round_trips += 1;
                shared.counts.most_round_trips = shared.counts.most_round_trips.max(turn.round_trips);
            }
            if turn.encryption == Encryption::Asked {
                let granted = matches!(chunk[0], b'S' | b'G');
                turn.encryption = if granted { Encryption::Granted } else { Encryption::No };
            }
            shared.counts.bytes_down += length as u64;
            if !turn.deaf {
                let _ = down.send(Parcel::Bytes(chunk[..length].to_vec(), Instant::now()));
                continue;
            }
            tail.extend_from_slice(&chunk[..length]);
            tail.drain(..tail.len().saturating_sub(6));
            // ReadyForQuery: the server has done what it was told, and says so to nobody.
            if tail.starts_with(b"Z\0\0\0\x05") {
                self.server.shut(Shutdown::Both);
            }
        }
    }

    fn write_server(mut self, parcels: &Receiver<Parcel>) {
        while let Ok(parcel) = parcels.recv() {
            match parcel {
                Parcel::Bytes(bytes, at) => {
                    self.wait_since(at);
                    if !self.server.write(&bytes) {
                        break;
                    }
                }
                Parcel::Cut => {
                    self.client.shut(Shutdown::Both);
                    break;
                }
                Parcel::Deafen => {
                    self.client.shut(Shutdown::Both);
                    return;
                }
            }
        }
        self.server.shut(Shutdown::Both);
    }

    fn write_client(mut self, parcels: &Receiver<Parcel>) {
        while let Ok(Parcel::Bytes(bytes, at)) = parcels.recv() {
            self.wait_since(at);
            if !self.client.write(&bytes) {
                break;
            }
        }
        self.client.shut(Shutdown::Both);
    }

    /// Waits until what was read at that moment may arrive.
    fn wait_since(&self, at: Instant) {
        let latency = self.shared.lock().expect("no panics").latency;
        thread::sleep((at + latency).saturating_duration_since(Instant::now()));
    }
}
