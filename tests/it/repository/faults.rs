//! A bucket that fails in the middle of a publication, at each of its requests: the error is clear, clients see what they
//! saw, and the next run completes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
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
enum Fault {
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

/// What stands before a bucket and fails at one request.
struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    origin: String,
    count: AtomicUsize,
    fault: Mutex<Option<(usize, Fault)>>,
    stop: AtomicBool,
}

impl Proxy {
    fn start(origin: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            origin: origin.to_owned(),
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
    fn fail_at(&self, number: usize, fault: Fault) {
        self.shared.count.store(0, Ordering::SeqCst);
        *self.shared.fault.lock().unwrap() = Some((number, fault));
    }

    /// Has no more faults, and returns how many requests there were.
    fn end(&self) -> usize {
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

/// Which faults are tried at a request: all of them, or now and then one, so that each comes up.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by hand")]
fn faults(number: usize) -> Vec<Fault> {
    const STEP: usize = 9;
    match std::env::var("KUBEPKG_TEST_KILLS") {
        Ok(_) => FAULTS.to_vec(),
        Err(_) if number.is_multiple_of(STEP) => vec![FAULTS[number / STEP % FAULTS.len()]],
        Err(_) => Vec::new(),
    }
}

#[test]
fn a_bucket_may_fail_at_any_request() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address);
    let through = |mut command: Command| {
        let patience = [("KUBEPKG_STORE_TIMEOUT", "1"), ("KUBEPKG_STORE_RETRIES", "1")];
        command.envs(patience).env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
        command
    };
    let packages = Made::get().packages("1.36.2", &["kubectl", "amd64.deb"]);
    let packages = [packages, Made::get().packages("1.36.2", &["kubectl", "x86_64.rpm"])].concat();
    let start = |prefix: &str| {
        let rig = Rig::in_bucket(&server, prefix);
        let reader = Reader::of(&rig);
        done(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.1", &["kubectl"])));
        (rig, reader)
    };
    let (rig, reader) = start("counted");
    let before = reader.everything();
    proxy.end();
    // Nothing fails yet, and nobody knows how fast the machine is.
    done(through(rig.publish("stable/v1.36", &packages)).env_remove("KUBEPKG_STORE_TIMEOUT"));
    let requests = proxy.end();
    let after = reader.everything();
    assert!(requests > 30 && after.len() == before.len() + 2, "{requests}");
    let (mut failed, mut landed) = (0, 0);
    for number in 0..requests {
        for fault in faults(number) {
            let what = format!("{fault:?} at {number} of {requests}");
            let (rig, reader) = start(&format!("{number}-{fault:?}"));
            proxy.fail_at(number, fault);
            let ran = run(&mut through(rig.publish("stable/v1.36", &packages)));
            proxy.end();
            let seen = reader.everything();
            match ran.code {
                0 => {
                    assert_eq!(seen, after, "{what}");
                    landed += 1;
                }
                7 => {
                    // Debs and RPMs have no client in common.
                    for is_rpm in [false, true] {
                        let of = |seen: &[String]| -> Vec<String> {
                            seen.iter().filter(|name| name.ends_with(".rpm") == is_rpm).cloned().collect()
                        };
                        assert!([of(&before), of(&after)].contains(&of(&seen)), "{what}: {seen:?}");
                    }
                    assert!(ran.stderr.contains("s3://packages/"), "{what}: {}", ran.stderr);
                    failed += 1;
                }
                code => panic!("{what}: {code}: {}", ran.stderr),
            }
            done(&mut rig.publish("stable/v1.36", &packages));
            rig.assert_whole();
            assert_eq!(reader.everything(), after, "{what}");
        }
    }
    eprintln!("{requests} requests: {failed} runs failed, {landed} landed");
    assert!(failed > 0 && landed > 0);
}
