//! Bills of materials.

use std::collections::BTreeSet;
use std::process::Command;

use super::*;
use crate::cli::{Rig, packages};
use crate::mirror::{Mirror, program};

/// Prints the faults of every document, by the schema that `CycloneDX` publishes, and by its model: references that
/// lead nowhere, package URLs that are none.
const VALIDATE: &str = "
import json, sys
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
for name in sys.argv[1:]:
    text = open(name).read()
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault:
        print(name.rsplit('/', 1)[-1], fault)
        continue
    bom, document = Bom.from_json(json.loads(text)), json.loads(text)
    bom.validate()
    components = [document['metadata']['component'], *document['components']]
    known = {component['bom-ref'] for component in components}
    assert len(known) == len(components), name
    for component in components:
        assert PackageURL.from_string(component['purl']).to_string() == component['purl'], component['purl']
    for row in document['dependencies']:
        assert {row['ref'], *row['dependsOn']} <= known, row
    assert {row['ref'] for row in document['dependencies']} == known, name
";

#[test]
fn every_bill_passes_its_published_schema() {
    let rig = Rig::new();
    rig.good("build --version 1.36.2 --arch amd64 --compression none");
    rig.good("build --version 1.17.0 --arch arm64 --compression none --vendor Söhne+Vendor");
    let bills: Vec<PathBuf> = packages(&rig.dist()).iter().map(|package| sbom(package)).collect();
    assert!(bills.len() == 20, "{bills:?}");
    let arguments: Vec<&Path> = bills.iter().map(PathBuf::as_path).collect();
    assert_eq!(python::run(VALIDATE, &arguments), "");
    let mut wrong = read(&bills[0]);
    wrong["components"][0]["type"] = "thing".into();
    fs_err::write(rig.path().join("wrong.json"), wrong.to_string()).unwrap();
    assert!(python::run(VALIDATE, &[&rig.path().join("wrong.json")]).contains("'thing' is not one of"));
}

fn component<'b>(bill: &'b Value, name: &str) -> &'b Value {
    let components = bill["components"].as_array().unwrap();
    let named: Vec<&Value> = components.iter().filter(|component| component["name"] == name).collect();
    assert_eq!(named.len(), 1, "{name}: {bill:#}");
    named[0]
}

