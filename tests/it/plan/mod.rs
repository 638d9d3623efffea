//! `kubepkg plan`: the dry run, its JSON, and the ids of jobs.

mod selection;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use snapbox::{Data, assert_data_eq};

use crate::program::{command, done, kubepkg, root};

fn plan(arguments: &[&str]) -> Value {
    serde_json::from_str(&kubepkg(&[&["plan", "--json"], arguments].concat())).unwrap()
}

/// The id of every package by its file name.
fn ids(plan: &Value) -> BTreeMap<String, String> {
    let builds = plan["builds"].as_array().unwrap();
    let packages = builds.iter().flat_map(|build| build["packages"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    packages.map(|package| (text(&package["file"]), text(&package["id"]))).collect()
}

/// Everything that is decided before a byte is fetched, field by field. `SNAPSHOTS=overwrite` accepts another schema.
#[test]
fn the_json_of_a_plan_is_this() {
    let mut plan = plan(&["kubeadm", "--version", "1.31.1", "--arch", "arm64"]);
    // The program's own version is part of an id.
    for id in ids(&plan).values() {
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    for package in plan["builds"][0]["packages"].as_array_mut().unwrap() {
        package["id"] = json!("ID");
    }
    let expected = Data::read_from(root("tests/it/plan/kubeadm.json").as_ref(), None);
    assert_data_eq!(Data::text(format!("{plan:#}\n")), expected.raw());
}

#[test]
fn a_plan_is_the_same_in_every_order_and_on_every_day() {
    let one = plan(&["kubeadm", "kubectl", "--version", "1.36.2", "--arch", "arm64,amd64", "--format", "rpm,deb"]);
    let other = done(command().env("TZ", "Asia/Tokyo").env("LANG", "de_DE.UTF-8").args([
        "plan",
        "--json",
        "--arch",
        "amd64",
        "--format",
        "deb",
        "--arch",
        "arm64",
        "--format",
        "rpm",
        "--version",
        "v1.36.2",
        "--component",
        "kubectl",
        "kubeadm",
    ]));
    assert_eq!(one, serde_json::from_str::<Value>(&other).unwrap());
}

/// What else is built in the same run does not change the id of a package.
#[test]
fn an_id_is_that_of_one_package() {
    let all = ids(&plan(&["--version", "1.36.2", "--arch", "all"]));
    for arguments in [
        ["kubelet", "--version", "1.36.2", "--arch", "arm64", "--format", "deb"],
        ["kubelet", "--version", "1.36.2", "--arch", "amd64", "--format", "rpm"],
        ["kubeadm", "--version", "1.36.2", "--arch", "amd64", "--format", "rpm"],
        ["cri-tools", "--version", "1.36.0", "--arch", "amd64", "--format", "deb"],
    ] {
        let alone = ids(&plan(&arguments));
        assert_eq!(alone.len(), 1);
        for (file, id) in alone {
            assert_eq!(all.get(&file), Some(&id), "{file}");
        }
    }
    let distinct: std::collections::BTreeSet<&String> = all.values().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn every_input_changes_the_id() {
    let folder = tempfile::tempdir().unwrap();
    let exported = folder.path().join("acme");
    let exported = exported.to_str().unwrap();
    kubepkg(&["spec", "export", exported]);
    let (specs, templates) = (format!("{exported}/specs"), format!("{exported}/templates"));
    let edit = |path: String, from: &str, to: &str| {
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{path}");
        fs_err::write(&path, text.replace(from, to)).unwrap();
    };
    let base = ["kubelet", "--version", "1.36.2", "--arch", "amd64", "--format", "deb"];
    let id = |more: &[&str]| ids(&plan(&[&base, more].concat())).into_values().next().unwrap();
    let mut seen = vec![id(&[])];
    // Exported trees are the same input.
    assert_eq!(id(&["--spec-dir", &specs, "--template-dir", &templates]), seen[0]);
    for more in [
        &["--revision", "2"][..],
        &["--maintainer", "Acme <packages@acme.example>"],
        &["--vendor", "Acme"],
        &["--component-version", "kubelet=1.36.1"],
        &["--profile", "legacy"],
        &["--from-dir", "."],
    ] {
        seen.push(id(more));
    }
    let dated = done(command().env("SOURCE_DATE_EPOCH", "1700000000").args(["plan", "--json"]).args(base));
    seen.extend(ids(&serde_json::from_str(&dated).unwrap()).into_values());
    edit(format!("{templates}/files/kubelet.service"), "RestartSec=10", "RestartSec=11");
    seen.push(id(&["--template-dir", &templates]));
    edit(format!("{templates}/files/kubelet.service"), "RestartSec=11", "RestartSec=10");
    edit(format!("{templates}/deb/postinst"), "set -e", "set -eu");
    seen.push(id(&["--template-dir", &templates]));
    for (from, to) in [
        ("summary: Node agent", "summary: The agent"),
        ("util-linux}", "util-linux, at-least: \"2.34\"}"),
        ("limit-mib: 512", "limit-mib: 513"),
        ("/bin/linux/", "/bin/linux-gnu/"),
        ("SHA256SUMS\", optional: true}", "SHA256SUMS\"}"),
        ("on-install: preset", "on-install: nothing"),
        ("/var/lib/kubelet, directory: true,", "/var/lib/kubelet, directory: true, mode: \"0750\","),
    ] {
        edit(format!("{specs}/kubelet.yaml"), from, to);
        seen.push(id(&["--spec-dir", &specs]));
    }
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    // A deb does not depend on what only RPM has.
    let before = id(&["--spec-dir", &specs]);
    edit(format!("{specs}/kubelet.yaml"), "rpm: conntrack-tools", "rpm: conntrackd");
    edit(format!("{templates}/rpm/post"), "|| :", "|| true");
    edit(format!("{templates}/deb/postinst"), "set -eu", "set -e");
    assert_eq!(id(&["--spec-dir", &specs, "--template-dir", &templates]), before);
}

/// The same URL is fetched once for each way to verify it, and never with the weaker one of another component.
#[test]
fn a_download_is_shared_only_where_it_is_verified_in_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let helm = fs_err::read_to_string(root("fixtures/vendor/helm/helm.yaml")).unwrap();
    let published = "- sha256: \"{{url}}.sha256sum\"";
    let pinned = format!("- pinned: {{3.18.4: {{amd64: \"sha256:{}\"}}}}", "0".repeat(64));
    for (name, digests) in [("helm", published), ("helm-again", published), ("helm-pinned", &pinned)] {
        let spec = helm.replace("name: helm\n", &format!("name: {name}\n")).replace(published, digests);
        let spec = spec.replace("/usr/bin/helm", &format!("/usr/bin/{name}"));
        fs_err::write(folder.path().join(format!("{name}.yaml")), spec).unwrap();
    }
    let specs = folder.path().to_str().unwrap();
    let plan = plan(&["--version", "3.18.4", "--arch", "amd64", "--format", "deb", "--spec-dir", specs]);
    let kinds: Vec<bool> =
        plan["downloads"].as_array().unwrap().iter().map(|one| one["digests"][0]["pinned"].is_string()).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&true) && kinds.contains(&false));
}
