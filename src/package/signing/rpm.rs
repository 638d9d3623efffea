//! RPMs: tags of the signature header (rpm's `docs/manual/format_v4.md`).

use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use fs_err::File;
use rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag, PackageMetadata};

use super::SigningError;
use crate::digest::Digest;
use crate::package::reader::{Fault, ReadError, RpmHead, RpmHeader, excerpt, rpm_metadata};
use crate::sign::{Certificate, Signature};
use crate::source_date::SourceDate;

/// The tags of signatures: of the header, of header and payload, of version 6, and the room for them.
const SIGNATURES: [IndexSignatureTag; 6] = [
    IndexSignatureTag::RPMSIGTAG_RSA,
    IndexSignatureTag::RPMSIGTAG_DSA,
    IndexSignatureTag::RPMSIGTAG_PGP,
    IndexSignatureTag::RPMSIGTAG_GPG,
    IndexSignatureTag::RPMSIGTAG_OPENPGP,
    IndexSignatureTag::RPMSIGTAG_RESERVEDSPACE,
];

/// The tags that hold a signature of the header in format 4.
const OF_HEADER: [IndexSignatureTag; 2] = [IndexSignatureTag::RPMSIGTAG_RSA, IndexSignatureTag::RPMSIGTAG_DSA];

/// Signatures of format 6 that are read.
const MAX_SIGNATURES: usize = 16;

/// Checks the signatures of an RPM that was read to its end. Returns the fingerprint of the key.
pub(super) fn verify(path: &Path, head: &RpmHead, certificates: &[Certificate]) -> Result<String, SigningError> {
    let signatures = signatures(path, &head.signature)?;
    let message = head.header.bytes();
    let fingerprint = super::by_one_of(certificates, &signatures, |one, signature| one.verify(signature, message))?;
    let wanted = head.header.text(IndexTag::RPMTAG_PAYLOADSHA256 as u32).ok().flatten();
    compare_payloads(wanted.map(String::from_utf8_lossy).as_deref(), &head.payload)?;
    Ok(fingerprint)
}

/// Returns all signatures of the header: the one of format 4, and those of format 6, in base64 (rpm's
/// `docs/manual/format_v6.md`). rpm 6 looks at all of them, older ones at the first.
fn signatures(path: &Path, header: &RpmHeader) -> Result<Vec<Signature>, SigningError> {
    let mut found = Vec::new();
    for tag in OF_HEADER {
        if let Some(packet) = header.binary(tag as u32).map_err(|error| malformed(path, &error))? {
            found.push(Signature::parse(packet)?);
        }
    }
    let texts = header.texts(IndexSignatureTag::RPMSIGTAG_OPENPGP as u32).map_err(|error| malformed(path, &error))?;
    if texts.len() > MAX_SIGNATURES {
        return Err(malformed(path, &format!("more than {MAX_SIGNATURES} signatures")));
    }
    for text in texts {
        let packet = base64::engine::general_purpose::STANDARD.decode(text);
        found.push(Signature::parse(&packet.map_err(|error| malformed(path, &error))?)?);
    }
    Ok(found)
}

/// Compares the payload with the digest in the header.
fn compare_payloads(wanted: Option<&str>, found: &Digest) -> Result<(), SigningError> {
    let found = found.hex();
    match wanted {
        Some(wanted) if wanted == found => Ok(()),
        Some(wanted) => {
            let wanted = excerpt(wanted);
            Err(SigningError::Differs(format!("the payload has the SHA-256 {found}, and the header says {wanted}")))
        }
        None => Err(SigningError::Differs("the header, which is signed, has no digest of the payload".to_owned())),
    }
}

fn malformed(path: &Path, cause: &dyn std::fmt::Display) -> SigningError {
    ReadError::Malformed { file: path.to_owned(), place: "signature header".to_owned(), cause: cause.to_string() }
        .into()
}

