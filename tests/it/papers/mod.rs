//! The papers beside packages: read by tools that are not ours, and compared with the packages.

mod bill;
mod python;
mod statement;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubepkg::digest::Digest;
use serde_json::Value;

/// The provenance of a package.
pub(crate) fn provenance(package: &Path) -> PathBuf {
    format!("{}.intoto.jsonl", package.display()).into()
}

/// The bill of materials of a package.
pub(crate) fn sbom(package: &Path) -> PathBuf {
    format!("{}.cdx.json", package.display()).into()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

pub(crate) fn sha256(path: &Path) -> String {
    Digest::sha256(fs_err::read(path).unwrap()).hex().to_owned()
}

/// An envelope, and the statement in it.
pub(crate) fn envelopes(package: &Path) -> Vec<(Value, Value)> {
    let text = fs_err::read_to_string(provenance(package)).unwrap();
    let open = |line: &str| {
        let envelope: Value = serde_json::from_str(line).unwrap();
        let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        let statement = serde_json::from_slice(&payload).unwrap();
        (envelope, statement)
    };
    text.lines().map(open).collect()
}

/// Checks that a package has papers, and that they are about it.
#[track_caller]
pub(crate) fn assert_papers(package: &Path) {
    let name = package.file_name().unwrap().to_str().unwrap();
    let sha256 = sha256(package);
    let envelopes = envelopes(package);
    let is_about = |(_, statement): &&(Value, Value)| {
        statement["subject"][0]["name"] == name && statement["subject"][0]["digest"]["sha256"] == sha256
    };
    let (_, statement) = envelopes.iter().find(is_about).unwrap_or_else(|| panic!("{name}: {envelopes:?}"));
    let bill = sbom(package);
    let byproduct = &statement["predicate"]["runDetails"]["byproducts"][0];
    assert_eq!(byproduct["name"], bill.file_name().unwrap().to_str().unwrap());
    assert_eq!(byproduct["digest"]["sha256"], Digest::sha256(fs_err::read(&bill).unwrap()).hex(), "{name}");
}
