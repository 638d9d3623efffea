//! A repository over HTTP, for a laptop or a lab: read-only, without TLS, and with no state of its own.
//!
//! What it serves is what any web server would serve of the same folder, but for symbolic links, hidden files and
//! unfinished ones, with the media types and cache times that objects in a bucket have.

mod answer;
mod patience;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, SystemTime};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};

use super::store::Store;
use patience::Patient;

/// What a server puts up with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more have to wait. Each takes two files of the process, of which it may have 1024 by default.
    pub connections: usize,
    /// Time for the head of a request, and for the pause before it.
    pub head: Duration,
    /// Time for which nothing of an answer is taken.
    pub stall: Duration,
    /// Time for answers that are under way when the server stops.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 400,
            head: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            farewell: Duration::from_secs(5),
        }
    }
}

/// Bytes that the head of a request may have.
const MAX_HEAD: usize = 16 << 10;
/// Fields that it may have.
const MAX_FIELDS: usize = 64;
/// The wait after a connection could not be accepted: the process has no more files.
const BREATH: Duration = Duration::from_millis(100);

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The method.
    pub method: String,
    /// The path as the client wrote it.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    store: Store,
    listener: TcpListener,
    limits: Limits,
    stop: watch::Sender<bool>,
    done: mpsc::Sender<()>,
    ended: Arc<Mutex<mpsc::Receiver<()>>>,
}

/// Stops a server from another thread.
pub struct Stopper {
    stop: watch::Sender<bool>,
    ended: Arc<Mutex<mpsc::Receiver<()>>>,
    patience: Duration,
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopper").finish_non_exhaustive()
    }
}

impl Stopper {
    /// Stops the server, and waits until it has ended the answers that are under way, or their time is over.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(self.patience);
    }
}

impl Server {
    /// Begins to listen.
    pub fn bind(store: Store, address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let (done, ended) = mpsc::channel();
        Ok(Self { store, listener, limits, stop: watch::Sender::new(false), done, ended: Arc::new(Mutex::new(ended)) })
    }

    /// Returns the address, with the port that was chosen if the one asked for was 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns what stops it.
    pub fn stopper(&self) -> Stopper {
        let patience = self.limits.farewell + BREATH;
        Stopper { stop: self.stop.clone(), ended: Arc::clone(&self.ended), patience }
    }

    /// Answers until it is stopped; `clock` says what time it is, and `report` hears of every answer.
    pub fn run(
        self,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
        report: impl Fn(Served) + Send + Sync + 'static,
    ) -> io::Result<()> {
        let runtime = Builder::new_multi_thread().thread_name("kubepkg-serve").enable_all().build()?;
        let Self { store, listener, limits, stop, done, .. } = self;
        let service = Arc::new(Service { store, clock: Box::new(clock), report: Box::new(report) });
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            accept(&listener, &service, limits, stop.subscribe()).await;
            Ok::<_, io::Error>(())
        })?;
        let _ = done.send(());
        // A store has a runtime of its own, which must not end inside of this one.
        runtime.shutdown_timeout(BREATH);
        Ok(())
    }
}

struct Service {
    store: Store,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    report: Box<dyn Fn(Served) + Send + Sync>,
}

async fn accept(
    listener: &tokio::net::TcpListener,
    service: &Arc<Service>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let connection = graceful.watch(connection(stream, Arc::clone(service), limits));
        tokio::spawn(async move {
            // A client that goes away ends its connection and nothing else.
            let _ = connection.await;
            drop(place);
        });
    }
    let _ = tokio::time::timeout(limits.farewell, graceful.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    service: Arc<Service>,
    limits: Limits,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move {
            let answer = answer::answer(&service.store, &request, (service.clock)()).await;
            let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
            (service.report)(Served { method, path, status: answer.status().as_u16() });
            Ok::<_, Infallible>(answer)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.stall)), answer)
}
