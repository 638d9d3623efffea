//! `kubepkg repo serve`, running; and requests to it, written by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The server, until it is dropped.
pub(crate) struct Serving {
    process: Child,
    /// The URL that it printed, with a slash at its end.
    pub(crate) url: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the value of a field; nothing if there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
    }
}

impl Serving {
    /// Starts it on a free port.
    pub(crate) fn start(place: &str, environment: &[(String, String)]) -> Self {
        let mut command = crate::program::command();
        command.envs(environment.to_vec()).args(["repo", "serve", place, "--listen", "127.0.0.1:0", "-qq"]);
        Self::of(&mut command)
    }

    /// Starts it as a command says.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let address = self.url.strip_prefix("http://").unwrap().trim_end_matches('/');
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        stream
    }

    /// Asks for a target, as it is written, with more fields.
    pub(crate) fn ask(&self, method: &str, target: &str, fields: &[&str]) -> Answer {
        let mut stream = self.connect();
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer") + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end..].to_vec() }
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    /// Sends a signal, and returns the code with which the server ends.
    pub(crate) fn end(&mut self, signal: Signal) -> i32 {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
