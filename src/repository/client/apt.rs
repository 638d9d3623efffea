//! An apt repository: `InRelease`, or `Release` and `Release.gpg`, and `Packages`.

use std::collections::BTreeSet;

use super::index::{Found, Index, Known, digest};
use super::release::{Release, ReleaseFile};
use super::stanza::packages;
use super::{MAX_SIGNED, Reading, Root, Trust, Variants};
use crate::digest::Algorithm;
use crate::repository::store::{Key, StoreError};
use crate::sign::{Cleartext, Signatures};

/// apt refuses a Release file that is further in the future, in seconds (`Acquire::Max-FutureTime`).
const MAX_FUTURE: u32 = 10;
/// The name of the index without an end for its compression.
const STEM: &str = "Packages";
/// Ends of index files, in the order in which apt prefers them; the last is none.
const ENDS: [&str; 6] = [".zst", ".xz", ".gz", ".bz2", ".lzma", ""];

/// Where the parts of an apt repository lie (sources.list(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suite {
    /// Everything in one folder: `Suites: /`.
    Flat,
    /// `dists/SUITE`.
    Dists {
        /// The suite.
        suite: String,
        /// The components that are read; all where none is named.
        components: Vec<String>,
    },
}

impl Suite {
    /// Returns the folder of the Release files, with a slash at its end unless it is the root.
    fn folder(&self) -> String {
        match self {
            Self::Flat => String::new(),
            Self::Dists { suite, .. } => format!("dists/{suite}/"),
        }
    }
}

/// Reads one suite.
pub(super) fn read(
    root: Root<'_>,
    suite: &Suite,
    trust: &Trust<'_>,
    variants: Variants,
) -> Result<Reading, StoreError> {
    let mut reading = Reading::default();
    let folder = suite.folder();
    let Some((file, text)) = signed(root, &folder, trust, variants, &mut reading)? else { return Ok(reading) };
    let release = match Release::parse(&text) {
        Ok(release) => release,
        Err(cause) => {
            reading.wrong(file, cause);
            return Ok(reading);
        }
    };
    reading.date = release.date;
    for cause in unfit(&release, suite, trust) {
        reading.wrong(file.as_str(), cause);
    }
    let wanted = indices(&release, suite);
    if wanted.is_empty() {
        reading.wrong(file.as_str(), "names no architecture or no component");
    }
    for path in wanted {
        let listed = Listing { root, folder: &folder, release: &release, path: &path };
        let files = listed.files();
        // What is for all architectures stands in the index of each.
        let is_needed = !release.is_weak && !path.ends_with(&format!("/binary-all/{STEM}"));
        // Of compressed ones alone apt takes nothing, either.
        if is_needed && files.last().is_none_or(|(end, _)| !end.is_empty()) {
            reading.wrong(file.as_str(), format!("lists no `{path}`, and apt would see nothing without a word"));
        }
        listed.read(&files, variants, &mut reading)?;
    }
    reading.settle(&file);
    Ok(reading)
}

/// Returns the name and the text of the signed index, if a given key signed it.
fn signed(
    root: Root<'_>,
    folder: &str,
    trust: &Trust<'_>,
    variants: Variants,
    reading: &mut Reading,
) -> Result<Option<(String, String)>, StoreError> {
    let [inline, plain, detached] = ["InRelease", "Release", "Release.gpg"].map(|name| format!("{folder}{name}"));
    let mut found = None;
    if let Some(bytes) = root.get(&inline, MAX_SIGNED)? {
        match Cleartext::parse(&bytes).and_then(|text| text.verify(trust.certificates, trust.packets, trust.now)) {
            Ok((text, by)) => {
                reading.signed_by = by;
                found = Some((root.join(&inline), text));
            }
            Err(error) => {
                reading.wrong(root.join(&inline), error.to_string());
                return Ok(None);
            }
        }
        if variants == Variants::One {
            return Ok(found);
        }
    }
    let (text, armor) = (root.get(&plain, MAX_SIGNED)?, root.get(&detached, MAX_SIGNED)?);
    let (Some(text), Some(armor)) = (text, armor) else {
        if found.is_none() {
            reading.wrong(root.join(&inline), "is not there, nor is `Release` with `Release.gpg`");
        }
        return Ok(found);
    };
    let verified =
        Signatures::parse(&armor).and_then(|all| all.verify_of(trust.packets, trust.certificates, trust.now, &text));
    match (verified, String::from_utf8(text)) {
        (Err(error), _) => reading.wrong(root.join(&detached), error.to_string()),
        (_, Err(_)) => reading.wrong(root.join(&plain), "is no text"),
        (Ok(by), Ok(text)) => match &found {
            None => {
                reading.signed_by = by;
                found = Some((root.join(&plain), text));
            }
            Some((_, inline)) if without_blanks(inline) != without_blanks(&text) => {
                reading.wrong(root.join(&plain), "has another text than `InRelease`");
            }
            Some(_) => {}
        },
    }
    Ok(found)
}

