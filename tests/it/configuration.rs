//! `kubepkg.yaml`: every key, what beats it, and how it is refused.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{command, done, kubepkg, refused, root, tool};

/// A folder in which `fixtures/vendor/kubepkg.yaml` finds what it names; returns the configuration's path.
fn vendor(folder: &TempDir) -> PathBuf {
    let base = folder.path().join("fixtures/vendor");
    fs_err::create_dir_all(&base).unwrap();
    fs_err::copy(root("fixtures/vendor/kubepkg.yaml"), base.join("kubepkg.yaml")).unwrap();
    fs_err::copy(root("fixtures/vendor/test-only.asc"), base.join("test-only.asc")).unwrap();
    symlink(root("fixtures/vendor/helm"), base.join("helm")).unwrap();
    symlink(root("fixtures/upstream"), folder.path().join("fixtures/upstream")).unwrap();
    symlink(root("templates"), folder.path().join("templates")).unwrap();
    symlink(root("fixtures/trusted_root.json"), folder.path().join("fixtures/trusted_root.json")).unwrap();
    base.join("kubepkg.yaml")
}

fn written(folder: &Path, text: &str) -> String {
    let path = folder.join("kubepkg.yaml");
    fs_err::write(&path, text).unwrap();
    path.display().to_string()
}

/// The keys of the example are those of the schema.
#[test]
fn the_example_has_every_key() {
    let schema: Value = serde_json::from_str(&kubepkg(&["spec", "schema", "--of", "configuration"])).unwrap();
    let mut known: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let text = fs_err::read_to_string(root("fixtures/vendor/kubepkg.yaml")).unwrap();
    let begins_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let mut keys: Vec<&str> = text.lines().filter(begins_key).map(|line| line.split(':').next().unwrap()).collect();
    known.sort();
    keys.sort_unstable();
    assert_eq!(keys, known);
}

/// Every key decides something, and folders are meant from where the configuration lies.
#[test]
fn every_key_is_heeded() {
    let folder = TempDir::new().unwrap();
    let config = vendor(&folder);
    let elsewhere = TempDir::new().unwrap();
    let mut command = command();
    let paths = done(
        command.args(["build", "helm", "--version", "3.18.4", "--config"]).arg(&config).current_dir(elsewhere.path()),
    );
    let package = config.with_file_name("dist/helm_3.18.4-00~acme12_arm64.deb");
    assert_eq!(paths, format!("{}\n", package.display()));
    assert!(config.with_file_name("cache").is_dir());
    assert_eq!(fs_err::read_dir(elsewhere.path()).unwrap().count(), 0);
    let package = package.to_str().unwrap();
    let field = |name: &str| tool("dpkg-deb", ["-f", package, name]);
    assert_eq!(field("Maintainer"), "Acme Packages <packages@acme.example>\n");
    assert_eq!(field("Origin"), "Acme\n");
    assert_eq!(field("Architecture"), "arm64\n");
    assert!(tool("ar", ["t", package]).contains("data.tar.gz\n_gpgorigin\n"));
}

/// Of the plan for kubectl 1.36.2: what the key decides.
fn decided(field: &str, variable: Option<(&str, &str)>, flags: &[&str], config: &str) -> String {
    let mut command = command();
    command.args(["plan", "kubectl", "--version", "1.36.2", "--json", "--config", config]).args(flags);
    command.envs(variable);
    let plan: Value = serde_json::from_str(&done(&mut command)).unwrap();
    let build = &plan["builds"][0];
    match field {
        "formats" => build["packages"].as_array().unwrap().iter().map(|one| one["format"].to_string()).collect(),
        field => build[field].to_string(),
    }
}

#[test]
fn flags_beat_variables_and_variables_beat_the_file() {
    let folder = TempDir::new().unwrap();
    for (field, line, variable, flag) in [
        (
            "maintainer",
            "maintainer: A <a@example.org>",
            ("KUBEPKG_MAINTAINER", "B <b@example.org>"),
            ["--maintainer", "C <c@example.org>"],
        ),
        ("vendor", "vendor: A", ("KUBEPKG_VENDOR", "B"), ["--vendor", "C"]),
        ("arch", "arches: [arm64]", ("KUBEPKG_ARCH", "s390x"), ["--arch", "ppc64le"]),
        ("revision", "profile: legacy", ("KUBEPKG_REVISION", "7"), ["--revision", "8"]),
    ] {
        let config = written(folder.path(), &format!("{line}\n"));
        let file = decided(field, None, &[], &config);
        let both = decided(field, Some(variable), &[], &config);
        let all = decided(field, Some(variable), &flag, &config);
        let alone = decided(field, None, &flag, &config);
        assert!(both.contains(variable.1) && all.contains(flag[1]), "{field}: {both}, {all}");
        assert_eq!(all, alone, "{field}");
        let distinct: std::collections::BTreeSet<_> = [&file, &both, &all].into();
        assert_eq!(distinct.len(), 3, "{field}: {file}, {both}, {all}");
    }
    let config = written(folder.path(), "formats: [deb]\narches: [amd64]\n");
    assert_eq!(decided("formats", None, &[], &config), "\"deb\"");
    assert_eq!(decided("formats", Some(("KUBEPKG_FORMAT", "rpm")), &[], &config), "\"rpm\"");
    assert_eq!(
        decided("formats", Some(("KUBEPKG_FORMAT", "rpm")), &["--format", "deb,rpm"], &config),
        "\"deb\"\"rpm\""
    );
}

