use super::golang::{GoModule, modules};
use super::{parse, purl};
use crate::image::elf::{GoBuild, Module};

fn module(path: &str, version: &str) -> Module {
    Module { path: path.to_owned(), version: version.to_owned(), replaces: None }
}

fn build(main: Module, dependencies: Vec<Module>) -> GoBuild {
    GoBuild { go_version: "go1.26.8".to_owned(), module: Some(main), dependencies, ..GoBuild::default() }
}

fn versions(modules: &[GoModule]) -> Vec<String> {
    let version = |module: &GoModule| module.version.clone().unwrap_or_else(|| "?".to_owned());
    modules.iter().map(|module| format!("{}@{}", module.path, version(module))).collect()
}

#[test]
fn modules_of_kubernetes_have_the_versions_that_they_are_published_with() {
    let dependencies = || {
        let staging = Module {
            replaces: Some(("k8s.io/metrics".into(), "v0.0.0".into())),
            ..module("./staging/src/k8s.io/metrics", "")
        };
        vec![
            module("k8s.io/api", "(devel)"),
            staging,
            module("k8s.io/klog/v2", "v2.140.0"),
            module("golang.org/x/net", "v0.57.0"),
        ]
    };
    let found = modules(&build(module("k8s.io/kubernetes", "v1.37.1"), dependencies()), "1.37.1");
    let known = ["k8s.io/api@v0.37.1", "k8s.io/metrics@v0.37.1", "k8s.io/klog/v2@v2.140.0", "golang.org/x/net@v0.57.0"];
    assert_eq!(versions(&found)[1..5], known);
    assert_eq!(versions(&found)[0], "k8s.io/kubernetes@v1.37.1");
    assert_eq!(versions(&found)[5], "stdlib@1.26.8");
    assert_eq!((found[1].recorded.as_deref(), found[2].recorded.as_deref()), (Some("(devel)"), Some("v0.0.0")));
    assert_eq!((&found[0].recorded, &found[3].recorded, &found[5].recorded), (&None, &None, &None));
    // A linker that knew no version at all: the release is what the package is.
    let found = modules(&build(module("k8s.io/kubernetes", "(devel)"), dependencies()), "1.29.3");
    assert_eq!(versions(&found)[..2], ["k8s.io/kubernetes@v1.29.3", "k8s.io/api@v0.29.3"]);
    assert_eq!(found[0].recorded.as_deref(), Some("(devel)"));
    // Of CI builds, and in the programs of others, nobody knows.
    let found =
        modules(&build(module("k8s.io/kubernetes", "(devel)"), dependencies()), "1.38.0-alpha.2.97+8eb85c40f2b1ca");
    assert_eq!(versions(&found)[1], "k8s.io/api@?");
    let found = modules(&build(module("example.org/agent", "v1.2.3"), dependencies()), "1.2.3");
    assert_eq!(versions(&found)[1], "k8s.io/api@?");
}

#[test]
fn what_replaces_a_module_is_what_is_inside() {
    let fork =
        Module { replaces: Some(("example.org/lib".into(), "v1.0.0".into())), ..module("example.com/fork", "v1.0.1") };
    let found = modules(&build(module("example.org/agent", "v1.2.3"), vec![fork]), "1.2.3");
    assert_eq!(versions(&found)[1], "example.com/fork@v1.0.1");
    assert_eq!(found[1].replaces.as_deref(), Some("example.org/lib@v1.0.0"));
}

#[test]
fn a_program_without_a_list_of_modules_has_the_standard_library() {
    for (go, version, recorded) in [
        ("go1.27.1", "1.27.1", None),
        ("go1.24.0 X:boringcrypto", "1.24.0", Some("go1.24.0 X:boringcrypto")),
        ("go1.25rc1", "1.25rc1", None),
        ("devel go1.27-abc", "?", Some("devel go1.27-abc")),
    ] {
        let found = modules(&GoBuild { go_version: go.to_owned(), ..GoBuild::default() }, "1.0.0");
        assert_eq!(versions(&found), [format!("stdlib@{version}")]);
        assert_eq!(found[0].recorded.as_deref(), recorded);
    }
    assert!(modules(&GoBuild::default(), "1.0.0").is_empty());
}

#[test]
fn package_urls_are_encoded() {
    assert_eq!(
        purl::of_module("github.com/Azure/go-ansiterm", Some("v2.0.1+incompatible")),
        "pkg:golang/github.com/Azure/go-ansiterm@v2.0.1%2Bincompatible"
    );
    assert_eq!(
        purl::of_file("x y.tgz", "1.0", "aa", Some("https://h/a?b"), Some("./bin/x#y")),
        "pkg:generic/x%20y.tgz@1.0?checksum=sha256:aa&download_url=https://h/a%3Fb#bin/x%23y"
    );
}

#[test]
fn bytes_that_are_no_bill_are_refused() {
    for bytes in [&b""[..], b"{}", b"[]", b"\xff", b"{\"bomFormat\":\"SPDX\",\"specVersion\":\"1\"}"] {
        assert!(parse(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
    let deep = "[".repeat(100_000);
    assert!(parse(format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"x\":{deep}").as_bytes()).is_err());
    assert!(parse(&vec![b' '; 17 << 20]).unwrap_err().to_string().contains("limit"));
    let bad_hash = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"x","hashes":[{"alg":"SHA-256","content":"zz"}]}]}"#;
    assert!(parse(bad_hash.as_bytes()).is_err());
    let least = parse(br#"{"bomFormat":"CycloneDX","specVersion":"1.5","more":1}"#).unwrap();
    assert_eq!((least.spec_version.as_str(), least.parts.len()), ("1.5", 0));
}
