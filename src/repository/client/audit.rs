//! Whether what is listed is what should be there, and is there.

use std::collections::{HashMap, HashSet};

use super::{Finding, Listed, Reading, Root, Trust, Variants};
use crate::digest::{Algorithm, Digest};
use crate::format::Format;
use crate::package::signing;
use crate::repository::client::Kind;
use crate::repository::store::{Key, Store, StoreError, Stored};
use crate::sign::Certificate;

/// How closely packages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// They are there, in the right size.
    Sizes,
    /// All their bytes are right, and RPMs are signed.
    Digests,
}

/// A package that should be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// What it is called in messages.
    pub label: String,
    /// The name of its file.
    pub file_name: String,
    /// Where it should lie in the store, if that matters.
    pub location: Option<Key>,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// A look at repositories with a client's eyes.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    /// Whom clients believe.
    pub trust: Trust<'a>,
    /// Who may sign RPMs besides.
    pub packagers: &'a [Certificate],
    /// How closely packages are looked at.
    pub depth: Depth,
}

impl Audit<'_> {
    /// Reads a repository from its signed index to its packages, and returns everything that is wrong. Without a list of
    /// what should be there that is only whether it is consistent.
    pub fn repository(&self, root: Root<'_>, kind: &Kind, wanted: Option<&[Want]>) -> Result<Vec<Finding>, StoreError> {
        let mut reading = self.indices(root, kind, wanted)?;
        self.packages(root.store(), &mut reading)?;
        Ok(reading.findings)
    }

    /// Reads a repository from its signed index to what it lists, as [`Audit::repository`] does, and looks at no package.
    pub fn indices(&self, root: Root<'_>, kind: &Kind, wanted: Option<&[Want]>) -> Result<Reading, StoreError> {
        let mut reading = kind.read(root, &self.trust, Variants::All)?;
        let is_read = !reading.signed_by.is_empty();
        if let Some(wanted) = wanted.filter(|_| is_read) {
            let found = compare(&root.join(""), &reading.packages, wanted);
            reading.findings.extend(found);
        }
        Ok(reading)
    }

    /// Looks for the files of what is listed.
    fn packages(&self, store: &Store, reading: &mut Reading) -> Result<(), StoreError> {
        let mut listed = std::mem::take(&mut reading.packages);
        // What is listed twice is looked at once.
        let mut seen = HashSet::new();
        listed.retain(|package| match &package.base {
            None => seen.insert(package.location.clone()),
            Some(base) => {
                reading.wrong(package.location.as_str(), format!("lies at `{base}` (`xml:base`), where nobody looked"));
                false
            }
        });
        let places: Vec<Key> = listed.iter().map(|package| package.location.clone()).collect();
        let mut right = Vec::new();
        for (package, size) in listed.iter().zip(store.sizes(&places)?) {
            let place = package.location.as_str();
            match size {
                None => reading.wrong(place, "is not there"),
                Some(size) if size != package.size => {
                    reading.wrong(place, format!("has {size} bytes, and should have {}", package.size));
                }
                Some(_) => right.push(package),
            }
        }
        if self.depth == Depth::Sizes {
            return Ok(());
        }
        let keys: Vec<(Key, u64)> = right.iter().map(|package| (package.location.clone(), package.size)).collect();
        let mut found = Vec::new();
        store.each_file(&keys, |place, file| {
            let cause = match file {
                None => Some("is not there".to_owned()),
                Some(file) => self.bytes(right[place], &file),
            };
            found.extend(cause.map(|cause| (place, cause)));
            Ok(())
        })?;
        found.sort();
        for (place, cause) in found {
            reading.wrong(right[place].location.as_str(), cause);
        }
        Ok(())
    }

    /// Says what is wrong with the bytes of a package, if anything is.
    fn bytes(&self, package: &Listed, file: &Stored) -> Option<String> {
        match measured(package.digest.algorithm(), file) {
            Err(error) => return Some(format!("cannot be read: {error}")),
            Ok(digest) if digest != package.digest => return Some("has other bytes".to_owned()),
            Ok(_) => {}
        }
        if package.format == Format::Deb {
            return None;
        }
        let certificates = [self.trust.certificates, self.packagers].concat();
        match signing::verify(file.path(), &certificates) {
            Ok(_) => None,
            Err(error) => Some(format!("is refused by dnf and zypper: {error}")),
        }
    }
}

fn measured(algorithm: Algorithm, file: &Stored) -> std::io::Result<Digest> {
    let mut open = fs_err::File::open(file.path())?;
    match algorithm {
        Algorithm::Sha256 => Ok(Digest::sha256_of(open)?.0),
        Algorithm::Sha512 => {
            use sha2::Digest as _;
            let mut hasher = sha2::Sha512::new();
            std::io::copy(&mut open, &mut hasher)?;
            Digest::from_hex(algorithm, &hex::encode(hasher.finalize())).map_err(std::io::Error::other)
        }
    }
}

/// Compares what is listed with what should be.
fn compare(place: &str, listed: &[Listed], wanted: &[Want]) -> Vec<Finding> {
    let file = place.trim_end_matches('/');
    let finding = |cause: String| Finding { file: file.to_owned(), cause };
    let mut by_name: HashMap<&str, Vec<&Listed>> = HashMap::new();
    for package in listed {
        by_name.entry(package.file_name()).or_default().push(package);
    }
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for want in wanted {
        let candidates = by_name.get(want.file_name.as_str()).map_or(&[][..], Vec::as_slice);
        let is_placed = |package: &&&Listed| {
            want.location.as_ref().is_none_or(|place| package.base.is_none() && *place == package.location)
        };
        let Some(package) = candidates.iter().find(is_placed) else {
            let place = want.location.as_ref().map_or(want.file_name.as_str(), |place| place.as_str());
            found.push(finding(format!("{} is in no index, or not as `{place}`", want.label)));
            continue;
        };
        known.insert(&package.location);
        if package.sha256.as_ref().is_some_and(|sha256| *sha256 != want.sha256) {
            found.push(finding(format!("{} is listed with another SHA-256", want.label)));
        }
    }
    for package in listed.iter().filter(|package| !known.contains(&package.location)) {
        found.push(finding(format!("`{}` is listed, and should not be there", package.location)));
    }
    found
}
