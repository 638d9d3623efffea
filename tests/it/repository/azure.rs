//! A repository in Azure Blob Storage, as Azurite plays it: another protocol, and the same promises.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use kubepkg::repository::store::{Cause, Content, Key, Location, Store, StoreError, StoreOptions, Swap};
use tempfile::TempDir;

use super::rig::{Made, Rig};
use crate::program::{done, run};

const AZURITE: &str = "azurite@3.35.0";
const START: Duration = Duration::from_secs(120);
/// What Azurite ships with and everybody knows.
const ACCOUNT: [&str; 2] =
    ["devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="];
/// Sends a request without a body, signed with the account's key, and prints the fields of the answer.
const ASK: &str = r#"
import base64, email.utils, hashlib, hmac, sys, urllib.request
method, base, path, query, account, key = sys.argv[1:]
fields = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
text = method + "\n" * 12 + "".join(f"{name}:{value}\n" for name, value in sorted(fields.items()))
text += f"/{account}/{account}/{path}" + "".join("\n" + pair.replace("=", ":") for pair in query.split("&") if pair)
digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
fields["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
request = urllib.request.Request(f"{base}/{path}?{query}", method=method, headers=fields)
print(urllib.request.urlopen(request).headers)
"#;

/// The server, until it is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
    _data: TempDir,
}

impl Server {
    /// Starts it with the container `packages`.
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = tempfile::tempdir().unwrap();
        let mut azurite = Command::new("node");
        azurite.arg(program()).args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        azurite.args(["--skipApiVersionCheck", "--silent", "--disableTelemetry", "--location"]).arg(data.path());
        let process = azurite.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { process, address: format!("127.0.0.1:{port}"), _data: data };
        let begin = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            assert!(begin.elapsed() < START, "azurite does not start");
            thread::sleep(Duration::from_millis(50));
        }
        server.ask("PUT", "packages", "restype=container");
        server
    }

    fn endpoint(&self) -> String {
        format!("http://{}/{}", self.address, ACCOUNT[0])
    }

    /// What a program that publishes needs in its environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AZURE_STORAGE_ENDPOINT", self.endpoint()),
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT[0].to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT[1].to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Returns the fields of an answer.
    fn ask(&self, method: &str, path: &str, query: &str) -> String {
        let arguments = ["-c", ASK, method, &self.endpoint(), path, query];
        crate::program::tool("python3", arguments.iter().chain(&ACCOUNT)).to_lowercase()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the program, which is installed once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("azurite");
        fs_err::create_dir_all(&folder).unwrap();
        let lock = fs_err::File::create(folder.with_extension("lock")).unwrap();
        lock.into_parts().0.lock().unwrap();
        let program = folder.join("node_modules/azurite/dist/src/blob/main.js");
        if !program.exists() {
            let options = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
            let output = Command::new("npm").args(options).arg(&folder).arg(AZURITE).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        program
    })
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

#[test]
fn a_container_keeps_what_a_bucket_keeps() {
    let server = Server::start();
    let store = |container: &str| {
        let options = StoreOptions { environment: server.environment(), retries: 0, ..StoreOptions::default() };
        let location: Location = format!("az://{container}/repository").parse().unwrap();
        Store::new(&location, &options).unwrap()
    };
    let packages = store("packages");
    conditions(&packages);
    headers(&server, &packages);
    let elsewhere = store("elsewhere");
    let is_missing = |error: StoreError| matches!(error.cause, Cause::Missing(_));
    assert!(is_missing(elsewhere.get(&key("file"), 10).unwrap_err()), "no container, and no empty one");
    assert!(elsewhere.swap(&key("file"), b"x", None).is_err_and(is_missing));
    assert!(elsewhere.create(&[(key("file"), Content::Bytes(b"x"))]).is_err_and(is_missing));

    let rig = Rig::in_container(&server, "kubernetes");
    rig.publish_release("stable/v1.36", "1.36.1");
    at_once(&rig);
    rig.assert_whole();
    assert_eq!(rig.publish_release("stable/v1.36", "1.36.2"), "");
    rig.done("promote stable/v1.36 staging/v1.36");
    rig.done("repo refresh stable/v1.36");
    assert_eq!(rig.done("repo rollback stable/v1.36 --to 1").lines().filter(|line| line.starts_with('-')).count(), 12);
    let count = || rig.store().list("").unwrap().len();
    let before = count();
    for _ in 0..2 {
        done(&mut rig.without_key("repo gc --grace 0 --wait 0 --delete"));
    }
    assert!(count() < before - 10, "nothing is deleted");
    assert_eq!(done(&mut rig.without_key("repo repair")), "");
    rig.assert_whole();
}

/// What is written once stays, and of two that swap one loses.
fn conditions(store: &Store) {
    let (once, head) = (key("pool/once.deb"), key(".kubepkg/head/rolling.json"));
    assert_eq!(store.create(&[(once.clone(), Content::Bytes(b"bytes"))]).unwrap(), 1);
    assert_eq!(store.create(&[(once.clone(), Content::Bytes(b"bytes"))]).unwrap(), 0);
    let error = store.create(&[(once.clone(), Content::Bytes(b"other"))]).unwrap_err();
    assert!(matches!(error.cause, Cause::OtherBytes), "{error:?}");
    let Swap::Done(first) = store.swap(&head, b"1", None).unwrap() else { panic!("somebody was first") };
    assert_eq!(store.swap(&head, b"2", None).unwrap(), Swap::Lost);
    assert!(matches!(store.swap(&head, b"2", Some(&first)).unwrap(), Swap::Done(_)));
    assert_eq!(store.swap(&head, b"3", Some(&first)).unwrap(), Swap::Lost);
    assert_eq!(store.get(&head, 10).unwrap().unwrap().bytes, b"2");
    store.link(&[(once, key("core:/rolling:/deb/amd64/once~1+2.deb"))]).unwrap();
    let listed = store.list("").unwrap();
    let names: Vec<&str> = listed.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(names, [head.as_str(), "core:/rolling:/deb/amd64/once~1+2.deb", "pool/once.deb"]);
    store.delete(&[head.clone(), head.clone()]).unwrap();
    assert!(store.get(&head, 10).unwrap().is_none());
}

fn headers(server: &Server, store: &Store) {
    store.replace(&key("dists/rolling/InRelease"), b"x").unwrap();
    let deb = ["application/vnd.debian.binary-package", "public, max-age=31536000, immutable"];
    let release = ["text/plain; charset=utf-8", "public, max-age=60, must-revalidate"];
    for (path, [kind, keep]) in
        [("pool/once.deb", deb), ("core:/rolling:/deb/amd64/once~1+2.deb", deb), ("dists/rolling/InRelease", release)]
    {
        let fields = server.ask("HEAD", &format!("packages/repository/{path}"), "");
        for field in [format!("content-type: {kind}\n"), format!("cache-control: {keep}\n")] {
            assert!(fields.contains(&field), "{path}: {fields}");
        }
    }
}

/// Two publishers with packages of their own: both land, one after the other.
fn at_once(rig: &Rig) {
    thread::scope(|scope| {
        let publish = |end: &'static str| {
            let run = move || run(&mut rig.publish("stable/v1.36", &Made::get().packages("1.36.2", &[end])));
            scope.spawn(run)
        };
        for running in [publish(".deb"), publish(".rpm")] {
            let ran = running.join().unwrap();
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
    });
    let history = done(&mut rig.without_key("repo history stable/v1.36"));
    let numbers: Vec<&str> = history.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(numbers, ["3", "2", "1"], "{history}");
}
