//! What stands before a bucket and writes down what it is asked for.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::faults::{forward, read};

/// A request to the bucket `packages`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    /// `GET`, `HEAD`, `PUT`, `COPY`, `LIST` or another one; `OFFER` is a `PUT` of what was there.
    pub(crate) what: String,
    /// The name of the object.
    pub(crate) key: String,
}

impl Asked {
    fn parse(request: &[u8], answer: &[u8]) -> Self {
        let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&request[..end]);
        let mut lines = head.lines();
        let mut words = lines.next().unwrap().split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_copy = lines.any(|line| line.to_lowercase().starts_with("x-amz-copy-source:"));
        let what = match (method, is_copy) {
            ("PUT", true) => "COPY",
            ("PUT", false) if answer.starts_with(b"HTTP/1.1 412") => "OFFER",
            ("GET", _) if query.contains("list-type") => "LIST",
            (method, _) => method,
        };
        let key = path.strip_prefix("/packages").unwrap_or(path).trim_start_matches('/');
        // What `object_store` escapes of the characters that names of packages have.
        let key = [("%3A", ":"), ("%2B", "+"), ("%7E", "~")]
            .iter()
            .fold(key.to_owned(), |key, (code, c)| key.replace(code, c));
        Self { what: what.to_owned(), key }
    }
}

/// The meter, until it is dropped.
pub(crate) struct Meter {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
}

impl Meter {
    /// Starts one in front of `HOST:PORT`.
    pub(crate) fn start(origin: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let meter = Self { address, asked: Arc::default(), stop: Arc::default() };
        let (origin, asked, stop) = (origin.to_owned(), Arc::clone(&meter.asked), Arc::clone(&meter.stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (origin, asked) = (origin.clone(), Arc::clone(&asked));
                thread::spawn(move || {
                    let mut stream = stream?;
                    let request = read(&stream)?;
                    let answer = forward(&origin, &request)?;
                    asked.lock().unwrap().push(Asked::parse(&request, &answer));
                    stream.write_all(&answer)?;
                    stream.shutdown(Shutdown::Write)
                });
            }
        });
        meter
    }

    /// The variable that leads a program here.
    pub(crate) fn environment(&self) -> (String, String) {
        ("AWS_ENDPOINT_URL".to_owned(), format!("http://{}", self.address))
    }

    /// Returns what was asked for since the last time.
    pub(crate) fn read(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}