#[test]
fn a_scheme_makes_a_revision_of_the_profiles_or_the_users() {
    let folder = TempDir::new().unwrap();
    let scheme = "arches: [amd64]\nrevision: {deb: \"{{revision}}~acme12\", rpm: \"{{revision}}.acme.el9\"}\n";
    let config = written(folder.path(), scheme);
    let revision = |flags: &[&str]| decided("revision", None, flags, &config);
    assert_eq!(revision(&[]), r#"{"deb":"1.1~acme12","rpm":"1.1.acme.el9"}"#);
    assert_eq!(revision(&["--profile", "legacy"]), r#"{"deb":"00~acme12","rpm":"0.acme.el9"}"#);
    assert_eq!(revision(&["--revision", "3"]), r#"{"deb":"3~acme12","rpm":"3.acme.el9"}"#);
}

/// The configuration of the current folder needs no option.
#[test]
fn the_file_of_the_current_folder_is_read() {
    let folder = TempDir::new().unwrap();
    written(folder.path(), "# Nothing but a comment.\n");
    let list = ["spec", "list"];
    let all = done(command().args(list).current_dir(folder.path()));
    symlink(root("fixtures/vendor/helm"), folder.path().join("helm")).unwrap();
    written(folder.path(), "spec-dir: helm\n");
    let one = done(command().args(list).current_dir(folder.path()));
    assert!(all.contains("kubelet ") && !one.contains("kubelet ") && one.contains("helm "), "{all}{one}");
}

#[test]
fn a_bad_configuration_is_shown_in_its_place() {
    let folder = TempDir::new().unwrap();
    for (text, place, cause) in [
        ("nonsense: 1\n", "1:1", "unknown key `nonsense`"),
        ("vendor: A\nvendor: B\n", "2:1", "the key `vendor` is there twice"),
        ("vendor: Acme\nformats: deb\n", "2:10", "a list must stand here"),
        ("formats: [deb, apk]\n", "1:16", "unknown format `apk`"),
        ("arches:\n  - amd64\n  - aarch64\n", "3:5", "`aarch64` is `arm64` in upstream's spelling"),
        ("maintainer: nobody\n", "1:13", "`nobody` is no maintainer"),
        ("maintainer: \"A\\nB <a@example.org>\"\n", "1:13", "is no maintainer"),
        ("vendor: \"A\\nB\"\n", "1:9", "is no vendor"),
        ("revision:\n  deb: \"{{number}}\"\n", "2:8", "unknown variable `number`"),
        ("revision: {rpm: \"1.acme\"}\n", "1:17", "makes one revision of all"),
        ("revision: {deb: \"{{revision}}-1\"}\n", "1:17", "is no revision"),
        ("upstream: [\"ftp://example.org\"]\n", "1:12", "is no mirror"),
        ("compression: lzip\n", "1:14", "lzip"),
        ("output: [dist\n", "1:9", "a text must stand here"),
    ] {
        let config = written(folder.path(), text);
        let said = refused(2, command().args(["plan", "--version", "1.36.2", "--config", &config]));
        let found =
            said.contains(&format!("--> {config}:{place}\n")) && said.contains(cause) && said.contains("= help: ");
        assert!(found, "{text}\n{said}");
    }
    let said = refused(2, command().args(["spec", "list", "--config", "/nonexistent.yaml"]));
    assert!(said.contains("/nonexistent.yaml") && said.contains("hint: "), "{said}");
    let huge = written(folder.path(), &format!("vendor: {}\n", "x".repeat(1 << 20)));
    let said = refused(2, command().args(["spec", "list", "--config", &huge]));
    assert!(said.contains("larger than the limit"), "{said}");
}
