//! Where planned URLs are really asked for: at their publisher, or at a mirror.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use url::Url;

use super::error::{SetupError, TransferError};

/// The mirrors that stand in for upstream hosts; none means that files come from where they are published.
///
/// The planned `https://dl.k8s.io/release/v1/bin/x` is looked for by the first of these rules that applies:
///
/// 1. A mirror of this host (`dl.k8s.io=PLACE`) holds it as `PLACE/release/v1/bin/x`.
/// 2. A mirror of all hosts (`PLACE`) holds it as `PLACE/dl.k8s.io/release/v1/bin/x`. A folder without a
///    subfolder `dl.k8s.io` holds it as `PLACE/release/v1/bin/x`.
/// 3. The publisher.
///
/// Of two mirrors for the same host the later one counts, so that what is given later on a command line beats what
/// was given before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstream {
    mirrors: Vec<Mirror>,
}

/// One place with copies of published files. Parses from `[HOST=]URL|DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    host: Option<String>,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Web(Url),
}

/// Text that names no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is no mirror; a mirror is a folder or an `http` or `https` URL, after `HOST=` where it holds one host"
)]
pub struct BadMirror {
    given: String,
}

impl FromStr for Mirror {
    type Err = BadMirror;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, place) = match text.split_once('=') {
            Some((host, place)) if is_host(host) => (Some(host.to_ascii_lowercase()), place),
            _ => (None, text),
        };
        let bad = || BadMirror { given: Url::parse(place).map_or_else(|_| without_user(text), |url| redacted(&url)) };
        if !place.contains("://") {
            return if place.is_empty() { Err(bad()) } else { Ok(Self { host, place: Place::Folder(place.into()) }) };
        }
        let url = Url::parse(place).map_err(|_| bad())?;
        let place = match url.scheme() {
            "http" | "https" => Place::Web(url),
            "file" => Place::Folder(url.to_file_path().map_err(|()| bad())?),
            _ => return Err(bad()),
        };
        Ok(Self { host, place })
    }
}

impl Mirror {
    /// Reads a relative folder as one below `base`.
    pub fn rebase(&mut self, base: &Path) {
        if let Place::Folder(folder) = &mut self.place {
            *folder = base.join(&*folder);
        }
    }
}

/// Cuts user and password out of text that is no URL but may have been meant for one.
fn without_user(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}…{}", &text[..scheme + 3], &text[at..]),
        _ => text.to_owned(),
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}=")?;
        }
        match &self.place {
            Place::Folder(path) => write!(f, "{}", path.display()),
            Place::Web(url) => f.write_str(&redacted(url)),
        }
    }
}

/// Whether text before a `=` is a host name with or without a port, and not the begin of a path.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
}

impl Upstream {
    /// Takes mirrors in the order in which they were given.
    pub fn new(mirrors: Vec<Mirror>) -> Self {
        Self { mirrors }
    }

    /// Checks that every mirror that is a folder is there, lest everything in it seems unpublished.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let missing = |mirror: &Mirror| match &mirror.place {
            Place::Folder(path) if !path.is_dir() => Some(path.clone()),
            _ => None,
        };
        self.mirrors.iter().find_map(missing).map_or(Ok(()), |path| Err(SetupError::NoMirror(path)))
    }

    /// Returns where a planned URL is asked for, as an `http`, `https` or `file` URL.
    pub(super) fn locate(&self, planned: &Url) -> Result<Url, TransferError> {
        let host = host_and_port(planned);
        let of = |wanted: Option<&str>| self.mirrors.iter().rev().find(|mirror| mirror.host.as_deref() == wanted);
        let (mirror, below) = match (of(Some(&host)), of(None)) {
            (Some(mirror), _) => (mirror, None),
            (None, Some(mirror)) => (mirror, Some(host.as_str())),
            (None, None) => return Ok(planned.clone()),
        };
        match &mirror.place {
            Place::Web(base) => Ok(below_url(base, below, planned)),
            Place::Folder(folder) => below_folder(folder, below, planned),
        }
    }
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn below_url(base: &Url, host: Option<&str>, planned: &Url) -> Url {
    let mut url = base.clone();
    let host = host.map_or_else(String::new, |host| format!("/{host}"));
    url.set_path(&format!("{}{host}{}", base.path().trim_end_matches('/'), planned.path()));
    if let Some(query) = planned.query() {
        url.set_query(Some(query));
    }
    url
}

