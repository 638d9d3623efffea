//! An rpm-md repository: `repomd.xml`, its signature, and `primary`.

use super::index::{Found, Index, Known, MAX_OPEN};
use super::listed::{Listed, MAX_PACKAGES};
use super::root::Place;
use super::stanza::word;
use super::xml::{self, Attributes, Node, attribute};
use super::{MAX_SIGNED, Reading, Root, Trust, Variants};
use crate::digest::{Algorithm, Digest};
use crate::format::Format;
use crate::repository::fragment::excerpt;
use crate::repository::rpmmd::{REPOMD, SIGNATURE};
use crate::repository::store::StoreError;
use crate::sign::Signatures;
use crate::source_date::SourceDate;

/// Files that one `repomd.xml` may list.
const MAX_FILES: usize = 1000;

/// What `repomd.xml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repomd {
    /// The files.
    pub files: Vec<DataFile>,
    /// The newest time of a file, in seconds since 1970.
    pub newest: Option<SourceDate>,
}

/// A file of `repodata`, as `repomd.xml` lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataFile {
    /// What it is: `primary`, `filelists`, …
    pub kind: String,
    /// Its path from the root.
    pub href: String,
    /// Its digest as it is stored; none of a kind that cannot be forged, if there is none.
    pub digest: Option<Digest>,
    /// Its size as it is stored.
    pub size: Option<u64>,
    /// Its digest once it is unpacked.
    pub open_digest: Option<Digest>,
    /// Its size once it is unpacked.
    pub open_size: Option<u64>,
}

