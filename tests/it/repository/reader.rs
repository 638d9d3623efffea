//! A reader that trusts what a client of its kind would trust and nothing else, and is never content with half of it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use fs_err as fs;
use kubepkg::digest::Digest;
use kubepkg::repository::store::Store;
use kubepkg::sign::{Certificate, Signature};

use super::rig::{Made, Rig};

const LIMIT: u64 = 1 << 24;
/// The address in lists of mirrors.
const URL: &str = "https://packages.example.org/kubernetes";

/// A reader of the channel `stable/v1.36`.
pub(super) struct Reader {
    store: Store,
    /// The repository as a folder, where it is one.
    root: Option<PathBuf>,
    certificate: Certificate,
}

impl Reader {
    /// Gives a repository an address, which its lists of mirrors need, and reads it.
    pub(super) fn of(rig: &Rig) -> Self {
        crate::program::done(&mut rig.without_key(&format!("repo configure --url {URL}")));
        let root = (!rig.place.contains("://")).then(|| rig.root().to_owned());
        let certificate = Certificate::parse_one(&fs::read(Made::get().certificate()).unwrap()).unwrap();
        Self { store: rig.store(), root, certificate }
    }

    fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.store.get(&path.parse().unwrap(), LIMIT).unwrap().map(|object| object.bytes)
    }

    fn read(&self, path: &str) -> Vec<u8> {
        self.get(path).unwrap_or_else(|| panic!("{path} is not there"))
    }

    fn unpacked(&self, path: &str, sha256: &str) -> String {
        let bytes = self.read(path);
        assert_eq!(Digest::sha256(&bytes).hex(), sha256, "{path}");
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    fn package(&self, path: &str, size: &str) {
        let sizes = self.store.sizes(&[path.parse().unwrap()]).unwrap();
        assert_eq!(sizes[0].map(|size| size.to_string()).as_deref(), Some(size), "{path}");
    }

    /// Reads as apt does: `InRelease`, then indices by their digest, then packages. Returns `NAME VERSION ARCH`.
    fn apt(&self, suite: &str) -> Vec<String> {
        let Some(signed) = self.get(&format!("{suite}/InRelease")) else { return Vec::new() };
        let signed = String::from_utf8(signed).unwrap();
        assert!(
            signed.starts_with("-----BEGIN PGP SIGNED MESSAGE-----\n")
                && signed.ends_with("-----END PGP SIGNATURE-----\n")
        );
        let mut found = Vec::new();
        let listed = signed.lines().filter(|line| line.starts_with(' ') && line.ends_with("/Packages.gz"));
        for words in listed.map(|line| line.split_ascii_whitespace().collect::<Vec<_>>()) {
            let folder = words[2].trim_end_matches("Packages.gz");
            let text = self.unpacked(&format!("{suite}/{folder}by-hash/SHA256/{}", words[0]), words[0]);
            for stanza in text.split("\n\n").filter(|stanza| !stanza.is_empty()) {
                let fields: BTreeMap<&str, &str> = stanza.lines().filter_map(|line| line.split_once(": ")).collect();
                self.package(fields["Filename"], fields["Size"]);
                found.push(format!("{} {} {}", fields["Package"], fields["Version"], fields["Architecture"]));
            }
        }
        found
    }

    /// Reads `repomd.xml` as dnf does that has a list of mirrors: all of one state. Returns in which folder it is, too.
    fn by_list(&self, root: &str) -> Option<(String, String)> {
        let list = String::from_utf8(self.get(&format!("{root}/mirrorlist"))?).unwrap();
        let first = list.lines().next().unwrap().strip_prefix(&format!("{URL}/")).unwrap();
        let [text, armor] = ["repomd.xml", "repomd.xml.asc"].map(|name| self.read(&format!("{first}repodata/{name}")));
        Some((first.trim_end_matches('/').to_owned(), self.signed(&text, &armor)))
    }

    /// Reads it as dnf does that has a folder: from one open folder as far as the signature goes.
    fn by_folder(&self, root: &str) -> Option<String> {
        let folder = fs::File::open(self.root.as_ref()?.join(root).join("repodata")).ok()?;
        let inside =
            |name: &str| fs::read(format!("/proc/self/fd/{}/{name}", std::os::fd::AsRawFd::as_raw_fd(&folder)));
        let (Ok(text), Ok(armor)) = (inside("repomd.xml"), inside("repomd.xml.asc")) else {
            // The folder was exchanged and removed meanwhile: a client would try again.
            return self.by_folder(root);
        };
        Some(self.signed(&text, &armor))
    }

    fn signed(&self, text: &[u8], armor: &[u8]) -> String {
        self.certificate.verify(&Signature::parse(armor).unwrap(), text).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    /// Reads what `repomd.xml` names. Returns the files of packages.
    fn dnf(&self, root: &str, repomd: &str) -> Vec<String> {
        let (_, primary) = repomd.split_once("<data type=\"primary\">").unwrap();
        let between = |text: &str, before: &str, after: &str| {
            text.split_once(before).unwrap().1.split_once(after).unwrap().0.to_owned()
        };
        let (sha256, href) = (between(primary, "<checksum type=\"sha256\">", "<"), between(primary, "href=\"", "\""));
        let xml = self.unpacked(&format!("{root}/{href}"), &sha256);
        let packages = xml.split("<package type=\"rpm\">").skip(1);
        packages
            .map(|package| {
                let location = between(package, "<location ", "/>");
                let file = between(&location, "href=\"", "\"");
                // Where a URL says from where paths count, that; else the folder of `repomd.xml`.
                let base = match location.split_once("xml:base=\"") {
                    Some((_, base)) => base.split_once("/\"").unwrap().0.strip_prefix(&format!("{URL}/")).unwrap(),
                    None => root,
                };
                self.package(&format!("{base}/{file}"), &between(package, "<size package=\"", "\""));
                file
            })
            .collect()
    }

    /// Returns everything that clients see, in whatever way they ask.
    pub(super) fn everything(&self) -> Vec<String> {
        const RPM: &str = "core:/stable:/v1.36/rpm";
        let mut all = self.apt("dists/stable-v1.36");
        if let Some(repomd) = self.by_folder(RPM) {
            self.dnf(RPM, &repomd);
        }
        if let Some((folder, repomd)) = self.by_list(RPM) {
            all.extend(self.dnf(&folder, &repomd));
        }
        all
    }
}
