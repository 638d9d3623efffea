//! Fragments that are kept, and files that are made again of them.

use kubepkg::compression::Compression;
use kubepkg::package::reader::FileList;
use kubepkg::repository::fragment::KeptError;
use kubepkg::repository::rpmmd::{EarlierMetadata, Metadata};
use kubepkg::repository::{Earlier, Fragment};
use tempfile::TempDir;

use super::{fragments, metadata};
use crate::built;

#[test]
fn a_kept_fragment_is_the_package() {
    let folder = TempDir::new().unwrap();
    for path in built::write("build", "1.36.2", &["--arch", "amd64"], &folder.path().join("built")) {
        let fragment = Fragment::read(&path, FileList::Wanted).unwrap();
        let bytes = fragment.to_bytes().unwrap();
        assert_eq!(Fragment::from_bytes(&bytes).unwrap(), fragment);
        assert_eq!(bytes, Fragment::read(&path, FileList::Wanted).unwrap().to_bytes().unwrap());
        assert!(bytes.len() < 10_000, "{}", bytes.len());
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), fragment.file_name());
        assert_eq!(fragment.size(), fs_err::metadata(&path).unwrap().len());
        assert_eq!(fragment.sha256(), &kubepkg::digest::Digest::sha256(fs_err::read(&path).unwrap()));
    }
}

#[test]
fn another_form_or_another_name_is_no_fragment() {
    let folder = TempDir::new().unwrap();
    let paths = built::write("build", "1.36.2", &["kubectl", "--arch", "amd64"], &folder.path().join("built"));
    let text = String::from_utf8(Fragment::read(&paths[0], FileList::Unwanted).unwrap().to_bytes().unwrap()).unwrap();
    let kept = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        Fragment::from_bytes(text.replacen(from, to, 1).as_bytes())
    };
    assert!(matches!(kept("\"form\":1", "\"form\":2"), Err(KeptError::Form(2))));
    assert!(matches!(kept("\"form\":1", "\"form\":2,\"more\":1"), Err(KeptError::Form(2))));
    assert!(matches!(kept("\"form\":1", "\"form\":1,\"more\":1"), Err(KeptError::Malformed(_))));
    assert!(matches!(kept("\"kubectl\"", "\"../kubectl\""), Err(KeptError::Field(_))));
    assert!(matches!(kept("\"amd64\"", "\"amd 64\""), Err(KeptError::Field(_))));
    assert!(matches!(Fragment::from_bytes(b"{"), Err(KeptError::Malformed(_))));
}

#[test]
fn what_did_not_change_is_taken_over_and_the_bytes_are_the_same() {
    let folder = TempDir::new().unwrap();
    let paths = built::write("build", "1.36.2", &["--arch", "amd64", "--format", "rpm"], &folder.path().join("built"));
    let all = fragments(&paths, FileList::Unwanted);
    let earlier = |files: &[kubepkg::repository::rpmmd::DataFile]| {
        let mut files = files.iter().map(|one| Earlier::new(one.file.bytes.clone().unwrap(), &one.file.members));
        let mut next = || files.next().unwrap();
        EarlierMetadata { primary: next(), filelists: next(), other: next() }
    };
    let again = |earlier: EarlierMetadata| {
        let mut metadata = Metadata::new(all.len() as u64, Compression::Gzip(6), earlier).unwrap();
        for rpm in &all {
            metadata.add(rpm, &rpm.file_name()).unwrap();
        }
        metadata.finish().unwrap()
    };
    let fresh = metadata(&all, Compression::Gzip(6));
    let less = metadata(&all[1..], Compression::Gzip(6));
    assert_eq!(again(earlier(&fresh)), fresh);
    assert_eq!(again(earlier(&less)), fresh);
    // A table that does not fit the file is as good as none.
    let wrong = Earlier::new(b"garbage".to_vec(), &fresh[0].file.members);
    assert_eq!(again(EarlierMetadata { primary: wrong, ..EarlierMetadata::default() }), fresh);
    let mut short = Metadata::new(7, Compression::Gzip(6), EarlierMetadata::default()).unwrap();
    short.add(&all[0], "x.rpm").unwrap();
    assert_eq!(short.finish().unwrap_err().to_string(), "1 packages, and 7 were promised");
}