/// An RPM: its metadata, and its lead and header as they stand in the file.
pub(super) struct Rpm {
    path: PathBuf,
    metadata: PackageMetadata,
    signature: RpmHeader,
    lead: Vec<u8>,
    header: Vec<u8>,
    /// Where the payload begins.
    payload: u64,
}

impl Rpm {
    pub(super) fn read(mut file: File, length: u64) -> Result<Self, Fault> {
        let unreadable = |source| Fault::unpack("header", source);
        file.rewind().map_err(unreadable)?;
        let metadata = rpm_metadata(&mut file, length)?;
        let at = metadata.get_package_segment_offsets();
        let mut part = |begin: u64, end: u64| {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(begin))?;
            (&mut file).take(end - begin).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let lead = part(at.lead, at.signature_header).map_err(unreadable)?;
        let signature = RpmHeader::new(&part(at.signature_header, at.header).map_err(unreadable)?);
        let header = part(at.header, at.payload).map_err(unreadable)?;
        Ok(Self { path: file.path().to_owned(), metadata, signature, lead, header, payload: at.payload })
    }

    /// The build time, which is the source date in our packages.
    pub(super) fn date(&self) -> SourceDate {
        let time = self.metadata.get_build_time().unwrap_or_default();
        SourceDate::from_epoch(u32::try_from(time).unwrap_or(u32::MAX))
    }

    /// What is signed.
    pub(super) fn message(&self) -> &[u8] {
        &self.header
    }

    pub(super) fn signatures(&self) -> Result<Vec<Signature>, SigningError> {
        signatures(&self.path, &self.signature)
    }

    pub(super) fn check_payload(&self) -> Result<(), SigningError> {
        let wanted = self.metadata.header.get_entry_data_as_string_array(IndexTag::RPMTAG_PAYLOADSHA256);
        let wanted = wanted.ok().and_then(|digests| digests.first().map(|digest| (*digest).to_owned()));
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.payload))?;
        compare_payloads(wanted.as_deref(), &Digest::sha256_of(file)?.0)
    }

    pub(super) fn copy(&self, signature: Option<&Signature>, out: &mut impl Write) -> Result<(), SigningError> {
        out.write_all(&self.lead)?;
        out.write_all(&self.signature_header(signature)?)?;
        out.write_all(&self.header)?;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.payload))?;
        io::copy(&mut file, out)?;
        Ok(())
    }

    /// Returns the signature header with another signature, up to where the header begins.
    fn signature_header(&self, signature: Option<&Signature>) -> Result<Vec<u8>, SigningError> {
        let malformed = |error: rpm::Error| malformed(&self.path, &error);
        let left_out: Vec<u32> =
            SIGNATURES.into_iter().chain([IndexSignatureTag::HEADER_SIGNATURES]).map(u32::from).collect();
        let entries = self.metadata.signature.get_all_entries().map_err(malformed)?.into_iter();
        let entries = entries.filter(|(tag, _)| !left_out.contains(tag));
        let added = signature.map(|signature| {
            let is_rsa = signature.is_rsa();
            let tag = if is_rsa { IndexSignatureTag::RPMSIGTAG_RSA } else { IndexSignatureTag::RPMSIGTAG_DSA };
            let bytes = signature.to_bytes().map_err(SigningError::Differs)?;
            Ok::<_, SigningError>((u32::from(tag), IndexData::Bin(bytes)))
        });
        let entries = entries.chain(added.transpose()?).map(|(tag, data)| HeaderEntry::new(tag, data));
        let mut metadata = self.metadata.clone();
        metadata.signature = Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES);
        let at = metadata.get_package_segment_offsets();
        let mut bytes = Vec::new();
        metadata.write(&mut bytes).map_err(malformed)?;
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let part = bytes.get(place(at.signature_header)..place(at.header)).map(<[u8]>::to_vec);
        part.ok_or_else(|| self::malformed(&self.path, &"the signature header cannot be written again"))
    }
}
