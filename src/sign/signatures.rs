//! The signatures of one message: of one key, or of several while one takes the other's place.

use pgp::composed::{Deserializable as _, DetachedSignature};
use pgp::packet::{SignatureType, SignatureVersion};

use super::{Certificate, Form, Signature, VerifyError};

/// Signatures that one message may have.
const MAX_SIGNATURES: usize = 32;

/// Which signature packets count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Packets {
    /// Those of version 4 and later, as apt of Debian 13 has it since 2026-02-01 (Sequoia's policy).
    #[default]
    Current,
    /// Those of version 3, too (RFC 4880, 5.2.2), which old build services make.
    Legacy,
}

impl Packets {
    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Legacy => "legacy",
        }
    }
}

/// The detached signatures of one message, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures(Vec<Signature>);

impl Signatures {
    /// Reads signatures, binary or armored; armored ones in one block or in several.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let malformed = |cause: String| VerifyError::Malformed(cause);
        let mut all = Vec::new();
        for block in blocks(bytes) {
            let read = DetachedSignature::from_reader_many_buf(block);
            let (signatures, _) = read.map_err(|error| malformed(error.to_string()))?;
            for signature in signatures {
                if all.len() == MAX_SIGNATURES {
                    return Err(malformed(format!("more than {MAX_SIGNATURES} signatures")));
                }
                all.push(Signature(signature.map_err(|error| malformed(error.to_string()))?));
            }
        }
        if all.is_empty() { Err(malformed("nothing in it".to_owned())) } else { Ok(Self(all)) }
    }

    pub(super) fn join(mut self, other: Self) -> Result<Self, VerifyError> {
        self.0.extend(other.0);
        if self.0.len() > MAX_SIGNATURES {
            return Err(VerifyError::Malformed(format!("more than {MAX_SIGNATURES} signatures")));
        }
        Ok(self)
    }

    /// Checks the signatures of `message`, and returns the fingerprints of the keys that made good ones, at least one.
    /// Signatures of keys that are not at hand prove nothing and do no harm; one that is bad does.
    pub fn verify(
        &self,
        certificates: &[Certificate],
        packets: Packets,
        message: &[u8],
    ) -> Result<Vec<String>, VerifyError> {
        let (mut good, mut worthless) = (Vec::new(), None);
        for signature in &self.0 {
            match verify(signature, certificates, packets, message) {
                Ok(fingerprint) => good.push(fingerprint),
                Err(error @ VerifyError::Bad(_)) => return Err(error),
                // Of two reasons the one about a known key says more.
                Err(error @ VerifyError::UnknownKey(_)) => worthless = worthless.or(Some(error)),
                Err(error) => worthless = Some(error),
            }
        }
        match worthless {
            Some(error) if good.is_empty() => Err(error),
            _ => Ok(good),
        }
    }
}

fn verify(
    signature: &Signature,
    certificates: &[Certificate],
    packets: Packets,
    message: &[u8],
) -> Result<String, VerifyError> {
    let packet = &signature.0.signature;
    let is_legacy = matches!(packet.version(), SignatureVersion::V2 | SignatureVersion::V3);
    let form = if packet.typ() == Some(SignatureType::Text) { Form::Text } else { Form::Binary };
    let mut verdict = Err(VerifyError::UnknownKey(signature.issuer()));
    for certificate in certificates {
        verdict = certificate.verify_form(signature, form, message);
        if !matches!(verdict, Err(VerifyError::UnknownKey(_))) {
            break;
        }
    }
    match verdict {
        Ok(fingerprint) if is_legacy && packets == Packets::Current => Err(VerifyError::Legacy(fingerprint)),
        verdict => verdict,
    }
}

/// Splits where armored signatures begin; what is not armored is one block.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
    let mut begins: Vec<usize> = memchr::memmem::find_iter(bytes, BEGIN).take(MAX_SIGNATURES + 1).collect();
    if begins.is_empty() {
        return vec![bytes];
    }
    begins.push(bytes.len());
    begins.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}
