//! An S3-compatible server on the loopback: moto, which honours conditional requests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use kubepkg::repository::store::{Location, Store, StoreOptions};

const MOTO: &str = "moto[server]==5.2.1";
const START: Duration = Duration::from_secs(120);

/// The server, until it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts it with the bucket `packages`.
    pub(crate) fn start() -> Self {
        // The port is free until somebody takes it; another server that does makes the test fail and nothing else.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let process = Command::new(python())
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, address };
        let begin = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            assert!(begin.elapsed() < START, "moto does not start");
            thread::sleep(Duration::from_millis(50));
        }
        assert!(server.ask("PUT", "/packages").starts_with("HTTP/1.1 200"), "no bucket");
        server
    }

    /// Lets everybody read, as the bucket of a public repository does: over plain HTTP and without a signature.
    pub(crate) fn open_to_everybody(&self) {
        // S3 itself takes a HEAD for a GET, and knows no action of this name.
        let policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\
                      \"Action\":[\"s3:GetObject\",\"s3:HeadObject\"],\"Resource\":\"arn:aws:s3:::packages/*\"}]}";
        assert!(self.send("PUT", "/packages?policy", policy).starts_with("HTTP/1.1 20"), "no policy");
    }

    /// The URL of a prefix, for those who only read.
    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("http://{}/packages/{prefix}", self.address)
    }

    /// What a program that publishes needs in its environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test-secret".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Returns the store below a prefix of the bucket.
    pub(crate) fn store(&self, prefix: &str) -> Store {
        let location: Location = format!("s3://packages/{prefix}").parse().unwrap();
        Store::new(&location, &StoreOptions { environment: self.environment(), ..StoreOptions::default() }).unwrap()
    }

    /// Sends a request without a body and returns the answer.
    pub(crate) fn ask(&self, method: &str, path: &str) -> String {
        self.send(method, path, "")
    }

    fn send(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // moto looks at who asks and takes any signature.
        let scope = "Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: AWS4-HMAC-SHA256 {scope}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a Python that has moto: the system's, or one of our own, which is made once.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        if has_moto(Path::new("python3")) {
            return PathBuf::from("python3");
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto");
        let own = folder.join("bin/python3");
        let lock = fs_err::File::create(folder.with_extension("lock")).unwrap();
        lock.into_parts().0.lock().unwrap();
        if !has_moto(&own) {
            let run = |program: &Path, arguments: &[&str]| {
                assert!(Command::new(program).args(arguments).status().unwrap().success(), "{arguments:?}");
            };
            run(Path::new("python3"), &["-m", "venv", "--clear", folder.to_str().unwrap()]);
            run(&own, &["-m", "pip", "install", "--quiet", MOTO]);
        }
        own
    })
}

fn has_moto(python: &Path) -> bool {
    let output = Command::new(python).args(["-c", "import moto.server, flask"]).output();
    output.is_ok_and(|output| output.status.success())
}
