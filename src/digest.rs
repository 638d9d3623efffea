//! Digests: what identifies bytes, in the spellings in which upstream projects publish them.

use std::fmt;
use std::hash::{Hash, Hasher as StdHasher};
use std::io::{self, Read};
use std::str::FromStr;

use sha2::Digest as _;

/// A digest algorithm that is strong enough to identify bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-512 (FIPS 180-4).
    Sha512,
}

impl Algorithm {
    /// Returns the length of a digest in hexadecimal digits.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// Returns the lower-case name, as file extensions have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One digest. Displays as `sha256:HEX`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(Digits);

/// Lower-case hexadecimal digits. Those of SHA-256 lie in the value itself: repositories know hundreds of thousands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Digits {
    Sha256([u8; 64]),
    Sha512(Box<[u8; 128]>),
}

/// A digest is as good as random: a few of its digits are a hash.
impl Hash for Digest {
    fn hash<H: StdHasher>(&self, state: &mut H) {
        state.write(&self.digits()[..16]);
    }
}

impl Digest {
    /// Makes a digest from hexadecimal digits of the algorithm's length; upper case is folded.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, BadDigest> {
        if hex.len() != algorithm.hex_len() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadDigest { given: excerpt(hex) });
        }
        let bad = || BadDigest { given: excerpt(hex) };
        let mut digits = match algorithm {
            Algorithm::Sha256 => Digits::Sha256(hex.as_bytes().try_into().map_err(|_| bad())?),
            Algorithm::Sha512 => Digits::Sha512(Box::new(hex.as_bytes().try_into().map_err(|_| bad())?)),
        };
        match &mut digits {
            Digits::Sha256(digits) => digits.make_ascii_lowercase(),
            Digits::Sha512(digits) => digits.make_ascii_lowercase(),
        }
        Ok(Self(digits))
    }

    /// Returns the SHA-256 of `bytes`.
    pub fn sha256(bytes: impl AsRef<[u8]>) -> Self {
        Self::of_bytes(sha2::Sha256::digest(bytes).into())
    }

    fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(Digits::Sha256(digits_of(&bytes)))
    }

    /// Returns the SHA-256 of everything that a reader gives, and the number of bytes.
    pub fn sha256_of(mut reader: impl Read) -> io::Result<(Self, u64)> {
        let mut hasher = sha2::Sha256::new();
        let size = io::copy(&mut reader, &mut hasher)?;
        Ok((Self::of_hasher(hasher), size))
    }

    /// Returns the SHA-256 of all bytes that `hasher` took in.
    pub fn of_hasher(hasher: sha2::Sha256) -> Self {
        Self::of_bytes(hasher.finalize().into())
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Digits::Sha256(_) => Algorithm::Sha256,
            Digits::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Returns the lower-case hexadecimal digits.
    pub fn hex(&self) -> &str {
        // They were looked at one by one.
        std::str::from_utf8(self.digits()).unwrap_or_default()
    }

    fn digits(&self) -> &[u8] {
        match &self.0 {
            Digits::Sha256(digits) => digits,
            Digits::Sha512(digits) => &**digits,
        }
    }

    /// Returns the bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // It was made of bytes or of as many digits.
        hex::decode(self.digits()).unwrap_or_default()
    }
}

/// Returns the digits of half as many bytes.
fn digits_of<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut digits = [b'0'; N];
    // Fails only where the lengths do not fit, which are those of the algorithms.
    let encoded = hex::encode_to_slice(bytes, &mut digits);
    debug_assert!(encoded.is_ok());
    digits
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no digest; a digest is written `sha256:` or `sha512:` and its hexadecimal digits")]
pub struct BadDigest {
    given: String,
}

/// The first characters of text from outside, fit to be shown in a message.
fn excerpt(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
    if text.chars().count() > SHOWN { shown + "…" } else { shown }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadDigest { given: excerpt(text) };
        let (algorithm, hex) = text.split_once(':').ok_or_else(bad)?;
        let algorithm = match algorithm {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            _ => return Err(bad()),
        };
        Self::from_hex(algorithm, hex)
    }
}

/// As it displays: `sha256:HEX`.
impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Digests of the same bytes, all from one reading, and how many they are: what packages say of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// The SHA-256.
    pub sha256: Digest,
    /// The MD5 in hexadecimal digits, for the `md5sums` of debs. It finds damage, and proves nothing.
    pub md5: String,
    /// The number of bytes.
    pub size: u64,
}

/// Those and the SHA-512: whatever upstream may have published of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamDigests {
    /// What packages say of the file.
    pub packaged: Digests,
    /// The SHA-512.
    pub sha512: Digest,
}

impl UpstreamDigests {
    /// Returns the digest made with `algorithm`.
    pub fn get(&self, algorithm: Algorithm) -> &Digest {
        match algorithm {
            Algorithm::Sha256 => &self.packaged.sha256,
            Algorithm::Sha512 => &self.sha512,
        }
    }
}

/// Hashes bytes as they pass.
#[derive(Clone, Default)]
pub struct Hasher {
    sha256: sha2::Sha256,
    md5: md5::Md5,
    size: u64,
}