/// Signatures leave blanks at the ends of lines out.
fn without_blanks(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// What a client refuses about a signed index, whatever it lists.
fn unfit(release: &Release, suite: &Suite, trust: &Trust<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(date) = release.date.filter(|date| date.epoch() > trust.now.epoch().saturating_add(MAX_FUTURE)) {
        found.push(format!("is of {date}, which is in the future"));
    }
    if let Some(end) = release.valid_until.filter(|end| *end < trust.now) {
        found.push(format!("was valid until {end}"));
    }
    if release.is_weak {
        found.push("has no digests but those that can be forged (MD5, SHA-1)".to_owned());
    }
    if let Suite::Dists { suite, components } = suite {
        let names = [&release.suite, &release.codename];
        // `bookworm/updates` is a part of `bookworm`.
        let wanted = [suite.as_str(), suite.rsplit_once('/').map_or(suite.as_str(), |(suite, _)| suite)];
        let says = names.iter().any(|name| name.is_some());
        if says && !names.iter().any(|name| name.as_deref().is_some_and(|name| wanted.contains(&name))) {
            found.push(format!("is not of the suite `{suite}`"));
        }
        for component in components.iter().filter(|component| !release.components.contains(component)) {
            found.push(format!("has no component `{component}`"));
        }
    }
    found
}

/// The indices that a client wants, by their paths from the Release file without an end.
fn indices(release: &Release, suite: &Suite) -> BTreeSet<String> {
    let Suite::Dists { components, .. } = suite else { return BTreeSet::from([STEM.to_owned()]) };
    let components = if components.is_empty() { &release.components } else { components };
    let of = |component| release.architectures.iter().map(move |arch| format!("{component}/binary-{arch}/{STEM}"));
    components.iter().flat_map(of).collect()
}

/// An index, as a Release file lists it: once in each of its compressions.
struct Listing<'a> {
    root: Root<'a>,
    folder: &'a str,
    release: &'a Release,
    path: &'a str,
}

impl<'a> Listing<'a> {
    /// Its files with the ends of their names, in the order in which apt prefers them.
    fn files(&self) -> Vec<(&'static str, &'a ReleaseFile)> {
        let listed = |name: &str| self.release.files.get(name).or_else(|| self.release.files.get(&format!("./{name}")));
        ENDS.iter().filter_map(|end| Some((*end, listed(&format!("{}{end}", self.path))?))).collect()
    }

    /// Reads it in one or all of its compressions and places.
    fn read(
        &self,
        files: &[(&'static str, &ReleaseFile)],
        variants: Variants,
        reading: &mut Reading,
    ) -> Result<(), StoreError> {
        let plain = files.iter().find(|(end, _)| end.is_empty()).map(|(_, file)| *file);
        let (mut read, mut absent) = (0, Vec::new());
        for (end, file) in files {
            // apt wants the uncompressed file listed, and never asks for it if there is another.
            if variants.is_enough(read) || (end.is_empty() && read > 0) {
                break;
            }
            // An empty file is known without being fetched.
            if file.size == 0 && end.is_empty() {
                return Ok(());
            }
            for names in variants.tries(self.names(end, file)) {
                let shown = names.last().map(ToString::to_string).unwrap_or_default();
                let known = Known { digest: file.digest.clone(), size: Some(file.size) };
                let name = format!("{STEM}{end}");
                match (Index { names, name: &name, stem: STEM, known }).read(self.root)? {
                    Found::Absent => absent.push(shown),
                    Found::Wrong(cause) => reading.wrong(shown, cause),
                    Found::Whole(open) => {
                        if let Err(cause) = self.take(&open, plain, read == 0, reading) {
                            reading.wrong(shown, cause);
                        }
                        read += 1;
                    }
                }
            }
        }
        if read == 0 || variants == Variants::All {
            for shown in absent {
                reading.wrong(shown, "is not there");
            }
        }
        Ok(())
    }

    /// Takes what is listed in an unpacked index, the first time.
    fn take(
        &self,
        open: &[u8],
        plain: Option<&ReleaseFile>,
        is_first: bool,
        reading: &mut Reading,
    ) -> Result<(), String> {
        if let Some(plain) = plain.filter(|plain| digest(plain.digest.algorithm(), open) != plain.digest) {
            return Err(format!("does not unpack to the listed `{}` of {} bytes", self.path, plain.size));
        }
        if is_first {
            reading.packages.extend(packages(self.root, &String::from_utf8_lossy(open))?);
        }
        Ok(())
    }

    /// The names under which a file may be: first the one that never changes, then the one for people.
    fn names(&self, end: &str, file: &ReleaseFile) -> Vec<Key> {
        let parent = self.path.strip_suffix(STEM).unwrap_or_default();
        let by_hash = || {
            let algorithm = match file.digest.algorithm() {
                Algorithm::Sha256 => "SHA256",
                Algorithm::Sha512 => "SHA512",
            };
            format!("{}{parent}by-hash/{algorithm}/{}", self.folder, file.digest.hex())
        };
        let names = self.release.by_hash.then(by_hash).into_iter();
        names
            .chain([format!("{}{}{end}", self.folder, self.path)])
            .filter_map(|name| self.root.foreign(&name))
            .collect()
    }
}
