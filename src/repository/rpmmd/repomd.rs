//! `repomd.xml`: the digests of the other files. This is what is signed, as `repomd.xml.asc`; zypper finds the key in
//! `repomd.xml.key`.

use super::DataFile;
use super::xml;
use crate::repository::fragment::BadField;
use crate::repository::location;
use crate::source_date::SourceDate;

/// Where it lies, from the root of the repository.
pub const REPOMD: &str = "repodata/repomd.xml";
/// Its detached signature, armored.
pub const SIGNATURE: &str = "repodata/repomd.xml.asc";
/// The public key, armored.
pub const KEY: &str = "repodata/repomd.xml.key";

/// What `repomd.xml` says of the repository besides its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repomd {
    /// A text that grows from one state to the next; a number by custom.
    pub revision: String,
    /// The time of the files.
    pub date: SourceDate,
    /// What it is for, as clients show it; zypper finds the keys of the next years here
    /// (`gpg-pubkey-ID-TIME.asc?fpr=FINGERPRINT`).
    pub content: Vec<String>,
}

impl Repomd {
    /// Renders it.
    pub fn render<'a>(&self, files: impl IntoIterator<Item = &'a DataFile>) -> Result<String, BadField> {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        let spaces =
            [("xmlns", "http://linux.duke.edu/metadata/repo"), ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm")];
        xml::open(&mut out, 0, "repomd", &spaces);
        xml::check("revision", &self.revision)?;
        xml::text(&mut out, 1, "revision", &[], &self.revision);
        if !self.content.is_empty() {
            xml::open(&mut out, 1, "tags", &[]);
            for content in &self.content {
                xml::check("content", content)?;
                xml::text(&mut out, 2, "content", &[], content);
            }
            xml::close(&mut out, 1, "tags");
        }
        for file in files {
            self.data(&mut out, file)?;
        }
        xml::close(&mut out, 0, "repomd");
        Ok(out)
    }

    fn data(&self, out: &mut String, DataFile { kind, file }: &DataFile) -> Result<(), BadField> {
        xml::check("type", kind)?;
        location::check(&file.path)?;
        let digest = [("type", "sha256")];
        xml::open(out, 1, "data", &[("type", kind)]);
        xml::text(out, 2, "checksum", &digest, file.stored.sha256.hex());
        if file.open != file.stored {
            xml::text(out, 2, "open-checksum", &digest, file.open.sha256.hex());
        }
        xml::empty(out, 2, "location", &[("href", &file.path)]);
        xml::text(out, 2, "timestamp", &[], &self.date.epoch().to_string());
        xml::text(out, 2, "size", &[], &file.stored.size.to_string());
        if file.open != file.stored {
            xml::text(out, 2, "open-size", &[], &file.open.size.to_string());
        }
        xml::close(out, 1, "data");
        Ok(())
    }
}
