//! A cache in front of a repository, as a content delivery network has them: one that does what it is told, and one that
//! knows better.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// For how long a cache keeps an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// As long as `Cache-Control` says, with seconds of this length: nobody has a minute for `max-age=60`.
    AsTold(Duration),
    /// At least for this long, also where `no-cache` forbids it.
    AtLeast(Duration),
}

/// An answer of the origin, kept.
#[derive(Clone)]
struct Kept {
    answer: Arc<Answer>,
    until: Instant,
}

struct Answer {
    status: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

/// The cache, until it is dropped.
pub(crate) struct Cache {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
}

struct Shared {
    origin: String,
    address: String,
    keeps: Keeps,
    kept: Mutex<HashMap<String, Kept>>,
    /// What was asked for and is not there.
    missing: Mutex<Vec<String>>,
}

impl Cache {
    /// Starts one in front of `HOST:PORT`.
    pub(crate) fn start(origin: &str, keeps: Keeps) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (origin, address) = (origin.to_owned(), listener.local_addr().unwrap().to_string());
        let (kept, missing) = (Mutex::default(), Mutex::default());
        let cache = Self { shared: Arc::new(Shared { origin, address, keeps, kept, missing }), stop: Arc::default() };
        let (stop, shared) = (Arc::clone(&cache.stop), Arc::clone(&cache.shared));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away ends its connection and nothing else.
                thread::spawn(move || stream.and_then(|stream| shared.talk(&stream)));
            }
        });
        cache
    }

    pub(crate) fn address(&self) -> &str {
        &self.shared.address
    }

    /// Returns what was asked for since the last time and is not there.
    pub(crate) fn missing(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.missing.lock().unwrap())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address());
    }
}

impl Shared {
    /// Answers one request after the other, as they come.
    fn talk(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                match line.trim_end() {
                    "" => break,
                    line => head.push(line.to_owned()),
                }
            }
            let mut words = head[0].split(' ');
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let answer = self.get(target)?;
            let mut text = format!("HTTP/1.1 {}\r\nContent-Length: {}\r\n", answer.status, answer.body.len());
            for (name, value) in &answer.fields {
                text += &format!("{name}: {value}\r\n");
            }
            let mut bytes = (text + "\r\n").into_bytes();
            if method == "GET" {
                bytes.extend_from_slice(&answer.body);
            }
            stream.write_all(&bytes)?;
        }
    }

    fn get(&self, target: &str) -> std::io::Result<Arc<Answer>> {
        let kept = self.kept.lock().unwrap().get(target).cloned();
        if let Some(kept) = kept.filter(|kept| Instant::now() < kept.until) {
            return Ok(kept.answer);
        }
        // As with many caches, several requests for what is not kept are several requests to the origin.
        let asked = Instant::now();
        let mut answer = ask(&self.origin, target)?;
        if target.ends_with("/mirrorlist") {
            // A repository names the address by which its users know it, which is the cache's.
            answer.body = String::from_utf8_lossy(&answer.body).replace(&self.origin, &self.address).into_bytes();
        }
        let answer = Arc::new(answer);
        if answer.status.starts_with("200") {
            let kept = Kept { answer: Arc::clone(&answer), until: asked + self.lifetime(&answer) };
            self.kept.lock().unwrap().insert(target.to_owned(), kept);
        } else {
            self.missing.lock().unwrap().push(target.to_owned());
        }
        Ok(answer)
    }

    fn lifetime(&self, answer: &Answer) -> Duration {
        let told = answer.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
        let seconds = told.and_then(|(_, value)| {
            value.split(',').find_map(|word| word.trim().strip_prefix("max-age=")?.parse::<u32>().ok())
        });
        let seconds = seconds.unwrap_or_default();
        match self.keeps {
            Keeps::AsTold(second) => second * seconds,
            Keeps::AtLeast(least) => least.max(Duration::from_millis(25) * seconds),
        }
    }
}

/// Asks the origin, with a connection for each request.
fn ask(origin: &str, target: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(origin)?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let malformed = || std::io::Error::other("no answer");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(malformed)?;
    let body = bytes.split_off(end + 4);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).ok_or_else(malformed)?.to_owned();
    let fields = lines.filter_map(|line| line.split_once(": "));
    let kept = |name: &str| !["content-length", "connection"].contains(&name.to_lowercase().as_str());
    let fields = fields.filter(|(name, _)| kept(name));
    Ok(Answer { status, fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), body })
}
