//! A TCP proxy whose link can fail: what a network does to two programs that are both alive. Knows
//! nothing of what passes through it.

use socket2::SockRef;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How the link is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// Bytes pass at once.
    Up,
    /// Nobody is there: connections are reset, new ones as soon as they are made.
    Down,
    /// No byte passes, neither way; what was sent arrives when the link is up again.
    Partition,
    /// One byte a second, each way.
    Slow,
    /// Bytes arrive so much later.
    Delay(Duration),
    /// A connection is reset when something was read from its client, which the server never sees.
    ResetRequest,
    /// A connection is reset when the server has answered, which the client never sees.
    ResetAnswer,
}

/// A proxy before one server, or before several that take connections in turn; runs until the
/// test's process ends.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

/// Where connections go, asked anew for each.
type Servers = Box<dyn Fn() -> Vec<SocketAddr> + Send + Sync>;

struct Shared {
    servers: Servers,
    link: Mutex<Link>,
    connections: Mutex<Vec<Arc<Connection>>>,
    resets: AtomicUsize,
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// Reads that pass before a reset: another number for each connection, so that resets meet
    /// every stage of what is spoken.
    passing: AtomicUsize,
    /// Both ends keep the connection, and nothing passes any more.
    forgotten: AtomicBool,
    reset: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    ToServer,
    ToClient,
}

/// How often a direction in which nothing comes looks at the link.
const TURN: Duration = Duration::from_millis(10);
/// Handshake and first transaction of Postgres are about so many reads.
const PASSING_MAX: usize = 24;

// === impl Proxy ===

impl Proxy {
    /// Listens at `address`, where port 0 takes a free one.
    pub fn start(address: SocketAddr, servers: Servers) -> (Proxy, SocketAddr) {
        let listener = TcpListener::bind(address).expect("the proxy's address is free");
        let address = listener.local_addr().expect("an address");
        let (link, connections) = (Mutex::new(Link::Up), Mutex::default());
        let shared = Arc::new(Shared { servers, link, connections, resets: AtomicUsize::new(0) });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for (index, client) in listener.incoming().flatten().enumerate() {
                accepting.take(index, client);
            }
        });
        (Proxy { shared }, address)
    }

    /// The link is like this from now on.
    pub fn set(&self, link: Link) {
        *self.shared.link() = link;
        if link == Link::Down {
            self.shared.connections().drain(..).for_each(|one| one.reset(&self.shared));
        }
    }

    /// Forgets the connections that are there, as a firewall does: both ends keep them, and hear
    /// nothing more on them. New ones work.
    pub fn forget(&self) {
        for one in self.shared.connections().iter() {
            one.forgotten.store(true, Ordering::Relaxed);
        }
    }

    /// How many connections were reset so far.
    pub fn resets(&self) -> usize {
        self.shared.resets.load(Ordering::Relaxed)
    }
}

// === impl Shared ===

impl Shared {
    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, index: usize, client: TcpStream) {
        let mut servers = (self.servers)();
        if !servers.is_empty() {
            let first = index % servers.len();
            servers.rotate_left(first);
        }
        let server = match *self.link() {
            Link::Down => None,
            _ => servers.iter().find_map(|address| TcpStream::connect(address).ok()),
        };
        let Some(server) = server else {
            self.resets.fetch_add(1, Ordering::Relaxed);
            let _ = SockRef::from(&client).set_linger(Some(Duration::ZERO));
            return;
        };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
            let _ = stream.set_read_timeout(Some(TURN));
        }
        let (passing, forgotten) = (AtomicUsize::new(index % PASSING_MAX), AtomicBool::new(false));
        let reset = AtomicBool::new(false);
        let connection = Arc::new(Connection { client, server, passing, forgotten, reset });
        self.connections().push(Arc::clone(&connection));
        for way in [Way::ToServer, Way::ToClient] {
            let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
            std::thread::spawn(move || {
                shared.pass(&connection, way);
                // The last handle closes both sockets.
                shared.connections().retain(|one| !Arc::ptr_eq(one, &connection));
            });
        }
    }

    /// Carries one direction until its end has come and everything before it was passed on.
    fn pass(&self, connection: &Connection, way: Way) {
        let (mut from, mut to) = match way {
            Way::ToServer => (&connection.client, &connection.server),
            Way::ToClient => (&connection.server, &connection.client),
        };
        let mut buffer = vec![0; 64 << 10];
        let mut waiting = VecDeque::new();
        let mut open = true;
        while !connection.reset.load(Ordering::Relaxed) {
            if !open {
                std::thread::park_timeout(TURN);
            } else {
                match from.read(&mut buffer) {
                    Ok(0) => open = false,
                    Ok(size) => waiting.extend(buffer[..size].iter().map(|b| (Instant::now(), *b))),
                    Err(error) if is_silence(error.kind()) => {}
                    Err(_) => open = false,
                }
            }
            if connection.forgotten.load(Ordering::Relaxed) {
                waiting.clear();
                continue;
            }
            let link = *self.link();
            if resets(link, way) && !waiting.is_empty() && connection.is_due() {
                return connection.reset(self);
            }
            let due: Vec<u8> = waiting.drain(..passing(link, &waiting)).map(|(_, b)| b).collect();
            if to.write_all(&due).is_err() {
                return connection.close();
            }
            if link == Link::Slow && !due.is_empty() {
                self.wait_a_second();
            }
            if !open && waiting.is_empty() && link != Link::Partition {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    /// Waits for a second, or until the link is no longer slow.
    fn wait_a_second(&self) {
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until && *self.link() == Link::Slow {
            std::thread::park_timeout(TURN);
        }
    }
}

// === impl Connection ===

impl Connection {
    fn is_due(&self) -> bool {
        let left = self.passing.load(Ordering::Relaxed);
        self.passing.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    }

    /// Both directions end, and the last to go closes the sockets, which sends RST instead of FIN.
    fn reset(&self, shared: &Shared) {
        shared.resets.fetch_add(1, Ordering::Relaxed);
        for stream in [&self.client, &self.server] {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
        self.reset.store(true, Ordering::Relaxed);
    }

    fn close(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

fn is_silence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn resets(link: Link, way: Way) -> bool {
    matches!((link, way), (Link::ResetRequest, Way::ToServer) | (Link::ResetAnswer, Way::ToClient))
}

/// How many of the waiting bytes may go on now.
fn passing(link: Link, waiting: &VecDeque<(Instant, u8)>) -> usize {
    match link {
        Link::Up | Link::Down | Link::ResetRequest | Link::ResetAnswer => waiting.len(),
        Link::Partition => 0,
        Link::Slow => waiting.len().min(1),
        Link::Delay(delay) => {
            waiting.iter().take_while(|(came, _)| came.elapsed() >= delay).count()
        }
    }
}