/// Decodes the URL's path (`%2B` is a `+` in a file name) without letting a decoded name leave the folder.
fn below_folder(folder: &Path, host: Option<&str>, planned: &Url) -> Result<Url, TransferError> {
    let outside = || TransferError::OutsideMirror;
    let encoded = planned.path().to_ascii_lowercase();
    if encoded.contains("%2f") || encoded.contains("%00") {
        return Err(outside());
    }
    let absolute = Url::parse(&format!("file://{}", planned.path()))
        .ok()
        .and_then(|url| url.to_file_path().ok())
        .ok_or_else(outside)?;
    let relative: PathBuf = absolute.components().filter(|part| *part != Component::RootDir).collect();
    let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain || relative.as_os_str().is_empty() || planned.path().ends_with('/') {
        return Err(outside());
    }
    let root = std::path::absolute(folder).map_err(|_| outside())?;
    let root = match host.map(|host| root.join(host)) {
        Some(of_host) if of_host.is_dir() => of_host,
        _ => root,
    };
    Url::from_file_path(root.join(relative)).map_err(|()| outside())
}

/// Returns a URL as it may be shown: user name, password and query may be secrets and are starred out; a `file` URL is
/// shown as the path it means.
pub fn redacted(url: &Url) -> String {
    if let ("file", Ok(path)) = (url.scheme(), url.to_file_path()) {
        return path.display().to_string();
    }
    let mut url = url.clone();
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    // Only URLs without a host refuse this, and those have no user.
    if !url.username().is_empty() || url.password().is_some() {
        let _ = url.set_password(None);
        let _ = url.set_username("***");
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(mirrors: &[&str], planned: &str) -> Result<String, TransferError> {
        let mirrors = mirrors.iter().map(|text| text.parse().expect(text)).collect();
        Upstream::new(mirrors).locate(&planned.parse().unwrap()).map(|url| redacted(&url))
    }

    const KUBELET: &str = "https://dl.k8s.io/release/v1/bin/kubelet";

    #[test]
    fn without_a_mirror_the_publisher_is_asked() {
        assert_eq!(located(&[], KUBELET).unwrap(), KUBELET);
        assert_eq!(located(&["github.com=/nowhere"], KUBELET).unwrap(), KUBELET);
    }

    #[test]
    fn a_web_mirror_holds_the_paths_below_the_host_name() {
        assert_eq!(
            located(&["http://m.example:81/k8s/"], KUBELET).unwrap(),
            "http://m.example:81/k8s/dl.k8s.io/release/v1/bin/kubelet"
        );
        assert_eq!(located(&["http://m"], "https://h:8443/a%2Bb").unwrap(), "http://m/h:8443/a%2Bb");
    }

    #[test]
    fn a_mirror_of_one_host_beats_a_general_one_and_a_later_one_an_earlier() {
        let mirrors = ["http://all", "dl.k8s.io=https://first/x", "DL.k8s.io=https://second/y"];
        assert_eq!(located(&mirrors, KUBELET).unwrap(), "https://second/y/release/v1/bin/kubelet");
        assert_eq!(located(&mirrors, "https://github.com/a").unwrap(), "http://all/github.com/a");
    }

    #[test]
    fn a_folder_holds_them_below_the_host_name_or_plainly_and_decoded() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        let ci = "https://dl.k8s.io/ci/v1.38.0-alpha.2.97%2B8eb/x%20y";
        assert_eq!(located(&[root], ci).unwrap(), format!("{root}/ci/v1.38.0-alpha.2.97+8eb/x y"));
        fs_err::create_dir(dir.path().join("dl.k8s.io")).unwrap();
        assert_eq!(located(&[root], ci).unwrap(), format!("{root}/dl.k8s.io/ci/v1.38.0-alpha.2.97+8eb/x y"));
        assert_eq!(
            located(&[&format!("file://{root}")], KUBELET).unwrap(),
            format!("{root}/dl.k8s.io/release/v1/bin/kubelet")
        );
    }

    #[test]
    fn no_url_leads_out_of_the_folder() {
        for url in [
            "https://h/a%2F..%2F..%2Fetc/passwd",
            "https://h/a%2f%2e%2e",
            "https://h/",
            "https://h/a/",
            "https://h/a%00",
        ] {
            assert!(matches!(located(&["/srv"], url), Err(TransferError::OutsideMirror)), "{url}");
        }
        // The URL parser itself resolves dot segments, encoded or not, and stops at the root.
        assert_eq!(located(&["/srv"], "https://h/../%2e%2e/etc/passwd").unwrap(), "/srv/etc/passwd");
    }

    #[test]
    fn what_is_no_mirror_is_refused_without_its_secrets() {
        for text in ["", "ftp://h/x", "dl.k8s.io=", "http://"] {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
        let error = "ftp://me:secret@h/x".parse::<Mirror>().unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn secrets_are_starred_out() {
        let shown = |text: &str| redacted(&text.parse().unwrap());
        assert_eq!(shown("https://me:secret@h/x?token=secret#f"), "https://***@h/x?***");
        assert_eq!(shown("https://:secret@h/x"), "https://***@h/x");
        assert_eq!(shown("https://h/x"), "https://h/x");
    }
}
