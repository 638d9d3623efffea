//! A loopback HTTP server that does what it is told, also what no server should do. One request a connection.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One step of an answer. After the last one the connection is closed in good order.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Waits a little.
    Pause(Duration),
    /// Says nothing more until the client leaves.
    Stall,
    /// Closes the connection with a reset (RST), as a crashing server or a firewall does.
    Reset,
}

/// What a client asked for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The request line and the headers.
    pub(crate) head: String,
    /// Which request of its target it is, from 0.
    pub(crate) count: usize,
}

impl Request {
    /// Returns the target as the client wrote it.
    pub(crate) fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

type Script = dyn Fn(&Request) -> Vec<Act> + Send + Sync;

/// The server, until it is dropped.
pub(crate) struct FaultServer {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
    stop: Arc<AtomicBool>,
    listening: Option<thread::JoinHandle<()>>,
}

impl FaultServer {
    /// Serves what `script` answers.
    pub(crate) fn start(script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::listen("http", None, Arc::new(script))
    }

    /// Serves over TLS with a certificate.
    pub(crate) fn start_tls(
        certificate: &Certificate,
        script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        Self::listen("https", Some(Arc::clone(&certificate.config)), Arc::new(script))
    }

    fn listen(scheme: &'static str, tls: Option<Arc<ServerConfig>>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            scheme,
            requests: Arc::default(),
            connections: Arc::default(),
            stop: Arc::default(),
            listening: None,
        };
        let (requests, connections) = (Arc::clone(&server.requests), Arc::clone(&server.connections));
        let stop = Arc::clone(&server.stop);
        server.listening = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (script, requests, tls) = (Arc::clone(&script), Arc::clone(&requests), tls.clone());
                *connections.lock().unwrap() += 1;
                // A client that goes away ends its connection and nothing else.
                thread::spawn(move || {
                    let stream = stream?;
                    match tls {
                        Some(config) => serve_tls(stream, config, &*script, &requests),
                        None => serve_plain(stream, &*script, &requests),
                    }
                });
            }
        }));
        server
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Returns all requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns how many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        // From then on nobody listens.
        let _ = self.listening.take().map(thread::JoinHandle::join);
    }
}

fn note(head: String, requests: &Mutex<Vec<Request>>) -> Request {
    let mut request = Request { head, count: 0 };
    let mut requests = requests.lock().unwrap();
    request.count = requests.iter().filter(|earlier| earlier.target() == request.target()).count();
    requests.push(request.clone());
    request
}

/// Leaves the last byte of the request unread, because the kernel resets a connection that is closed so.
fn serve_plain(mut stream: TcpStream, script: &Script, requests: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let length = loop {
        let seen = stream.peek(&mut buffer)?;
        match end_of_head(&buffer[..seen]) {
            Some(length) => break length,
            None if seen == 0 => return Ok(()),
            None => thread::yield_now(),
        }
    };
    stream.read_exact(&mut buffer[..length - 1])?;
    let request = note(String::from_utf8_lossy(&buffer[..length - 1]).into_owned(), requests);
    for act in script(&request) {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes)?,
            Act::Pause(time) => thread::sleep(time),
            Act::Stall => drain(&mut stream)?,
            Act::Reset => return Ok(()),
        }
    }
    stream.shutdown(Shutdown::Write)?;
    drain(&mut stream)
}

fn serve_tls(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    script: &Script,
    requests: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    while end_of_head(&head).is_none() {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let request = note(String::from_utf8_lossy(&head).into_owned(), requests);
    for act in script(&request) {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes)?,
            other => panic!("not done over TLS: {other:?}"),
        }
    }
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(Shutdown::Write)?;
    drain(&mut stream.sock)
}

fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|start| start + 4)
}

/// Returns the begin of an answer.
pub(crate) fn head(status: &str, headers: &[&str]) -> Act {
    let fields: String = headers.iter().flat_map(|field| [*field, "\r\n"]).collect();
    Act::Send(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{fields}\r\n").into_bytes())
}

/// Returns an answer without a body.
pub(crate) fn status(status: &str, headers: &[&str]) -> Vec<Act> {
    vec![head(status, &[headers, &["Content-Length: 0"]].concat())]
}

/// Returns a whole and honest answer.
pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Vec<Act> {
    ok_with(&[], body)
}

/// Returns a whole answer with more headers.
pub(crate) fn ok_with(headers: &[&str], body: impl Into<Vec<u8>>) -> Vec<Act> {
    let body = body.into();
    let length = format!("Content-Length: {}", body.len());
    vec![head("200 OK", &[headers, &[length.as_str()]].concat()), Act::Send(body)]
}

/// Returns the rest of `body` from `start`, as an honest server sends it.
pub(crate) fn part(headers: &[&str], body: &[u8], start: usize) -> Vec<Act> {
    let range = format!("Content-Range: bytes {start}-{}/{}", body.len() - 1, body.len());
    let length = format!("Content-Length: {}", body.len() - start);
    let head = head("206 Partial Content", &[headers, &[range.as_str(), length.as_str()]].concat());
    vec![head, Act::Send(body[start..].to_vec())]
}

/// Returns the first `kept` bytes, if there are so many, of an answer that announces all of `body`.
pub(crate) fn cut(headers: &[&str], body: &[u8], kept: usize) -> Vec<Act> {
    let mut acts = ok_with(headers, body);
    acts[1] = Act::Send(body[..kept.min(body.len())].to_vec());
    acts
}

/// Returns the answer of a server that has `files`, by target.
pub(crate) fn serve(files: &HashMap<String, Vec<u8>>, request: &Request) -> Vec<Act> {
    files.get(request.target()).map_or_else(|| status("404 Not Found", &[]), |body| ok(body.clone()))
}

/// A server's certificate, and the authority that signed it.
pub(crate) struct Certificate {
    config: Arc<ServerConfig>,
    /// The authority as PEM.
    pub(crate) authority: String,
}

impl Certificate {
    /// Makes an authority and a certificate for `name`, which is valid until `last_year`.
    pub(crate) fn new(name: &str, last_year: i32) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self { config: Arc::new(config), authority }
    }
}
