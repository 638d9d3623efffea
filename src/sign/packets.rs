//! Which signature packets readers of today accept, and which of several signatures counts.

use pgp::packet::{SignatureType, SignatureVersion};

use super::signature::Moment;
use super::{Certificate, Form, Signature, Signatures, VerifyError};
use crate::source_date::SourceDate;

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

impl Signatures {
    /// Checks the signatures of `message`, and returns the fingerprints of the keys that made good ones, at least one.
    /// Signatures of keys that are not at hand, and those that have ended at `now`, prove nothing and do no harm; one that is
    /// bad does.
    pub fn verify_of(
        &self,
        packets: Packets,
        certificates: &[Certificate],
        now: SourceDate,
        message: &[u8],
    ) -> Result<Vec<String>, VerifyError> {
        let (mut good, mut worthless) = (Vec::new(), None);
        for signature in self.iter() {
            match verify(signature, certificates, (packets, now), message) {
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
    (packets, now): (Packets, SourceDate),
    message: &[u8],
) -> Result<String, VerifyError> {
    let packet = &signature.0.signature;
    let is_legacy = matches!(packet.version(), SignatureVersion::V2 | SignatureVersion::V3);
    let form = if packet.typ() == Some(SignatureType::Text) { Form::Text } else { Form::Binary };
    let mut verdict = Err(VerifyError::UnknownKey(signature.issuer()));
    for certificate in certificates {
        verdict = certificate.verify_form(signature, form, Moment::At(now.epoch()), message);
        if !matches!(verdict, Err(VerifyError::UnknownKey(_))) {
            break;
        }
    }
    match verdict {
        Ok(fingerprint) if is_legacy && packets == Packets::Current => Err(VerifyError::Legacy(fingerprint)),
        verdict => verdict,
    }
}
