//! RPMs: lead, both headers, and the digests and sizes that they hold of header, payload and files.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use fs_err::File;
use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};

use super::digests::{Files, hasher, name, of};
use super::rpm_header::{self as header, is_zero};
use super::{Examination, Findings, entries};
use crate::event::count;
use crate::package::reader::{Fault, Inspection, PackageFile, Payload, read_rpm, rpm_payload};

/// Archives are filled up to the size of a tape's block by some.
const FILLED_UP: u64 = 512;

/// The parts of the file as they stand there.
struct Parts {
    lead: Vec<u8>,
    /// With the padding behind it.
    signature: Vec<u8>,
    header: Vec<u8>,
    payload: u64,
    length: u64,
}

pub(super) fn examine(file: &mut File, identity: PackageFile, to: &mut Examination) -> Result<(), Fault> {
    let length = identity.size;
    let (inspection, metadata) = read_rpm(file, identity)?;
    let inspection = &*to.inspection.insert(inspection);
    let unreadable = |source| Fault::unpack("header", source);
    let parts = Parts::read(file, &metadata, length).map_err(unreadable)?;
    parts.check(&mut to.structure);
    parts.digests(file, &metadata, &mut to.digests).map_err(unreadable)?;
    let mut files = Files::default();
    let payload = rpm_payload(file, &metadata, inspection, &mut |entry, content| files.check(entry, content))?;
    structure(inspection, &mut to.structure);
    unpacked(&metadata, &payload, &mut to.digests);
    let without = files.tell(&mut to.digests);
    if !without.is_empty() {
        to.digests.note(format!("no digest of {}", count(without.len(), "file")));
    }
    Ok(())
}

fn structure(rpm: &Inspection, findings: &mut Findings) {
    findings.agree(format!("RPM {} with {}", rpm.format_version, entries(rpm.files.len())));
}

impl Parts {
    fn read(file: &mut File, metadata: &PackageMetadata, length: u64) -> io::Result<Self> {
        let at = metadata.get_package_segment_offsets();
        let mut part = |begin: u64, end: u64| {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(begin))?;
            (&mut *file).take(end - begin).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        Ok(Self {
            lead: part(at.lead, at.signature_header)?,
            signature: part(at.signature_header, at.header)?,
            header: part(at.header, at.payload)?,
            payload: at.payload,
            length,
        })
    }

    /// What no digest covers, and what the digests would cover without telling.
    fn check(&self, findings: &mut Findings) {
        // Magic, version 3 or 4, binary or source, architecture, name, system, form of signatures, reserved.
        let lead = &self.lead;
        let fixed = matches!(lead.get(4), Some(3 | 4))
            && matches!(lead.get(6..8), Some([0, 0 | 1]))
            && lead.get(78..80) == Some(&[0, 5])
            && lead.get(80..).is_some_and(is_zero)
            && lead.get(10..76).is_some_and(|name| name.contains(&0));
        if !fixed {
            findings.fault("lead: a field has a value that no package has");
        }
        header::check(&self.header, findings);
        header::check_signatures(&self.signature, findings);
    }

    fn digests(&self, file: &mut File, metadata: &PackageMetadata, to: &mut Findings) -> io::Result<()> {
        let signature = &metadata.signature;
        let mut of_header = false;
        for (algorithm, tag) in [
            ("sha1", IndexSignatureTag::RPMSIGTAG_SHA1),
            ("sha256", IndexSignatureTag::RPMSIGTAG_SHA256),
            ("sha3-256", IndexSignatureTag::RPMSIGTAG_SHA3_256),
        ] {
            if let (Ok(declared), Some(hasher)) = (signature.get_entry_data_as_string(tag), hasher(algorithm)) {
                let found = of(hasher, self.header.as_slice())?;
                to.compare(&format!("{} of the header", name(algorithm)), declared, &found);
                of_header = true;
            }
        }
        let mut of_payload = false;
        for (algorithm, tag) in [
            ("sha256", IndexTag::RPMTAG_PAYLOADSHA256),
            ("sha512", IndexTag::RPMTAG_PAYLOAD_SHA512),
            ("sha3-256", IndexTag::RPMTAG_PAYLOAD_SHA3_256),
        ] {
            if let (Some(declared), Some(hasher)) = (text(metadata, tag), hasher(algorithm)) {
                file.seek(SeekFrom::Start(self.payload))?;
                to.compare(&format!("{} of the payload", name(algorithm)), &declared, &of(hasher, &mut *file)?);
                of_payload = true;
            }
        }
        let md5 = signature.get_entry_data_as_binary(IndexSignatureTag::RPMSIGTAG_MD5);
        if let (Ok(declared), Some(hasher)) = (md5, hasher("md5")) {
            file.seek(SeekFrom::Start(self.payload))?;
            let found = of(hasher, self.header.as_slice().chain(&mut *file))?;
            to.compare("MD5 of header and payload", &hex::encode(declared), &found);
            (of_header, of_payload) = (true, true);
        }
        if let Some(declared) =
            number(metadata, IndexSignatureTag::RPMSIGTAG_SIZE, IndexSignatureTag::RPMSIGTAG_LONGSIZE)
        {
            let found = self.header.len() as u64 + (self.length - self.payload);
            to.compare("size of header and payload", &declared.to_string(), &found.to_string());
        }
        for (is_there, what) in [(of_header, "header"), (of_payload, "payload")] {
            if !is_there {
                to.note(format!("no digest of the {what}"));
            }
        }
        Ok(())
    }
}

/// Compares what the package says of its payload once unpacked.
fn unpacked(metadata: &PackageMetadata, payload: &Payload, to: &mut Findings) {
    if let Some(declared) = text(metadata, IndexTag::RPMTAG_PAYLOADSHA256ALT) {
        to.compare("SHA-256 of the unpacked payload", &declared, &payload.sha256);
    }
    let declared =
        number(metadata, IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE, IndexSignatureTag::RPMSIGTAG_LONGARCHIVESIZE);
    if let Some(declared) = declared {
        let filled = payload.size.checked_sub(declared).is_some_and(|more| more < FILLED_UP);
        let found = if filled { declared } else { payload.size };
        to.compare("size of the unpacked payload", &declared.to_string(), &found.to_string());
    }
}

fn text(metadata: &PackageMetadata, tag: IndexTag) -> Option<String> {
    if let Ok(text) = metadata.header.get_entry_data_as_string(tag) {
        return Some(text.to_owned());
    }
    let texts = metadata.header.get_entry_data_as_string_array(tag).ok()?;
    texts.first().map(|text| (*text).to_owned())
}

fn number(metadata: &PackageMetadata, short: IndexSignatureTag, long: IndexSignatureTag) -> Option<u64> {
    let signature = &metadata.signature;
    let short = signature.get_entry_data_as_u32(short).ok().map(u64::from);
    short.or_else(|| signature.get_entry_data_as_u64(long).ok())
}
