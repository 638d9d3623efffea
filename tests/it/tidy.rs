//! The rules of the house that no lint knows.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The rows of `src/`: a module uses only modules of rows above its own.
const LAYERS: [&[&str]; 16] = [
    &["arch", "compression", "digest", "path", "scratch", "source_date", "tree", "version"],
    &["format"],
    &["relation"],
    &["template"],
    &["sign", "spec"],
    &["plan"],
    &["event"],
    &["block", "fetch"],
    &["image"],
    &["package"],
    &["provenance", "sbom"],
    &["repository"],
    &["pipeline"],
    &["verify"],
    &["cli"],
    &["lib", "main"],
];

const MAX_LINES: usize = 400;

/// Names that say nothing of what a module is for.
const EMPTY_NAMES: [&str; 5] = ["utils", "common", "helpers", "misc", "imp"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Lists all files under a folder of the repository, sorted; none if there is no such folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Lists all files that git knows.
fn tracked() -> Vec<PathBuf> {
    let list = Command::new("git").arg("ls-files").current_dir(root()).output().unwrap();
    assert!(list.status.success(), "git: {}", String::from_utf8_lossy(&list.stderr));
    let names = String::from_utf8(list.stdout).unwrap();
    names.lines().map(|name| root().join(name)).filter(|path| path.is_file()).collect()
}

/// The text of a file with its path in the repository. Bytes that are no text match no rule.
fn read(path: &Path) -> (String, String) {
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    (name, String::from_utf8_lossy(&fs_err::read(path).unwrap()).into_owned())
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// The words of a line, as an identifier or a prose word would be cut.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// The module path of a file in `src/`: `package/deb/mod.rs` is `package`, `deb`.
fn module(name: &str) -> Vec<&str> {
    let mut parts: Vec<_> = name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

/// The top modules that a line of code names: `crate::NAME`, `kubepkg::NAME`, or as many `super::` as lead there.
/// Tests inside a file are one module deeper.
fn named(line: &str, depth: usize) -> Vec<String> {
    let up = "super::".repeat(depth);
    let code = line.split("//").next().unwrap_or_default();
    let mut named = Vec::new();
    for (prefix, chained) in [("crate::", false), ("kubepkg::", false), (up.as_str(), true)] {
        for (at, _) in code.match_indices(prefix) {
            let before = &code[..at];
            let part_of_longer =
                before.ends_with(|c: char| c.is_alphanumeric() || c == '_') || (chained && before.ends_with("super::"));
            let rest = &code[at + prefix.len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !part_of_longer && name != "super" {
                named.push(name);
            }
        }
    }
    named
}

/// The uses in one file that no row allows.
fn forbidden_uses(name: &str, text: &str) -> Vec<String> {
    let module = module(name);
    let row = |name: &str| LAYERS.iter().position(|row| row.contains(&name));
    let Some(own) = row(module[0]) else {
        return vec![format!("{name}: `{}` stands in no row", module[0])];
    };
    let mut found = Vec::new();
    let mut depth = module.len();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("mod tests {") {
            depth += 1;
        }
        for used in named(line, depth) {
            let allowed = used == module[0] || row(&used).is_some_and(|row| row < own);
            if !allowed && !used.starts_with(char::is_uppercase) {
                found.push(format!("{name}:{}: `{}` uses `{used}`", number + 1, module[0]));
            }
        }
    }
    found
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let sources = files("src").into_iter().filter(|path| is_rust(path));
    let found: Vec<_> = sources.map(|path| read(&path)).flat_map(|(name, text)| forbidden_uses(&name, &text)).collect();
    assert_none("the layers are broken", &found);
}

#[test]
fn the_layer_rule_sees_every_way_to_name_a_module() {
    for (name, text) in [
        ("src/arch.rs", "use crate::format::Format;"),
        ("src/arch.rs", "use super::format::Format;"),
        ("src/arch.rs", "use crate::version::Version;"),
        ("src/fetch/verify.rs", "    let image = crate::image::PackageImage::new();"),
        ("src/fetch/verify.rs", "use super::super::image::PackageImage;"),
        ("src/fetch/mod.rs", "mod tests {\n    use super::super::image::PackageImage;"),
        ("src/fetch/mod.rs", "use crate::{event::Event, image::PackageImage};"),
        ("src/novelty/mod.rs", ""),
    ] {
        assert_eq!(forbidden_uses(name, text).len(), 1, "{name}: {text}");
    }
    for (name, text) in [
        ("src/fetch/verify.rs", "use crate::digest::Digest; use super::cache::Cache; use crate::fetch::Artifact;"),
        ("src/fetch/mod.rs", "// crate::image::Entry comes later\nmod tests {\n    use super::*;"),
        ("src/main.rs", "kubepkg::cli::main()"),
    ] {
        assert!(forbidden_uses(name, text).is_empty(), "{name}: {text}");
    }
}

#[test]
fn no_file_is_too_long() {
    let sources = ["src", "tests"].iter().flat_map(|folder| files(folder)).filter(|path| is_rust(path));
    let lengths = sources.map(|path| read(&path)).map(|(name, text)| (text.lines().count(), name));
    let long: Vec<_> = lengths.filter(|(lines, _)| *lines > MAX_LINES).map(|long| format!("{long:?}")).collect();
    assert_none("files of more than 400 lines", &long);
}

#[test]
fn nothing_is_left_for_later() {
    // Cut in two, so that this file does not break the rule.
    let later = [["to", "do"], ["fix", "me"], ["xx", "x"]].map(|halves| halves.concat());
    let macros = ["db", "g!"].concat();
    let mut found = Vec::new();
    for path in ["src", "tests", "specs", "templates"].iter().flat_map(|folder| files(folder)) {
        let (name, text) = read(&path);
        for (number, line) in text.lines().enumerate() {
            let left = words(line).any(|word| later.contains(&word.to_lowercase()));
            if left || line.contains(&macros) {
                found.push(format!("{name}:{}: {line}", number + 1));
            }
        }
    }
    assert_none("words that put work off", &found);
}

#[test]
fn no_merge_is_left_halfway() {
    let marks = ["<<<<<<< ", ">>>>>>> "];
    let mut found = Vec::new();
    for path in tracked() {
        let (name, text) = read(&path);
        let left = text.lines().enumerate().filter(|(_, line)| marks.iter().any(|mark| line.starts_with(mark)));
        found.extend(left.map(|(number, line)| format!("{name}:{}: {line}", number + 1)));
    }
    assert_none("marks of conflicts", &found);
}

#[test]
fn modules_are_named_by_what_they_do() {
    let sources = ["src", "tests"].iter().flat_map(|folder| files(folder)).map(|path| read(&path).0);
    let empty = sources.filter(|name| name.split(['/', '.']).any(|part| EMPTY_NAMES.contains(&part)));
    assert_none("names that say nothing", &empty.collect::<Vec<_>>());
}

#[test]
fn nothing_names_a_registry_or_a_machine() {
    // Cut in two, so that this file does not break the rule.
    let hosts = [
        ("deb.", "debian.org"),
        ("archive.", "ubuntu.com"),
        ("pypi.", "org"),
        ("files.", "pythonhosted.org"),
        ("registry.", "npmjs.org"),
        ("index.", "crates.io"),
        ("static.", "crates.io"),
        ("proxy.", "golang.org"),
    ];
    let places = [("/wo", "rk/"), ("/tmp", "/w/"), ("/ro", "ot/.")];
    let mut found = Vec::new();
    for file in tracked() {
        let (name, text) = read(&file);
        for (number, line) in text.lines().enumerate() {
            let host = hosts.iter().any(|(first, second)| line.contains(&[*first, *second].concat()));
            // A relative path may well end in such a folder; an absolute one begins there.
            let place = places.iter().map(|(first, second)| [*first, *second].concat()).any(|place| {
                line.match_indices(&place)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "}.-_".contains(c)))
            });
            if host || place {
                found.push(format!("{name}:{}: {line}", number + 1));
            }
        }
    }
    assert_none("names of registries or of our machines", &found);
}