fn depends_on(bill: &Value, reference: &Value) -> BTreeSet<String> {
    let rows = bill["dependencies"].as_array().unwrap();
    let row = rows.iter().find(|row| row["ref"] == *reference).unwrap();
    row["dependsOn"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_bill_says_what_upstream_published_and_where() {
    let rig = Rig::new();
    rig.good("build kubectl --version 1.36.2 --arch amd64 --vendor Acme");
    let published = crate::mirror::fixtures().join(program("1.36.2", "amd64", "kubectl"));
    for (package, purl) in [
        ("kubectl_1.36.2-1.1_amd64.deb", "pkg:deb/acme/kubectl@1.36.2-1.1?arch=amd64"),
        ("kubectl-1.36.2-1.1.x86_64.rpm", "pkg:rpm/acme/kubectl@1.36.2-1.1?arch=x86_64"),
    ] {
        let bill = read(&sbom(&rig.dist().join(package)));
        assert_eq!(bill["metadata"]["component"]["purl"], purl);
        assert_eq!(bill["metadata"]["component"]["supplier"]["name"], "Acme");
        let kubectl = component(&bill, "kubectl");
        assert_eq!((&kubectl["type"], &kubectl["version"]), (&"application".into(), &"1.36.2".into()));
        assert_eq!(kubectl["hashes"][0]["content"], sha256(&published));
        let url = "https://dl.k8s.io/release/v1.36.2/bin/linux/amd64/kubectl";
        assert_eq!(kubectl["externalReferences"][0]["url"], url);
        assert_eq!(kubectl["properties"][0]["value"], "/usr/bin/kubectl");
        assert_eq!(depends_on(&bill, &purl.into()), [kubectl["bom-ref"].as_str().unwrap().to_owned()].into());
    }
}

#[test]
fn members_of_archives_are_in_the_bill() {
    let rig = Rig::new();
    rig.good("build kubernetes-cni --version 1.36.2 --arch amd64 --format deb");
    let package = rig.dist().join("kubernetes-cni_1.9.1-1.1_amd64.deb");
    let bill = read(&sbom(&package));
    let archive = component(&bill, "cni-plugins-linux-amd64-v1.9.1.tgz");
    let bridge = component(&bill, "bridge");
    assert!(depends_on(&bill, &archive["bom-ref"]).contains(bridge["bom-ref"].as_str().unwrap()));
    let root = rig.path().join("root");
    let unpacked = Command::new("dpkg-deb").arg("-x").args([&package, &root]).status().unwrap();
    assert!(unpacked.success());
    let mut installed = 0;
    for component in bill["components"].as_array().unwrap() {
        for property in component["properties"].as_array().into_iter().flatten() {
            let path = root.join(property["value"].as_str().unwrap().trim_start_matches('/'));
            assert_eq!(component["hashes"][0]["content"], sha256(&path), "{component}");
            installed += 1;
        }
    }
    assert!(installed > 15, "{installed}");
}

#[test]
fn go_modules_of_a_program_are_in_the_bill() {
    let mirror = Mirror::of_release("1.30.0");
    let linked = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/elf/linker-flags");
    mirror.publish(&program("1.30.0", "amd64", "kubectl"), &fs_err::read(linked).unwrap());
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good("build kubectl --version 1.30.0 --arch amd64 --format deb");
    let bill = read(&sbom(&rig.dist().join("kubectl_1.30.0-1.1_amd64.deb")));
    let modules = depends_on(&bill, &component(&bill, "kubectl")["bom-ref"]);
    let expected = [
        "pkg:golang/github.com/containernetworking/plugins@v1.30.0",
        "pkg:golang/github.com/example/library@v1.1.1",
        "pkg:golang/stdlib@1.22.2",
    ];
    assert_eq!(modules.iter().collect::<Vec<_>>(), expected);
    let main = component(&bill, "github.com/containernetworking/plugins");
    assert_eq!(main["properties"][0]["value"], "(devel)");
    assert_eq!(python::run(VALIDATE, &[&sbom(&rig.dist().join("kubectl_1.30.0-1.1_amd64.deb"))]), "");
}

/// What a bill says does not depend on who signs or how it is compressed, nor on the format but for the package itself.
#[test]
fn a_bill_is_of_what_is_inside() {
    let (rig, mirror) = (Rig::new(), Mirror::new());
    let line = "build kubelet --version 1.36.2 --arch amd64";
    rig.good(line);
    let before: Vec<Value> = packages(&rig.dist()).iter().map(|path| read(&sbom(path))).collect();
    rig.good(&format!("{line} --compression gzip:1 --upstream {}", mirror.path().display()));
    let after: Vec<Value> = packages(&rig.dist()).iter().map(|path| read(&sbom(path))).collect();
    assert_eq!(before, after);
    assert_eq!(before[0]["components"], before[1]["components"]);
    assert_ne!(before[0]["serialNumber"], before[1]["serialNumber"]);
}

#[test]
fn a_local_build_is_told_without_its_place() {
    let rig = Rig::new();
    let folder = rig.path().join("_output/bin/linux/arm64");
    fs_err::create_dir_all(&folder).unwrap();
    fs_err::copy(crate::mirror::fixtures().join(program("1.36.2", "arm64", "kubectl")), folder.join("kubectl"))
        .unwrap();
    let place = rig.path().join("_output").display().to_string();
    rig.good(&format!("build kubectl --version 1.36.2 --arch arm64 --format deb --from-dir {place}"));
    let package = rig.dist().join("kubectl_1.36.2-1.1_arm64.deb");
    let bill = read(&sbom(&package));
    let kubectl = component(&bill, "kubectl");
    assert!(kubectl["externalReferences"].is_null() && !kubectl["purl"].as_str().unwrap().contains("download_url"));
    let statement = envelopes(&package).remove(0).1;
    let dependency = &statement["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(dependency["name"], "bin/linux/arm64/kubectl");
    assert_eq!(dependency["annotations"]["verified"][0]["by"], "local-build");
    for text in [bill.to_string(), statement.to_string()] {
        assert!(!text.contains(rig.path().to_str().unwrap()), "{text}");
    }
}
