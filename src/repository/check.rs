//! What a client would find: every channel read back from its signed files to its packages.
//!
//! Nothing that kubepkg alone reads is trusted here but for the list of what should be there.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::channel::Channel;
use super::charter::Repository;
use super::error::RepositoryError;
use super::generation::{Entry, Generation};
use super::head::{self, Head};
use super::history::Shown;
use super::layout::{self, key};
use super::paper::Paper;
use super::publish::flat_path;
use super::rpmmd::{REPOMD, SIGNATURE};
use super::site;
use super::store::Key;
use crate::digest::{Algorithm, Digest};
use crate::format::Format;
use crate::sign::{Certificate, Cleartext, Signatures};

/// Bytes that an index file may have, as it is stored and as it is read.
const LIMIT: u64 = 4 << 30;

/// How closely packages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// They are there, in the right size.
    Sizes,
    /// All their bytes are right.
    Digests,
}

/// Something that is not as a client needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub cause: String,
}

struct Check<'a> {
    repository: &'a Repository,
    certificates: &'a [Certificate],
    found: Vec<Finding>,
}

impl Repository {
    /// Reads a channel as its clients do, with the keys that they trust, and returns everything that is wrong.
    pub fn check(
        &self,
        channel: Channel,
        certificates: &[Certificate],
        depth: Depth,
    ) -> Result<Vec<Finding>, RepositoryError> {
        let Shown { head, generation } = self.shown(channel)?;
        let mut check = Check { repository: self, certificates, found: Vec::new() };
        check.head(channel)?;
        check.projection(&generation)?;
        check.papers(&generation, depth)?;
        if !site::is_shown(self.store(), channel, &head)? {
            check.wrong("index.json", format!("does not show generation {} of {channel}", head.number));
        }
        let has = |format| generation.packages.iter().any(|entry| entry.format == format);
        // In the shapes that were chosen when it was published.
        let has_release =
            |root: &str| generation.projection.iter().any(|file| file.path == key(&format!("{root}/Release")));
        let (suite, flat) = (layout::suite(channel), layout::flat(channel, Format::Deb));
        if has_release(&suite) {
            check.apt(&suite, &generation, |entry| entry.path.clone(), depth)?;
        }
        if has_release(&flat) {
            check.apt(&flat, &generation, |entry| flat_path(channel, entry), depth)?;
        }
        if has(Format::Rpm) {
            check.rpmmd(&layout::flat(channel, Format::Rpm), &generation, depth)?;
        }
        Ok(check.found)
    }
}

