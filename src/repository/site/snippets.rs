//! What the package managers of a client are told of a channel: files that are used as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::digest::Digest;
use crate::format::Format;
use crate::repository::channel::Channel;
use crate::repository::charter::Charter;
use crate::repository::fragment::compare_versions;
use crate::repository::generation::Generation;
use crate::repository::keyring_package::rpm_key;
use crate::repository::layout::{self, CERTIFICATE, COMPONENT};
use crate::repository::rpmmd::{LIST, Mirrors, REPOMD, SNAPSHOTS};
use crate::repository::settings::{PublicUrl, Shape};

/// The most packages that a file names, one by one.
const MAX_NAMES: usize = 500;
/// apt's priority of a version that is installed even where that is a downgrade (`apt_preferences(5)`).
const FORCED: u32 = 1001;

/// How the names of the files end.
pub(super) const ENDS: [&str; 11] = [
    ".sources",
    "-keyring.sources",
    "-flat.sources",
    ".pref",
    "-version.pref",
    ".repo",
    "-keyring.repo",
    "-exclude.repo",
    "-versionlock.list",
    "-versionlock.toml",
    "-hold.sh",
];

/// Returns a URL below the repository, with a slash at its end if `path` has one. Clients take blanks and commas for the
/// ends of a URL, and dollar signs for variables.
pub(super) fn url_of(url: &PublicUrl, path: &str) -> String {
    format!("{url}/{path}").replace(',', "%2C").replace('$', "%24")
}

/// The word by which clients know a channel: `example-stable-v1.36`.
pub(super) fn id(charter: &Charter, channel: Channel) -> String {
    format!("{}-{}", charter.word(), channel.word())
}

/// A file for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The name of the file, of characters that every client takes.
    pub name: String,
    /// The format of the packages that it is about; none of what is about all.
    pub format: Option<Format>,
    /// What it is for: a phrase.
    pub purpose: &'static str,
    /// The folder or the file where the client expects it; none of what is run.
    pub place: Option<&'static str>,
    /// What is in it.
    pub text: String,
}

/// What is told of a channel.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The repository.
    pub charter: &'a Charter,
    /// Where clients find it.
    pub url: &'a PublicUrl,
    /// The certificates that apt believes, in ASCII armor.
    pub armor: &'a str,
    /// What the channel shows.
    pub generation: &'a Generation,
}