impl Hasher {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.md5.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Returns the digests of all bytes taken in.
    pub fn finish(self) -> Digests {
        Digests { sha256: Digest::of_hasher(self.sha256), md5: hex::encode(self.md5.finalize()), size: self.size }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Hashes bytes as they pass, also with what only upstream uses.
#[derive(Debug, Clone, Default)]
pub struct UpstreamHasher {
    packaged: Hasher,
    sha512: sha2::Sha512,
}

impl UpstreamHasher {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.packaged.update(bytes);
        self.sha512.update(bytes);
    }

    /// Returns the digests of all bytes taken in.
    pub fn finish(self) -> UpstreamDigests {
        let sha512 = Digest(Digits::Sha512(Box::new(digits_of(&self.sha512.finalize()))));
        UpstreamDigests { packaged: self.packaged.finish(), sha512 }
    }
}

/// Why a published digest file cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDigestFile {
    /// Nothing in it.
    #[error("the digest file is empty")]
    Empty,
    /// A web page, as captive portals and error pages send.
    #[error("the digest file is a web page: `{0}`")]
    Html(String),
    /// A digest, but of another file.
    #[error("the digest file is about `{named}`, not about `{wanted}`; it says {digest}")]
    OtherFile {
        /// The file that it names.
        named: String,
        /// The file that was wanted.
        wanted: String,
        /// The digest that stands there.
        digest: Digest,
    },
    /// More than one line where one was expected.
    #[error("the digest file has several lines and none is about `{0}`")]
    NotListed(String),
    /// The same file with different digests.
    #[error("the digest file lists `{wanted}` twice, as {first} and as {second}")]
    Ambiguous {
        /// The file that was wanted.
        wanted: String,
        /// One value.
        first: Digest,
        /// The other value.
        second: Digest,
    },
    /// Anything else.
    #[error("`{0}` is no {1} digest")]
    Malformed(String, Algorithm),
}

/// Reads the digest of `file` out of a published digest file of any form that upstream projects have used: bare
/// digits with or without a newline (dl.k8s.io, cri-tools), `HEX  name` and `HEX *name` (CNI plugins, coreutils), with
/// a path before the name (crictl 1.21 and 1.22), and lists of such lines (`SHA256SUMS`), in which `file` may be a
/// path suffix (`bin/linux/amd64/kubelet`), since the oldest lists hold absolute build paths.
pub fn parse_published(algorithm: Algorithm, file: &str, text: &str) -> Result<Digest, BadDigestFile> {
    let text = text.trim_start_matches('\u{feff}');
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(BadDigestFile::Empty);
    }
    if trimmed.starts_with('<') {
        return Err(BadDigestFile::Html(excerpt(trimmed)));
    }
    let lines: Vec<&str> = trimmed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let [line] = lines[..] {
        let (digest, name) = parse_line(algorithm, line)?;
        return match name {
            Some(name) if !names(name, file) => {
                Err(BadDigestFile::OtherFile { named: excerpt(name), wanted: file.to_owned(), digest })
            }
            _ => Ok(digest),
        };
    }
    let mut found: Option<Digest> = None;
    for line in lines {
        let (digest, name) = parse_line(algorithm, line)?;
        if !name.is_some_and(|name| names(name, file)) {
            continue;
        }
        if let Some(first) = found.replace(digest.clone())
            && first != digest
        {
            return Err(BadDigestFile::Ambiguous { wanted: file.to_owned(), first, second: digest });
        }
    }
    found.ok_or_else(|| BadDigestFile::NotListed(file.to_owned()))
}

/// Splits `HEX`, `HEX  name` or `HEX *name`.
fn parse_line(algorithm: Algorithm, line: &str) -> Result<(Digest, Option<&str>), BadDigestFile> {
    let (hex, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let digest = Digest::from_hex(algorithm, hex).map_err(|_| BadDigestFile::Malformed(excerpt(line), algorithm))?;
    let name = rest.trim_start().trim_start_matches('*');
    Ok((digest, (!name.is_empty()).then_some(name)))
}

/// Whether `listed` is `file` or a longer path that ends in it.
fn names(listed: &str, file: &str) -> bool {
    listed == file || listed.strip_suffix(file).is_some_and(|before| before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9bdbea7a2b382494aff2ff014da328a042c5aba9096a7772e57fdf487e5a1d51";
    const OTHER: &str = "68949c0cb5a37e7604c145d189cf1e109c08c93d9c710ba663db026b9c6f2746";

    fn parse(file: &str, text: &str) -> Result<String, BadDigestFile> {
        parse_published(Algorithm::Sha256, file, text).map(|digest| digest.hex().to_owned())
    }

    #[test]
    fn every_published_form_is_read() {
        for text in [
            HEX.to_owned(),
            format!("{HEX}\n"),
            format!("{}\r\n", HEX.to_uppercase()),
            format!("\u{feff}{HEX}"),
            format!("{HEX}  crictl.tgz\n"),
            format!("{HEX} *crictl.tgz"),
            format!("{HEX} *_output/releases/crictl.tgz\n"),
            format!("{OTHER}  other\n{HEX}  /build/release/crictl.tgz"),
        ] {
            assert_eq!(parse("crictl.tgz", &text).as_deref(), Ok(HEX), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_digest_of_the_file_is_refused() {
        assert_eq!(parse("a", " \n"), Err(BadDigestFile::Empty));
        assert!(matches!(parse("a", "<!DOCTYPE html><p>404"), Err(BadDigestFile::Html(_))));
        assert!(matches!(parse("a", &format!("{HEX}  b")), Err(BadDigestFile::OtherFile { .. })));
        assert!(matches!(parse("a", &format!("{HEX}  ba")), Err(BadDigestFile::OtherFile { .. })));
        assert!(matches!(parse("a", &format!("{HEX}  b\n{HEX}  c")), Err(BadDigestFile::NotListed(_))));
        assert!(matches!(parse("a", &HEX[1..]), Err(BadDigestFile::Malformed(..))));
        assert!(matches!(parse("a", &format!("{HEX}\n{OTHER}")), Err(BadDigestFile::NotListed(_))));
        assert!(matches!(parse("a", &format!("{HEX}  a\n{OTHER}  a")), Err(BadDigestFile::Ambiguous { .. })));
    }
}
