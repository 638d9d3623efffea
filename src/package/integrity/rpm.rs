//! RPMs: lead, both headers, and the digests and sizes that they hold of header, payload and files.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use fs_err::File;
use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};

use super::digests::{Files, hasher, name, of};
use super::{Examination, Findings, entries};
use crate::event::count;
use crate::package::reader::{Fault, Inspection, PackageFile, Payload, read_rpm, rpm_payload};

/// The tags that say what belongs to a header, and may not be changed (rpm's docs/manual/hregions.md).
const REGION_SIGNATURES: u32 = 62;
const REGION: u32 = 63;
/// The type of a region: bytes.
const BYTES: u32 = 7;
/// An index entry, and the trailer of a region, which has the form of one.
const ENTRY: u32 = 16;
/// Before the index: magic, version, reserved, number of entries, size of the data.
const INTRO: usize = 16;
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
        if let Err(cause) = region(&self.header, REGION, true) {
            findings.fault(format!("header: {cause}"));
        }
        if let Err(cause) = region(&self.signature, REGION_SIGNATURES, false) {
            findings.fault(format!("signature header: {cause}"));
        }
        let padding = self.signature.get(INTRO + extent(&self.signature)..).unwrap_or_default();
        if !is_zero(padding) {
            findings.fault("signature header: the padding behind it is not empty");
        }
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

/// Returns the size of index and data.
fn extent(header: &[u8]) -> usize {
    (word(header, 8) as usize).saturating_mul(ENTRY as usize).saturating_add(word(header, 12) as usize)
}

/// Checks that a header is one region. Tags outside of it would be covered by no digest and no signature.
fn region(header: &[u8], tag: u32, is_all: bool) -> Result<(), &'static str> {
    let (entries, data) = (word(header, 8), word(header, 12));
    let [first, kind, offset, size] = [0, 4, 8, 12].map(|at| word(header, INTRO + at));
    if first != tag || kind != BYTES || size != ENTRY {
        // Before rpm 4.0 there were no regions; signature headers were without them for long.
        return if is_all { Err("does not begin with its region") } else { Ok(()) };
    }
    let store = INTRO + entries as usize * ENTRY as usize;
    let trailer = store.saturating_add(offset as usize);
    let [last, kind, back, size] = [0, 4, 8, 12].map(|at| word(header, trailer.saturating_add(at)));
    let covered = 0_u32.wrapping_sub(back) / ENTRY;
    if last != tag || kind != BYTES || size != ENTRY || back % ENTRY != 0 {
        return Err("its region has no end");
    }
    let is_whole = covered == entries && offset.checked_add(ENTRY) == Some(data);
    if is_all && !is_whole { Err("its region does not cover it") } else { Ok(()) }
}

/// Reads a big-endian number; zero behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = at.checked_add(4).and_then(|end| bytes.get(at..end)).unwrap_or_default();
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of one region and one tag in it.
    fn header(edit: impl Fn(&mut Vec<u32>)) -> Vec<u8> {
        let mut words = vec![0x8ead_e801, 0, 2, 20, 63, 7, 4, 16, 1000, 6, 0, 1, 0x6162_6300];
        words.extend([63, 7, 0_u32.wrapping_sub(32), 16]);
        edit(&mut words);
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn a_header_is_one_region_to_its_end() {
        assert_eq!(region(&header(|_| {}), REGION, true), Ok(()));
        let no_end = Err("its region has no end");
        let uncovered = Err("its region does not cover it");
        for (edit, verdict) in [
            (
                Box::new(|words: &mut Vec<u32>| words[4] = 1000) as Box<dyn Fn(&mut Vec<u32>)>,
                Err("does not begin with its region"),
            ),
            (Box::new(|words: &mut Vec<u32>| words[6] = 0), no_end),
            (Box::new(|words: &mut Vec<u32>| words[6] = u32::MAX), no_end),
            (Box::new(|words: &mut Vec<u32>| words[13] = 62), no_end),
            (Box::new(|words: &mut Vec<u32>| words[15] = 0_u32.wrapping_sub(16)), uncovered),
            (Box::new(|words: &mut Vec<u32>| (words[3], words[17 - 1]) = (24, 16)), uncovered),
        ] {
            assert_eq!(region(&header(|words| edit(words)), REGION, true), verdict);
        }
        assert_eq!(region(&[], REGION, true), Err("does not begin with its region"));
        assert_eq!(region(&[], REGION_SIGNATURES, false), Ok(()));
    }
}