impl Subject<'_> {
    /// Returns the word by which clients know the channel, `example-stable-v1.36`: the names of files begin with it.
    pub fn id(&self) -> String {
        id(self.charter, self.generation.channel)
    }

    /// Returns all files.
    pub fn snippets(&self) -> Vec<Snippet> {
        let has = |format: Format| self.generation.packages.iter().any(|entry| entry.format == format);
        let mut all = Vec::new();
        if has(Format::Deb) {
            all.extend(self.apt());
        }
        if has(Format::Rpm) {
            all.extend(self.rpm());
        }
        all.push(self.hold());
        all
    }

    fn apt(&self) -> Vec<Snippet> {
        const SOURCES: Option<&str> = Some("/etc/apt/sources.list.d");
        const PREFERENCES: Option<&str> = Some("/etc/apt/preferences.d");
        let deb = |end: &str, purpose, place, text| {
            let name = format!("{}{end}", self.id());
            Snippet { name, format: Some(Format::Deb), purpose, place, text }
        };
        let (embedded, keyring) = (self.embedded_key(), self.keyring());
        let shapes = &self.charter.settings.shapes;
        let first = shapes.first().copied().unwrap_or(Shape::Dists);
        let mut all = vec![
            deb(".sources", "apt's source, with the key in it", SOURCES, self.source(first, &embedded)),
            deb(
                "-keyring.sources",
                "the same, with the key of the keyring package",
                SOURCES,
                self.source(first, &keyring),
            ),
        ];
        if first != Shape::Flat && shapes.contains(&Shape::Flat) {
            let text = self.source(Shape::Flat, &embedded);
            all.push(deb("-flat.sources", "the same in the shape of pkgs.k8s.io", SOURCES, text));
        }
        all.push(deb(".pref", "no other source may have these packages", PREFERENCES, self.origin()));
        all.push(deb("-version.pref", "the newest versions of today, and no others", PREFERENCES, self.version()));
        all
    }

    fn source(&self, shape: Shape, key: &str) -> String {
        let place = match shape {
            Shape::Dists => {
                format!(
                    "URIs: {}\nSuites: {}\nComponents: {COMPONENT}\n",
                    url_of(self.url, ""),
                    self.generation.channel.word()
                )
            }
            Shape::Flat => {
                let folder = layout::flat(self.generation.channel, Format::Deb);
                format!("URIs: {}\nSuites: /\n", url_of(self.url, &format!("{folder}/")))
            }
        };
        format!("Types: deb\n{place}{key}")
    }

    /// A blank before each line, and a dot on empty ones (sources.list(5)).
    fn embedded_key(&self) -> String {
        let lines =
            self.armor.lines().map(|line| if line.trim().is_empty() { " .".to_owned() } else { format!(" {line}") });
        format!("Signed-By:\n{}\n", lines.collect::<Vec<_>>().join("\n"))
    }

    fn keyring(&self) -> String {
        format!("Signed-By: /usr/share/keyrings/{}-archive-keyring.gpg\n", self.charter.word())
    }

    /// Against dependency confusion: another source with a higher version of a package is not even looked at.
    fn origin(&self) -> String {
        let names = self.newest(Format::Deb).into_keys().take(MAX_NAMES).collect::<Vec<_>>().join(" ");
        // A channel that is not to be followed by itself stays so.
        let priority = if self.generation.channel.stage().is_automatic() { 990 } else { 100 };
        format!(
            "Explanation: these packages come from this repository, whatever others offer\nPackage: {names}\n\
             Pin: release o={}\nPin-Priority: {priority}\n\nPackage: {names}\nPin: release c=*\nPin-Priority: -1\n",
            pattern(&self.charter.name),
        )
    }

    fn version(&self) -> String {
        let pin = |(name, version): (&str, &str)| {
            format!("Package: {name}\nPin: version {version}\nPin-Priority: {FORCED}\n")
        };
        self.newest(Format::Deb).into_iter().take(MAX_NAMES).map(pin).collect::<Vec<_>>().join("\n")
    }

    fn rpm(&self) -> Vec<Snippet> {
        const REPOS: Option<&str> = Some("/etc/yum.repos.d");
        let rpm = |end: &str, purpose, place, text| {
            let name = format!("{}{end}", self.id());
            Snippet { name, format: Some(Format::Rpm), purpose, place, text }
        };
        let names = self.newest(Format::Rpm).into_keys().take(MAX_NAMES).collect::<Vec<_>>().join(" ");
        let own = self.repo(&url_of(self.url, CERTIFICATE));
        let keyring = self.repo(&format!("file://{}", rpm_key(self.charter)));
        let exclude = format!("{own}exclude={names}\n");
        vec![
            rpm(".repo", "the repository for dnf, and for zypper in /etc/zypp/repos.d", REPOS, own),
            rpm("-keyring.repo", "the same, with the key of the keyring package", REPOS, keyring),
            rpm("-exclude.repo", "the same, used only with --disableexcludes", REPOS, exclude),
            rpm(
                "-versionlock.list",
                "the newest versions of today, for dnf 4: lines of the file that its plugin versionlock reads",
                Some("/etc/dnf/plugins/versionlock.list"),
                self.locked(),
            ),
            rpm(
                "-versionlock.toml",
                "the same for dnf 5: all of its file, or the tables of it",
                Some("/etc/dnf/versionlock.toml"),
                self.locked_by_table(),
            ),
        ]
    }

    fn repo(&self, key: &str) -> String {
        let folder = layout::flat(self.generation.channel, Format::Rpm);
        let base = url_of(self.url, &format!("{folder}/"));
        let plain = |c: &char| c.is_alphanumeric() || " ._-/".contains(*c);
        let name: String = format!("{} {}", self.charter.name, self.generation.channel).chars().filter(plain).collect();
        let list = match self.list() {
            Some(list) => format!(
                "# dnf takes mirrorlist, which leads to one whole state at any time, and zypper takes baseurl.\n\
                 mirrorlist={list}\n"
            ),
            None => String::new(),
        };
        // Against dependency confusion: dnf and zypper look at no other source for what they find here, of whatever version.
        let priority = if self.generation.channel.stage().is_automatic() { "priority=90\n" } else { "" };
        // For dnf `gpgcheck` is that of packages, which zypper does not check where index files are signed, unless told.
        format!(
            "[{}]\nname={name}\nbaseurl={base}\n{list}enabled=1\ntype=rpm-md\nautorefresh=1\n{priority}gpgcheck=1\n\
             pkg_gpgcheck=1\nrepo_gpgcheck=1\ngpgkey={key}\n",
            self.id(),
        )
    }

    /// The URL of the list of mirrors, where there is one and it leads to this repository: it is made for the address that
    /// the repository has at the time of a publication.
    fn list(&self) -> Option<String> {
        let folder = layout::flat(self.generation.channel, Format::Rpm);
        let snapshots = format!("{folder}/{SNAPSHOTS}/");
        let name = self.generation.indices.iter().find_map(|file| {
            let inside = file.path.as_str().strip_prefix(&snapshots)?;
            inside.strip_suffix(&format!("/{REPOMD}"))
        })?;
        let list = Mirrors::new(&format!("{}/{folder}", self.url), name).to_string();
        let (path, sha256) = (format!("{folder}/{LIST}"), Digest::sha256(&list));
        let mut shown = self.generation.projection.iter();
        shown.any(|file| file.path.as_str() == path && file.sha256 == sha256).then(|| url_of(self.url, &path))
    }

    /// A line for each package, any architecture of it (dnf-versionlock(8)).
    fn locked(&self) -> String {
        let lock = |(name, version)| format!("{name}-{}.*\n", with_epoch(version));
        self.newest(Format::Rpm).into_iter().take(MAX_NAMES).map(lock).collect()
    }

    /// A table for each package (dnf5-versionlock(8)).
    fn locked_by_table(&self) -> String {
        let lock = |(name, version)| {
            format!(
                "\n[[packages]]\nname = \"{name}\"\n[[packages.conditions]]\nkey = \"evr\"\ncomparator = \"=\"\n\
                 value = \"{}\"\n",
                with_epoch(version),
            )
        };
        let tables: String = self.newest(Format::Rpm).into_iter().take(MAX_NAMES).map(lock).collect();
        format!("version = \"1.0\"\n{tables}")
    }

    /// A program for every package manager: it leaves what is installed as it is.
    fn hold(&self) -> Snippet {
        let names = |format| self.newest(format).into_keys().take(MAX_NAMES).collect::<Vec<_>>().join(" ");
        let mut text = format!(
            "#!/bin/sh\n# Leaves the packages of {} as they are, until `sh {0}-hold.sh off`. Run it as root.\nset -eu\n\
             if [ \"${{1:-}}\" = off ]; then apt=unhold dnf=delete zypper=removelock\n\
             else apt=hold dnf=add zypper=addlock; fi\n",
            self.id(),
        );
        let mut word = "if";
        // A machine may have several of them; the first one is the system's.
        let programs = [
            (Format::Deb, "apt-mark", "\"$apt\""),
            (Format::Rpm, "zypper", "\"$zypper\""),
            (Format::Rpm, "dnf", "versionlock \"$dnf\""),
        ];
        for (format, program, verb) in programs {
            let names = names(format);
            if !names.is_empty() {
                let _ = writeln!(text, "{word} command -v {program} >/dev/null; then {program} {verb} {names}");
                word = "elif";
            }
        }
        text += "fi\n";
        let name = format!("{}-hold.sh", self.id());
        Snippet { name, format: None, purpose: "holds the packages where they are, or lets them go", place: None, text }
    }

    /// The newest version of each package.
    pub fn newest(&self, format: Format) -> BTreeMap<&str, &str> {
        let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
        for entry in self.generation.packages.iter().filter(|entry| entry.format == format) {
            let version = newest.entry(&entry.name).or_insert(&entry.version);
            if compare_versions(format, &entry.version, version).is_gt() {
                *version = &entry.version;
            }
        }
        newest
    }
}

/// A version with the epoch that it has, or with 0.
fn with_epoch(version: &str) -> String {
    if version.contains(':') { version.to_owned() } else { format!("0:{version}") }
}

/// A text as apt's patterns match it: what means something in them stands for any character.
fn pattern(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || " ._-".contains(c) { c } else { '?' }).collect()
}
