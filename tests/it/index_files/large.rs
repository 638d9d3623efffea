//! Index files of many packages take little memory: they are made of fragments that pass by.

use std::io::Write;

use kubepkg::compression::Compression;
use kubepkg::package::reader::FileList;
use kubepkg::repository::rpmmd::{EarlierMetadata, Metadata};
use kubepkg::repository::{Earlier, Fragment};
use tempfile::TempDir;

use crate::built;

/// As many packages as repositories are measured with.
const MANY: u64 = 10_000;

/// Fragments of one package in many versions, one after the other.
fn versions(folder: &TempDir) -> impl Iterator<Item = Fragment> {
    let options = ["kubelet", "--arch", "amd64", "--format", "rpm"];
    let paths = built::write("build", "1.36.2", &options, &folder.path().join("built"));
    let text = String::from_utf8(Fragment::read(&paths[0], FileList::Unwanted).unwrap().to_bytes().unwrap()).unwrap();
    let digest = kubepkg::digest::Digest::sha256(fs_err::read(&paths[0]).unwrap());
    (0..MANY).map(move |number| {
        let text = text.replace("1.36.2", &format!("1.36.{number}"));
        let other = kubepkg::digest::Digest::sha256(number.to_string());
        Fragment::from_bytes(text.replace(digest.hex(), other.hex()).as_bytes()).unwrap()
    })
}

#[test]
fn one_package_more_changes_little_of_many() {
    let folder = TempDir::new().unwrap();
    let render = |count: u64, earlier| {
        let mut metadata = Metadata::new(count, Compression::Gzip(6), earlier).unwrap();
        let skip = usize::from(count < MANY) * 5000;
        for (number, rpm) in versions(&folder).enumerate().filter(|(number, _)| skip == 0 || *number != skip) {
            metadata.add(&rpm, &format!("{number}.rpm")).unwrap();
        }
        metadata.finish().unwrap()
    };
    let before = render(MANY - 1, EarlierMetadata::default());
    let of = |at: usize| Earlier::new(before[at].file.bytes.clone().unwrap(), &before[at].file.members);
    let after = render(MANY, EarlierMetadata { primary: of(0), filelists: of(1), other: of(2) });
    for (before, after) in before.iter().zip(&after) {
        let members = |file: &kubepkg::repository::IndexFile| -> Vec<String> {
            let table = serde_json::to_value(&file.members).unwrap();
            table.as_array().unwrap().iter().map(ToString::to_string).collect()
        };
        let (old, new) = (members(&before.file), members(&after.file));
        let fresh = new.iter().filter(|member| !old.contains(member)).count();
        assert!(new.len() > 10 && fresh <= 4, "{}: {fresh} of {}", after.kind, new.len());
        // Members begin anew, which costs little.
        let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        whole.write_all(super::text_of(&after.file).as_bytes()).unwrap();
        let whole = whole.finish().unwrap().len() as u64;
        assert!(after.file.stored.size * 100 < whole * 108, "{} of {whole}", after.file.stored.size);
    }
}
