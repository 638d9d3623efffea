//! A bucket that fails in the middle of a publication, at each of its requests: the error is clear, clients see what they
//! saw, and the next run completes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::reader::Reader;
use super::rig::{Made, Rig};
use super::s3::Server;
use crate::program::{done, run};

/// What a bucket does in place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has other credentials by now.
    Denied,
    /// It says that somebody else was first, and nobody was.
    Precondition,
    /// From then on it has no time.
    Busy,
    /// From then on it is not there.
    Gone,
    /// It does what it was asked for, and the answer is lost.
    Lost,
    /// It says nothing, once.
    Silent,
}

const FAULTS: [Fault; 6] = [Fault::Denied, Fault::Precondition, Fault::Busy, Fault::Gone, Fault::Lost, Fault::Silent];

/// Which requests are counted: others are never failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    All,
    Writes,
}

/// What stands before a bucket and fails at one request.
pub(super) struct Proxy {
    pub(super) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    origin: String,
    counted: Counted,
    count: AtomicUsize,
    fault: Mutex<Option<(usize, Fault)>>,
    stop: AtomicBool,
}

impl Proxy {
    pub(super) fn start(origin: &str, counted: Counted) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            origin: origin.to_owned(),
            counted,
            count: AtomicUsize::new(0),
            fault: Mutex::new(None),
            stop: AtomicBool::new(false),
        });
        let proxy = Self { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || stream.and_then(|stream| shared.serve(&stream)));
            }
        });
        proxy
    }

    /// Fails at the request with this number, from 0, and counts anew.
    pub(super) fn fail_at(&self, number: usize, fault: Fault) {
        self.shared.count.store(0, Ordering::SeqCst);
        *self.shared.fault.lock().unwrap() = Some((number, fault));
    }

    /// Has no more faults, and returns how many requests there were.
    pub(super) fn end(&self) -> usize {
        *self.shared.fault.lock().unwrap() = None;
        self.shared.count.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    /// One request a connection.
    fn serve(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let request = read(stream)?;
        if self.counted == Counted::Writes && !request.starts_with(b"PUT ") {
            stream.write_all(&self.forward(&request)?)?;
            return stream.shutdown(Shutdown::Write);
        }
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().unwrap().filter(|(at, fault)| match fault {
            Fault::Busy | Fault::Gone => number >= *at,
            _ => number == *at,
        });
        let status = |status: &str, code: &str| {
            let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>");
            let length = body.len();
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
        };
        let answer = match fault.map(|(_, fault)| fault) {
            None => self.forward(&request)?,
            Some(Fault::Denied) => status("403 Forbidden", "AccessDenied"),
            Some(Fault::Precondition) => status("412 Precondition Failed", "PreconditionFailed"),
            Some(Fault::Busy) => status("503 Slow Down", "SlowDown"),
            Some(Fault::Gone) => return stream.shutdown(Shutdown::Both),
            Some(Fault::Lost) => {
                self.forward(&request)?;
                return stream.shutdown(Shutdown::Both);
            }
            Some(Fault::Silent) => {
                let mut rest = Vec::new();
                return stream.read_to_end(&mut rest).map(drop);
            }
        };
        stream.write_all(&answer)?;
        stream.shutdown(Shutdown::Write)
    }

    fn forward(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        forward(&self.origin, request)
    }
}

/// Sends a request on, and returns the whole answer.
pub(super) fn forward(origin: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut origin = TcpStream::connect(origin)?;
    origin.write_all(request)?;
    let mut answer = Vec::new();
    origin.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Reads a request with its body, and asks for an end of the connection after it.
pub(super) fn read(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(std::io::Error::other)?,
            "connection" => continue,
            _ => {}
        }
        if line.trim().is_empty() {
            head += "Connection: close\r\n\r\n";
            break;
        }
        head += &line;
    }
    let mut bytes = head.into_bytes();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    bytes.extend(body);
    Ok(bytes)
}

