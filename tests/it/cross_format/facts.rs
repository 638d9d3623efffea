//! What there is to compare of a package, in words that know no format.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use fs_err as fs;
use kubepkg::digest::Hasher;
use serde_json::Value;

use super::scripts;

/// One thing that a package says or holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact {
    /// Of what, as the table says it.
    pub(super) subject: &'static str,
    pub(super) value: String,
}

/// Everything that is compared of one package.
#[derive(Default)]
pub(super) struct Facts {
    all: BTreeSet<Fact>,
    /// Regular files.
    files: Vec<String>,
    scripts: Vec<(String, String)>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

impl Facts {
    /// Reads what `kubepkg inspect` says.
    pub(super) fn of(package: &Value) -> Self {
        let mut facts = Self::default();
        for key in [
            "name",
            "version",
            "revision",
            "summary",
            "license",
            "maintainer",
            "vendor",
            "homepage",
            "section",
            "priority",
            "build_time",
        ] {
            if !package[key].is_null() {
                facts.add("text", format!("{key} {}", package[key]).replace('"', ""));
            }
        }
        // Each format breaks lines as it must.
        let description = text(&package["description"]);
        let words: Vec<&str> = description.split_whitespace().filter(|word| *word != ".").collect();
        facts.add("text", format!("description {}", words.join(" ")));
        for path in list(&package["conffiles"]) {
            facts.add("configuration", text(path));
        }
        for file in list(&package["files"]) {
            facts.add_file(file);
        }
        for (kind, relations) in package["relations"].as_object().unwrap() {
            for relation in list(relations) {
                // `iptables (>= 1.4.21)` and `iptables >= 1.4.21`.
                let relation = text(relation);
                let relation = match relation.split_once(" (") {
                    Some((name, rest)) => format!("{name} {}", rest.trim_end_matches(')')),
                    None => relation,
                };
                facts.add(kind_of(kind), relation);
            }
        }
        facts.scripts =
            list(&package["scripts"]).map(|script| (text(&script["name"]), text(&script["body"]))).collect();
        facts
    }

    fn add_file(&mut self, file: &Value) {
        let path = text(&file["path"]);
        let is_file = file["type"] == "file";
        let said =
            ["type", "mode", "owner", "group", "mtime", "target"].map(|key| file[key].to_string().replace('"', ""));
        self.add("attributes", format!("{path} {}", said.join(" ")));
        self.add("path", path.clone());
        if is_file {
            self.add("bytes", format!("{path} {} bytes", file["size"]));
            self.files.push(path);
        }
    }

    /// Unpacks the package, and adds the digests of its files. The two formats declare different kinds of digests.
    pub(super) fn add_bytes(&mut self, unpack: &str, package: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let unpack = format!("set -e; {unpack}");
        let status = Command::new("sh").args(["-c", &unpack]).arg(package).current_dir(folder.path()).status().unwrap();
        assert!(status.success(), "{}", package.display());
        for path in self.files.clone() {
            let mut hasher = Hasher::default();
            hasher.update(&fs::read(folder.path().join(&path[1..])).unwrap());
            self.add("bytes", format!("{path} {}", hasher.finish().sha256));
        }
    }

    /// Runs the scripts, and adds what they have systemd do.
    pub(super) fn add_script_effects(&mut self) {
        for effect in scripts::effects(&self.scripts) {
            self.add("script", effect);
        }
    }

    fn add(&mut self, subject: &'static str, value: String) {
        self.all.insert(Fact { subject, value });
    }

    pub(super) fn with(mut self, subject: &'static str, value: &str) -> Self {
        self.add(subject, value.to_owned());
        self
    }

    /// Returns the paths of the package.
    fn paths(&self) -> BTreeSet<String> {
        self.all.iter().filter(|fact| fact.subject == "path").map(|fact| fact.value.clone()).collect()
    }

    /// Returns the facts of two packages, without attributes and bytes of paths that only one of them has: that the path
    /// is there says it all.
    pub(super) fn comparable(deb: Self, rpm: Self) -> [BTreeSet<Fact>; 2] {
        let shared: BTreeSet<String> = deb.paths().intersection(&rpm.paths()).cloned().collect();
        [deb, rpm].map(|mut facts| {
            facts.all.retain(|fact| match fact.subject {
                "attributes" | "bytes" => fact.value.split(' ').next().is_some_and(|path| shared.contains(path)),
                _ => true,
            });
            facts.all
        })
    }
}

/// A relation's kind, under its name in JSON.
fn kind_of(key: &str) -> &'static str {
    match key {
        "requires" => "requires",
        "pre_requires" => "pre_requires",
        "recommends" => "recommends",
        "suggests" => "suggests",
        "supplements" => "supplements",
        "enhances" => "enhances",
        "conflicts" => "conflicts",
        "breaks" => "breaks",
        "replaces" => "replaces",
        "provides" => "provides",
        other => panic!("{other} is no kind of relation"),
    }
}