impl Repomd {
    /// Reads it.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let mut repomd = Self::default();
        let mut kind = None;
        xml::read(document, |path, node| {
            match (path, node) {
                (["repomd"], _) => {}
                ([root, ..], _) if *root != "repomd" => return Err("it is no `repomd`".to_owned()),
                (["repomd", "data"], Node::Open(attributes)) => {
                    if repomd.files.len() == MAX_FILES {
                        return Err(format!("it lists more than {MAX_FILES} files"));
                    }
                    let kind = attribute(attributes, "type").unwrap_or_default().to_owned();
                    repomd.files.push(DataFile { kind, ..DataFile::default() });
                }
                (["repomd", "data", name], node) => {
                    let newest = repomd.newest;
                    let Some(file) = repomd.files.last_mut() else { return Ok(()) };
                    repomd.newest = file.add(name, &mut kind, node)?.into_iter().chain(newest).max();
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(repomd)
    }
}

impl DataFile {
    /// Takes one of its elements, and returns the time if it is that.
    fn add(&mut self, name: &str, kind: &mut Option<String>, node: Node<'_>) -> Result<Option<SourceDate>, String> {
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{}` is no number", excerpt(text)));
        match (name, node) {
            ("location", Node::Open(attributes)) => {
                self.href = match location(attributes)? {
                    (None, href) => href,
                    // What is signed and what it names belong together.
                    (Some(_), _) => return Err("a file lies in another place (`xml:base`)".to_owned()),
                };
            }
            ("checksum" | "open-checksum", Node::Open(attributes)) => {
                *kind = attribute(attributes, "type").map(str::to_owned);
            }
            ("checksum", Node::Close(text)) => self.digest = digest(kind.as_deref(), text)?,
            ("open-checksum", Node::Close(text)) => self.open_digest = digest(kind.as_deref(), text)?,
            ("size", Node::Close(text)) => self.size = Some(number(text)?),
            ("open-size", Node::Close(text)) => self.open_size = Some(number(text)?),
            // Some tools write fractions of a second.
            ("timestamp", Node::Close(text)) => {
                let whole = text.trim().split('.').next().unwrap_or_default();
                return Ok(whole.parse().ok().map(SourceDate::from_epoch));
            }
            _ => {}
        }
        Ok(None)
    }
}

/// Reads a path, and from where it counts, if that is not the root.
fn location(attributes: &Attributes) -> Result<(Option<String>, String), String> {
    let base = attributes.iter().find(|(name, value)| name.ends_with("base") && !value.is_empty());
    let href = attribute(attributes, "href").ok_or("a location without `href`")?;
    Ok((base.map(|(_, value)| value.clone()), href.to_owned()))
}

/// Reads a digest; none of a kind that can be forged.
fn digest(kind: Option<&str>, hex: &str) -> Result<Option<Digest>, String> {
    let algorithm = match kind {
        Some("sha256") => Algorithm::Sha256,
        Some("sha512") => Algorithm::Sha512,
        _ => return Ok(None),
    };
    Digest::from_hex(algorithm, hex.trim()).map(Some).map_err(|error| error.to_string())
}

/// Reads `primary`.
pub fn packages(root: Root<'_>, document: &[u8]) -> Result<Vec<Listed>, String> {
    let mut found = Vec::new();
    let mut package = Package::default();
    xml::read(document, |path, node| {
        match (path, node) {
            (["metadata"], _) => {}
            ([first, ..], _) if *first != "metadata" => return Err("it is no `metadata`".to_owned()),
            (["metadata", "package"], Node::Open(_)) => package = Package::default(),
            (["metadata", "package"], Node::Close(_)) => {
                if found.len() == MAX_PACKAGES {
                    return Err(format!("it lists more than {MAX_PACKAGES} packages"));
                }
                let name = excerpt(&package.name);
                let listed = std::mem::take(&mut package).listed(root);
                found.push(listed.map_err(|cause| format!("package `{name}`: {cause}"))?);
            }
            (["metadata", "package", name], node) => package.add(name, node)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

#[derive(Debug, Default)]
struct Package {
    name: String,
    arch: String,
    version: String,
    kind: Option<String>,
    digest: Option<Digest>,
    size: Option<u64>,
    base: Option<String>,
    href: String,
}

impl Package {
    fn add(&mut self, name: &str, node: Node<'_>) -> Result<(), String> {
        match (name, node) {
            ("name", Node::Close(text)) => text.clone_into(&mut self.name),
            ("arch", Node::Close(text)) => text.clone_into(&mut self.arch),
            ("version", Node::Open(attributes)) => {
                let of = |name| attribute(attributes, name).unwrap_or_default();
                let epoch = Some(of("epoch")).filter(|epoch| !["", "0"].contains(epoch));
                let epoch = epoch.map_or_else(String::new, |epoch| format!("{epoch}:"));
                self.version = format!("{epoch}{}-{}", of("ver"), of("rel"));
            }
            ("checksum", Node::Open(attributes)) => self.kind = attribute(attributes, "type").map(str::to_owned),
            ("checksum", Node::Close(text)) => self.digest = digest(self.kind.as_deref(), text)?,
            ("size", Node::Open(attributes)) => {
                self.size = attribute(attributes, "package").and_then(|size| size.parse().ok());
            }
            ("location", Node::Open(attributes)) => (self.base, self.href) = location(attributes)?,
            _ => {}
        }
        Ok(())
    }

    /// Where it lies. Its digest is signed, so it may be anywhere.
    fn place(&self, root: Root<'_>) -> Result<Place, String> {
        let place = match &self.base {
            None => root.foreign(&self.href).map(Place::Here),
            Some(base) => root.below_base(base, &self.href),
        };
        place.ok_or_else(|| match &self.base {
            None => format!("`{}` is no path in it", excerpt(&self.href)),
            Some(base) => format!("`{}` is no path in `{}` (`xml:base`)", excerpt(&self.href), excerpt(base)),
        })
    }

    fn listed(self, root: Root<'_>) -> Result<Listed, String> {
        let (base, location) = match self.place(root)? {
            Place::Here(key) => (None, key),
            Place::Elsewhere(base, key) => (Some(base), key),
        };
        let digest = self.digest.ok_or("it has no digest but those that can be forged")?;
        Ok(Listed {
            format: Format::Rpm,
            name: word(&self.name)?,
            version: word(&self.version)?,
            arch: word(&self.arch)?,
            sha256: Some(digest.clone()).filter(|digest| digest.algorithm() == Algorithm::Sha256),
            digest,
            size: self.size.ok_or("it has no size")?,
            base,
            location,
        })
    }
}

/// Reads a repository whose `repodata` lies in the root.
pub(super) fn read(root: Root<'_>, trust: &Trust<'_>, variants: Variants) -> Result<Reading, StoreError> {
    let mut reading = Reading::default();
    let (repomd, signature) = (root.join(REPOMD), root.join(SIGNATURE));
    let Some(text) = root.get(REPOMD, MAX_SIGNED)? else {
        reading.wrong(repomd, "is not there");
        return Ok(reading);
    };
    let Some(armor) = root.get(SIGNATURE, MAX_SIGNED)? else {
        reading.wrong(signature, "is not there");
        return Ok(reading);
    };
    let verified =
        Signatures::parse(&armor).and_then(|all| all.verify_of(trust.packets, trust.certificates, trust.now, &text));
    match verified {
        Ok(by) => reading.signed_by = by,
        Err(error) => {
            reading.wrong(signature, error.to_string());
            return Ok(reading);
        }
    }
    match Repomd::parse(&text) {
        Err(cause) => reading.wrong(repomd, cause),
        Ok(parsed) => {
            reading.date = parsed.newest;
            let primary = parsed.files.iter().filter(|file| file.kind == "primary").count();
            if primary != 1 {
                reading.wrong(repomd.as_str(), format!("lists {primary} files `primary`, and clients read one"));
            }
            for file in parsed.files.iter().filter(|file| variants == Variants::All || file.kind == "primary") {
                data(root, &repomd, file, &mut reading)?;
            }
            reading.settle(&repomd);
        }
    }
    Ok(reading)
}

/// Reads one file of `repodata`.
fn data(root: Root<'_>, repomd: &str, file: &DataFile, reading: &mut Reading) -> Result<(), StoreError> {
    let Some(name) = root.foreign(&file.href) else {
        reading.wrong(repomd, format!("lists `{}`, which is no path in it", excerpt(&file.href)));
        return Ok(());
    };
    let Some(digest) = file.digest.clone() else {
        reading.wrong(name.as_str(), "is listed without a digest but those that can be forged");
        return Ok(());
    };
    let path = name.to_string();
    let stem = path.split_once(".xml").map_or(path.as_str(), |(stem, _)| &path[..stem.len() + ".xml".len()]);
    let index = Index { names: vec![name], name: &path, stem, known: Known { digest, size: file.size } };
    let open = match index.read(root)? {
        Found::Whole(open) => open,
        Found::Absent => {
            reading.wrong(path, "is not there");
            return Ok(());
        }
        Found::Wrong(cause) => {
            reading.wrong(path, cause);
            return Ok(());
        }
    };
    if let Some(digest) = file.open_digest.clone() {
        let known = Known { digest, size: file.open_size.filter(|size| *size <= MAX_OPEN) };
        if let Err(cause) = known.check(&open) {
            reading.wrong(path.as_str(), format!("unpacks to something else: {cause}"));
        }
    }
    if file.kind == "primary" {
        match packages(root, &open) {
            Ok(found) => reading.packages = found,
            Err(cause) => reading.wrong(path, cause),
        }
    }
    Ok(())
}