/// Whether a kind of fault is tried at a request: now and then one, so that each kind comes up, or every one.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by hand")]
fn is_tried(kind: usize, number: usize) -> bool {
    const STEP: usize = 9;
    let is_next = number.is_multiple_of(STEP) && number / STEP % FAULTS.len() == kind;
    is_next || std::env::var_os("KUBEPKG_TEST_KILLS").is_some()
}

/// A repository in a bucket that shows one release, and what is published to it.
struct Case {
    rig: Rig,
    reader: Reader,
    packages: Vec<PathBuf>,
}

impl Case {
    fn new(server: &Server, prefix: &str) -> Self {
        let rig = Rig::in_bucket(server, prefix);
        let reader = Reader::of(&rig);
        done(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"])));
        let packages = ["amd64.deb", "x86_64.rpm"].map(|end| Made::get().packages("1.36.2", &["kubectl", end]));
        Self { rig, reader, packages: packages.concat() }
    }

    fn publish(&self) -> Command {
        self.rig.publish("stable/v1.36", &self.packages)
    }

    fn publish_through(&self, proxy: &Proxy) -> Command {
        let mut command = self.publish();
        command.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
        command
    }
}

/// A publication without a fault.
struct Whole {
    requests: usize,
    before: Vec<String>,
    after: Vec<String>,
}

impl Whole {
    fn see(server: &Server) -> Self {
        let (case, proxy) = (Case::new(server, "counted"), Proxy::start(&server.address, Counted::All));
        let before = case.reader.everything();
        proxy.end();
        done(&mut case.publish_through(&proxy));
        let whole = Self { requests: proxy.end(), before, after: case.reader.everything() };
        assert!(whole.requests > 30 && whole.after.len() == whole.before.len() + 2, "{}", whole.requests);
        whole
    }

    /// Has one request fail, and returns whether the publication landed.
    fn fail_at(&self, server: &Server, proxy: &Proxy, number: usize, fault: Fault) -> bool {
        let what = format!("{fault:?} at {number} of {}", self.requests);
        let case = Case::new(server, &format!("{number}-{fault:?}"));
        proxy.fail_at(number, fault);
        let patience = [("KUBEPKG_STORE_TIMEOUT", "5"), ("KUBEPKG_STORE_RETRIES", "1")];
        let ran = run(case.publish_through(proxy).envs(patience));
        proxy.end();
        let seen = case.reader.everything();
        match ran.code {
            0 => assert_eq!(seen, self.after, "{what}"),
            7 => {
                // Debs and RPMs have no client in common.
                for is_rpm in [false, true] {
                    let of = |seen: &[String]| -> Vec<String> {
                        seen.iter().filter(|name| name.ends_with(".rpm") == is_rpm).cloned().collect()
                    };
                    assert!([of(&self.before), of(&self.after)].contains(&of(&seen)), "{what}: {seen:?}");
                }
                assert!(ran.stderr.contains("s3://packages/"), "{what}: {}", ran.stderr);
            }
            code => panic!("{what}: {code}: {}", ran.stderr),
        }
        done(&mut case.publish());
        case.rig.assert_whole();
        assert_eq!(case.reader.everything(), self.after, "{what}");
        ran.code == 0
    }
}

#[test]
fn a_bucket_may_fail_at_any_request() {
    let server = Server::start();
    let whole = Whole::see(&server);
    let landed: Vec<bool> = thread::scope(|scope| {
        let (server, whole) = (&server, &whole);
        let one = |(kind, fault)| {
            scope.spawn(move || {
                let proxy = Proxy::start(&server.address, Counted::All);
                let numbers = (0..whole.requests).filter(|number| is_tried(kind, *number));
                let landed: Vec<bool> = numbers.map(|number| whole.fail_at(server, &proxy, number, fault)).collect();
                let count = landed.iter().filter(|landed| **landed).count();
                eprintln!("{fault:?}: {count} of {} publications landed", landed.len());
                landed
            })
        };
        let runs: Vec<_> = FAULTS.into_iter().enumerate().map(one).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    eprintln!("{} requests", whole.requests);
    assert!(landed.contains(&true) && landed.contains(&false), "{landed:?}");
}