impl Check<'_> {
    fn wrong(&mut self, file: impl Into<String>, cause: impl Into<String>) {
        self.found.push(Finding { file: file.into(), cause: cause.into() });
    }

    /// What names the newest generation is signed, and thereby all that came before.
    fn head(&mut self, channel: Channel) -> Result<(), RepositoryError> {
        if let Some(held) = Head::read(self.repository.store(), channel)?
            && let Err(cause) = held.verify(channel, self.certificates)
        {
            self.wrong(head::key(channel).as_str(), cause.to_string());
        }
        Ok(())
    }

    /// The files that clients fetch by name are those of the newest generation.
    fn projection(&mut self, generation: &Generation) -> Result<(), RepositoryError> {
        for file in &generation.projection {
            match self.repository.store().get(&file.path, LIMIT)? {
                None => self.wrong(file.path.as_str(), "is not there"),
                Some(there) if Digest::sha256(&there.bytes) != file.sha256 => {
                    self.wrong(file.path.as_str(), format!("is not that of generation {}", generation.number));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The papers that the generation names lie beside the packages.
    fn papers(&mut self, generation: &Generation, depth: Depth) -> Result<(), RepositoryError> {
        let named = |entry: &Entry| {
            entry.papers.iter().map(|paper| (entry.paper_path(paper.kind), paper.clone())).collect::<Vec<_>>()
        };
        let (paths, papers): (Vec<Key>, Vec<Paper>) = generation.packages.iter().flat_map(named).unzip();
        let sizes = self.repository.store().sizes(&paths)?;
        for ((path, paper), size) in paths.iter().zip(&papers).zip(sizes) {
            match size {
                None => self.wrong(path.as_str(), "is not there"),
                Some(size) if size != paper.size => {
                    self.wrong(path.as_str(), format!("has {size} bytes, and should have {}", paper.size));
                }
                Some(size) if depth == Depth::Digests => self.digest(path, &paper.sha256, size)?,
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn text(&mut self, path: &str) -> Result<Option<String>, RepositoryError> {
        let Some(object) = self.repository.store().get(&key(path), LIMIT)? else {
            self.wrong(path, "is not there");
            return Ok(None);
        };
        let text = String::from_utf8(object.bytes).ok();
        if text.is_none() {
            self.wrong(path, "is no text");
        }
        Ok(text)
    }

    fn signature(&mut self, path: &str, armor: &str, message: &[u8]) {
        let signatures = Signatures::parse(armor.as_bytes());
        let verified = signatures.and_then(|signatures| signatures.verify(self.certificates, message));
        if let Err(cause) = verified {
            self.wrong(path, cause.to_string());
        }
    }

    /// An apt repository from its `Release` on.
    fn apt(
        &mut self,
        root: &str,
        generation: &Generation,
        place: impl Fn(&Entry) -> Key,
        depth: Depth,
    ) -> Result<(), RepositoryError> {
        let (release, detached) = (format!("{root}/Release"), format!("{root}/Release.gpg"));
        let (Some(text), Some(armor)) = (self.text(&release)?, self.text(&detached)?) else { return Ok(()) };
        self.signature(&detached, &armor, text.as_bytes());
        let inline = format!("{root}/InRelease");
        if let Some(signed) = self.text(&inline)? {
            let read = Cleartext::parse(&signed).and_then(|signed| signed.verify(self.certificates).map(|_| signed));
            match read {
                Ok(signed) if signed.text() == text => {}
                Ok(_) => self.wrong(&inline, "has another text than Release"),
                Err(cause) => self.wrong(&inline, cause.to_string()),
            }
        }
        let folder = if root.starts_with("dists/") { String::new() } else { format!("{root}/") };
        let mut listed = BTreeMap::new();
        for (sha256, path) in digests(&text).filter(|(_, path)| path.ends_with("Packages.gz")) {
            let (parent, _) = path.rsplit_once('/').unwrap_or_default();
            let slash = if parent.is_empty() { "" } else { "/" };
            let by_hash = format!("{root}/{parent}{slash}by-hash/SHA256/{sha256}");
            let Some(packages) = self.index(&by_hash, sha256)? else { continue };
            for stanza in String::from_utf8_lossy(&packages).split("\n\n") {
                let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let (Some(file), Some(sha256)) = (field("Filename: "), field("SHA256: ")) {
                    listed.insert(format!("{folder}{file}"), sha256);
                }
            }
        }
        self.packages(&release, generation, Format::Deb, &listed, place, depth)
    }

    fn rpmmd(&mut self, root: &str, generation: &Generation, depth: Depth) -> Result<(), RepositoryError> {
        let (repomd, signature) = (format!("{root}/{REPOMD}"), format!("{root}/{SIGNATURE}"));
        let (Some(text), Some(armor)) = (self.text(&repomd)?, self.text(&signature)?) else { return Ok(()) };
        self.signature(&signature, &armor, text.as_bytes());
        let mut listed = BTreeMap::new();
        for data in text.split("<data ").skip(1) {
            let (Some(sha256), Some(href)) =
                (between(data, "<checksum type=\"sha256\">", "<"), between(data, "href=\"", "\""))
            else {
                self.wrong(&repomd, "names a file without its digest");
                continue;
            };
            let Some(xml) = self.index(&format!("{root}/{href}"), sha256)? else { continue };
            if data.starts_with("type=\"primary\"") {
                for package in String::from_utf8_lossy(&xml).split("<package type=\"rpm\">").skip(1) {
                    let sha256 = between(package, "pkgid=\"YES\">", "<");
                    if let (Some(sha256), Some(href)) = (sha256, between(package, "<location href=\"", "\"")) {
                        listed.insert(format!("{root}/{href}"), sha256.to_owned());
                    }
                }
            }
        }
        let channel = generation.channel;
        self.packages(&repomd, generation, Format::Rpm, &listed, |entry| flat_path(channel, entry), depth)
    }

    /// Returns an index file as it unpacks, if it is what it should be.
    fn index(&mut self, path: &str, sha256: &str) -> Result<Option<Vec<u8>>, RepositoryError> {
        let Ok(key) = path.parse() else {
            self.wrong(path, "is no name of a file");
            return Ok(None);
        };
        let Some(object) = self.repository.store().get(&key, LIMIT)? else {
            self.wrong(path, "is not there");
            return Ok(None);
        };
        if Digest::sha256(&object.bytes).hex() != sha256 {
            self.wrong(path, "has another SHA-256");
            return Ok(None);
        }
        match unpack(path, &object.bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => {
                self.wrong(path, format!("cannot be unpacked: {error}"));
                Ok(None)
            }
        }
    }

    /// Every package that should be there is listed, with its digest, and is where the list says.
    fn packages(
        &mut self,
        by: &str,
        generation: &Generation,
        format: Format,
        listed: &BTreeMap<String, String>,
        place: impl Fn(&Entry) -> Key,
        depth: Depth,
    ) -> Result<(), RepositoryError> {
        let expected: Vec<&Entry> = generation.packages.iter().filter(|entry| entry.format == format).collect();
        let places: Vec<Key> = expected.iter().map(|entry| place(entry)).collect();
        for (entry, path) in expected.iter().zip(&places) {
            match listed.get(path.as_str()) {
                None => self.wrong(by, format!("{entry} is in no index, or not as `{path}`")),
                Some(sha256) if sha256 != entry.sha256.hex() => {
                    self.wrong(by, format!("{entry} is listed with another SHA-256"));
                }
                Some(_) => {}
            }
        }
        for path in listed.keys().filter(|path| !places.iter().any(|place| place.as_str() == *path)) {
            self.wrong(by, format!("`{path}` is listed, and the channel does not have it"));
        }
        let sizes = self.repository.store().sizes(&places)?;
        for ((entry, path), size) in expected.iter().zip(&places).zip(sizes) {
            match size {
                None => self.wrong(path.as_str(), "is not there"),
                Some(size) if size != entry.size => {
                    self.wrong(path.as_str(), format!("has {size} bytes, and should have {}", entry.size));
                }
                Some(size) if depth == Depth::Digests => self.digest(path, &entry.sha256, size)?,
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn digest(&mut self, path: &Key, sha256: &Digest, size: u64) -> Result<(), RepositoryError> {
        let object = self.repository.store().get(path, size)?;
        if object.is_none_or(|object| Digest::sha256(&object.bytes) != *sha256) {
            self.wrong(path.as_str(), "has other bytes");
        }
        Ok(())
    }
}

/// Unpacks an index file: gzip but for rpm-md's that end otherwise.
fn unpack(path: &str, stored: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.ends_with(".zst") {
        zstd::stream::Decoder::with_buffer(stored)?.take(LIMIT).read_to_end(&mut bytes)?;
    } else {
        flate2::bufread::MultiGzDecoder::new(stored).take(LIMIT).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The lines of a Release file that name files: SHA-256 and path.
fn digests(release: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = release.lines().skip_while(|line| *line != "SHA256:").skip(1).take_while(|line| line.starts_with(' '));
    lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (sha256, _, path) = (words.next()?, words.next()?, words.next()?);
        Digest::from_hex(Algorithm::Sha256, sha256).is_ok().then_some((sha256, path))
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
