//! A mirror of upstream that a test may change: a copy of `fixtures/upstream`, or a part of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use kubepkg::digest::{Algorithm, UpstreamDigests, UpstreamHasher};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey};
use tempfile::TempDir;

use crate::fault_server::{Act, Request, ok, status};

/// The mirror of the fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upstream")
}

/// The trust root of the fixtures, for `KUBEPKG_TRUST_ROOT`.
pub(crate) fn trust_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/trusted_root.json")
}

/// Signs as the fixtures' release process does; the certificate beside each file is of this key.
pub(crate) fn cosign(bytes: &[u8]) -> String {
    let pem = fs_err::read_to_string(trust_root().with_file_name("release.key")).unwrap();
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_ECDSA_P256_SHA256).unwrap();
    STANDARD.encode(SigningKey::sign(&key, bytes).unwrap())
}

/// Where upstream publishes a program of Kubernetes.
pub(crate) fn program(version: &str, arch: &str, name: &str) -> String {
    format!("dl.k8s.io/release/v{version}/bin/linux/{arch}/{name}")
}

/// Where upstream publishes the CNI plugins.
pub(crate) fn plugins(version: &str, arch: &str) -> String {
    let folder = format!("github.com/containernetworking/plugins/releases/download/v{version}");
    format!("{folder}/cni-plugins-linux-{arch}-v{version}.tgz")
}

/// A folder that is gone when dropped.
pub(crate) struct Mirror(TempDir);

impl Mirror {
    /// Returns a copy of the fixtures' mirror.
    pub(crate) fn new() -> Self {
        Self::of("")
    }

    /// Returns a copy of one release of Kubernetes, and nothing else.
    pub(crate) fn of_release(version: &str) -> Self {
        Self::of(&format!("dl.k8s.io/release/v{version}"))
    }

    fn of(part: &str) -> Self {
        let mirror = Self(tempfile::tempdir().unwrap());
        for path in files(&fixtures().join(part)) {
            let copy = mirror.path().join(path.strip_prefix(fixtures()).unwrap());
            fs_err::create_dir_all(copy.parent().unwrap()).unwrap();
            fs_err::copy(&path, &copy).unwrap();
        }
        mirror
    }

    /// Returns its folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns a file's bytes.
    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs_err::read(self.path().join(file)).unwrap()
    }

    /// Writes a file as a fault would: the digests that are published stay as they are.
    pub(crate) fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    /// Writes a file as upstream would: every digest of the old bytes becomes that of the new ones, and what was signed is
    /// signed.
    pub(crate) fn publish(&self, file: &str, bytes: &[u8]) {
        let (old, new) = (digests(&self.read(file)), digests(bytes));
        self.put(file, bytes);
        if self.path().join(format!("{file}.cert")).exists() {
            self.put(&format!("{file}.sig"), cosign(bytes));
        }
        for path in files(self.path()).into_iter().filter(|path| fs_err::metadata(path).unwrap().len() < 1 << 16) {
            let Ok(text) = fs_err::read_to_string(&path) else { continue };
            let changed = [Algorithm::Sha256, Algorithm::Sha512]
                .iter()
                .fold(text.clone(), |text, kind| text.replace(old.get(*kind).hex(), new.get(*kind).hex()));
            if changed != text {
                fs_err::write(&path, changed).unwrap();
            }
        }
    }

    /// Appends bytes that compress somewhat to a program, until it has `size` of them.
    pub(crate) fn enlarge(&self, file: &str, size: usize) {
        let mut bytes = self.read(file);
        let mut state = bytes.len() as u64;
        while bytes.len() < size {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend(&state.to_be_bytes()[..3]);
            bytes.extend([0; 61]);
        }
        self.publish(file, &bytes);
    }

    /// Removes a file and all that speaks of it alone.
    pub(crate) fn withdraw(&self, file: &str) {
        let start = self.path().join(file).display().to_string();
        for path in files(self.path()).into_iter().filter(|path| path.display().to_string().starts_with(&start)) {
            fs_err::remove_file(path).unwrap();
        }
        let name = file.rsplit_once("/bin/").map_or(file, |(_, name)| name);
        for list in files(self.path()).into_iter().filter(|path| path.ends_with("SHA256SUMS")) {
            let text = fs_err::read_to_string(&list).unwrap();
            let kept: String = text.split_inclusive('\n').filter(|line| !line.contains(name)).collect();
            fs_err::write(&list, kept).unwrap();
        }
    }

    /// Returns what an honest server answers that has this folder.
    pub(crate) fn answer(folder: &Path, request: &Request) -> Vec<Act> {
        let file = request.target().trim_start_matches('/').replace("%2B", "+");
        fs_err::read(folder.join(file)).map_or_else(|_| status("404 Not Found", &[]), ok)
    }
}

/// Returns every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Returns the digests of some bytes.
pub(crate) fn digests(bytes: &[u8]) -> UpstreamDigests {
    let mut hasher = UpstreamHasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// Returns an archive as upstream packs them, with one more member.
pub(crate) fn with_member(archive: &[u8], name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut old = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut old).unwrap();
    let mut new = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for entry in tar::Archive::new(old.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        new.append(&header, content.as_slice()).unwrap();
    }
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    // What the library would refuse to write is what a test wants.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    new.append(&header, bytes).unwrap();
    new.into_inner().unwrap().finish().unwrap()
}
