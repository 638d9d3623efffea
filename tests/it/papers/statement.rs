//! Provenance: what a package was made of.

use super::*;
use crate::cli::{Rig, packages};
use crate::mirror::{Mirror, program};

const LINE: &str = "build kubectl --version 1.36.2 --arch amd64 --format deb";
const DEB: &str = "kubectl_1.36.2-1.1_amd64.deb";

/// Reads statements as in-toto's own library does, which knows every field by name.
const VALIDATE: &str = "
import base64, json, sys
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
for name in sys.argv[1:]:
    for line in open(name):
        envelope = json.loads(line)
        assert set(envelope) == {'payloadType', 'payload', 'signatures'}, name
        payload = json.loads(base64.b64decode(envelope['payload'], validate=True))
        statement = ParseDict(payload, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        ParseDict(payload['predicate'], provenance_pb2.Provenance())
        print(statement.predicate_type)
";

fn statement(rig: &Rig) -> Value {
    envelopes(&rig.dist().join(DEB)).remove(0).1
}

fn dependencies(statement: &Value) -> &Vec<Value> {
    statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap()
}

#[test]
fn the_library_of_in_toto_reads_every_statement() {
    let rig = Rig::new();
    rig.good("build --version 1.36.2 --arch amd64 --compression none");
    let files: Vec<PathBuf> = packages(&rig.dist()).iter().map(|package| provenance(package)).collect();
    let arguments: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    assert_eq!(python::run(VALIDATE, &arguments), "https://slsa.dev/provenance/v1\n".repeat(10));
}

#[test]
fn a_statement_says_everything_that_decides_the_bytes() {
    let rig = Rig::new();
    rig.good(&format!("{LINE} --vendor Acme --revision 3"));
    let statement = envelopes(&rig.dist().join("kubectl_1.36.2-3_amd64.deb")).remove(0).1;
    let definition = &statement["predicate"]["buildDefinition"];
    let expected = serde_json::json!({
        "component": "kubectl",
        "version": "1.36.2",
        "arch": "amd64",
        "format": "deb",
        "profile": "current",
        "revision": "3",
        "maintainer": definition["externalParameters"]["maintainer"],
        "vendor": "Acme",
        "sourceDateEpoch": definition["externalParameters"]["sourceDateEpoch"],
        "compression": "xz:6",
    });
    assert_eq!(definition["externalParameters"], expected);
    let plan =
        rig.good("plan kubectl --version 1.36.2 --arch amd64 --format deb --vendor Acme --revision 3 --json").json();
    assert_eq!(definition["internalParameters"]["job"], plan["builds"][0]["packages"][0]["id"]);
    assert_eq!(expected["sourceDateEpoch"], plan["builds"][0]["date"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(statement["predicate"]["runDetails"]["builder"]["version"]["kubepkg"], version);
}

#[test]
fn specs_and_templates_stand_in_it_with_their_digests() {
    let rig = Rig::new();
    rig.good(LINE);
    let embedded = statement(&rig);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names: Vec<&str> = dependencies(&embedded).iter().filter_map(|one| one["name"].as_str()).collect();
    for expected in ["specs/distribution.yaml", "specs/kubectl.yaml", "templates/deb/control"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("rpm") || name.contains("kubelet")), "{names:?}");
    for dependency in dependencies(&embedded).iter().filter(|one| one["name"].is_string()) {
        assert_eq!(dependency["digest"]["sha256"], sha256(&root.join(dependency["name"].as_str().unwrap())));
    }
    // The same texts out of a folder are the same papers.
    let before = rig.written();
    rig.good("spec export mine");
    rig.good(&format!("{LINE} --no-cache --spec-dir mine/specs --template-dir mine/templates"));
    assert!(rig.written() == before);
}

#[test]
fn who_vouched_for_upstreams_bytes_stands_in_it() {
    let mirror = Mirror::of_release("1.36.2");
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(LINE);
    let statement = statement(&rig);
    let kubectl = &dependencies(&statement)[0];
    let file = program("1.36.2", "amd64", "kubectl");
    let url = format!("https://{file}");
    assert_eq!(kubectl["uri"], url);
    assert_eq!(kubectl["digest"]["sha256"], sha256(&mirror.path().join(&file)));
    let verified = kubectl["annotations"]["verified"].as_array().unwrap();
    let by_sha512 = verified.iter().find(|one| one["url"] == format!("{url}.sha512")).unwrap();
    assert_eq!((&by_sha512["by"], &by_sha512["mirror"]), (&"published".into(), &true.into()));
    let said = format!("sha512:{}", kubectl["digest"]["sha512"].as_str().unwrap());
    assert_eq!(by_sha512["digest"], said);
    let text = statement.to_string();
    for secret in [rig.path(), mirror.path()] {
        assert!(!text.contains(secret.to_str().unwrap()), "{text}");
    }
}

/// What vouches for a file may change while the file does not.
#[test]
fn papers_say_who_vouches_today() {
    let mirror = Mirror::of_release("1.36.2");
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(LINE);
    let (package, before) = (sha256(&rig.dist().join(DEB)), statement(&rig));
    fs_err::remove_file(mirror.path().join("dl.k8s.io/release/v1.36.2/SHA256SUMS")).unwrap();
    let ran = rig.good(LINE);
    assert!(ran.stderr.contains("       Wrote "), "{}", ran.stderr);
    let after = statement(&rig);
    assert_eq!(package, sha256(&rig.dist().join(DEB)));
    let count = |statement: &Value| dependencies(statement)[0]["annotations"]["verified"].as_array().unwrap().len();
    assert_eq!(count(&after), count(&before) - 1);
    assert!(rig.good(LINE).stderr.contains("   Unchanged "));
}

#[test]
fn a_package_whose_papers_are_gone_or_damaged_is_made_again() {
    let rig = Rig::new();
    rig.good(LINE);
    let (package, all) = (rig.dist().join(DEB), rig.written());
    for paper in [provenance(&package), sbom(&package)] {
        let text = fs_err::read_to_string(&paper).unwrap();
        for damaged in [None, Some(String::new()), Some(text.replacen('a', "b", 1)), Some(format!("{text}{text}"))] {
            fs_err::remove_file(&paper).unwrap();
            if let Some(damaged) = damaged {
                fs_err::write(&paper, damaged).unwrap();
            }
            assert!(rig.good(LINE).stderr.contains("       Wrote "));
            assert!(rig.written() == all, "{}", paper.display());
        }
    }
    assert!(rig.good(LINE).stderr.contains("   Unchanged "));
}

#[test]
fn the_command_line_lists_packages_and_names_papers_in_json() {
    let rig = Rig::new();
    assert_eq!(rig.good(LINE).stdout, format!("dist/{DEB}\n"));
    let papers = &rig.good(&format!("{LINE} --json")).json()["packages"][0]["papers"];
    assert_eq!(papers["provenance"], format!("dist/{DEB}.intoto.jsonl"));
    assert_eq!(papers["sbom"], format!("dist/{DEB}.cdx.json"));
}
