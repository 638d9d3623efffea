//! Envelopes (DSSE, v1.0): a payload, its type, and signatures of both.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::{Statement, plain};
use crate::sign::{Certificate, SignError, Signature, Signer, VerifyError};
use crate::source_date::SourceDate;

/// The type of in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most signatures of an envelope.
const MAX_SIGNATURES: usize = 16;

/// A statement as it was written, with signatures of it.
#[derive(Debug, Clone)]
pub struct Envelope {
    payload: Vec<u8>,
    statement: Statement,
    signatures: Vec<Sealed>,
}

/// A signature: the detached OpenPGP signature of the payload's encoding, and who made it, as the envelope says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sealed {
    keyid: String,
    signature: Vec<u8>,
}

/// Why a statement was not put into an envelope.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// What was signed is not what the key's certificate accepts.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A value that JSON does not have.
    #[error("the statement cannot be written: {0}")]
    Encode(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEnvelope {
    payload_type: String,
    payload: String,
    signatures: Vec<RawSignature>,
}

#[derive(Serialize, Deserialize)]
struct RawSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Puts a statement into an envelope, signed at `date` where there is a key and without signatures where there is
    /// none. A signature is checked before it is believed.
    pub fn seal(statement: Statement, signer: Option<&dyn Signer>, date: SourceDate) -> Result<Self, SealError> {
        let payload = serde_json::to_vec(&statement).map_err(|error| SealError::Encode(error.to_string()))?;
        let mut envelope = Self { payload, statement, signatures: Vec::new() };
        if let Some(signer) = signer {
            let signature = signer.detached(&mut envelope.signed_bytes().as_slice(), date)?;
            let signature = signature.to_bytes().map_err(SealError::Encode)?;
            envelope.signatures.push(Sealed { keyid: signer.fingerprint().to_owned(), signature });
            envelope.verify(std::slice::from_ref(signer.certificate()))?;
        }
        Ok(envelope)
    }

    /// Reads one envelope; what is wrong otherwise.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let raw: RawEnvelope =
            serde_json::from_slice(line).map_err(|error| format!("no DSSE envelope: {}", plain(&error)))?;
        if raw.payload_type != PAYLOAD_TYPE {
            return Err(format!("the payload is `{}`, not `{PAYLOAD_TYPE}`", plain(&raw.payload_type)));
        }
        if raw.signatures.len() > MAX_SIGNATURES {
            return Err(format!("more than the limit of {MAX_SIGNATURES} signatures"));
        }
        let payload = decode(&raw.payload).ok_or("the payload is not base64")?;
        let statement = Statement::parse(&payload)?;
        let signatures = raw.signatures.into_iter().map(|raw| {
            let signature = decode(&raw.sig).ok_or("a signature is not base64")?;
            Ok(Sealed { keyid: raw.keyid, signature })
        });
        let signatures = signatures.collect::<Result<_, String>>()?;
        Ok(Self { payload, statement, signatures })
    }

    /// Returns the statement. Nobody vouches for it before [`Self::verify`].
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the statement as it was written.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the keys that are said to have signed it; none where it is not signed.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|sealed| sealed.keyid.as_str())
    }

    /// Returns what is signed.
    fn signed_bytes(&self) -> Vec<u8> {
        pre_authentication_encoding(PAYLOAD_TYPE, &self.payload)
    }

    /// Checks that a key of one of these certificates signed it, and returns that one's fingerprint. The key ids of the
    /// envelope are not believed: signatures say themselves who made them.
    pub fn verify(&self, certificates: &[Certificate]) -> Result<String, VerifyError> {
        let message = self.signed_bytes();
        let mut verdict = VerifyError::Malformed("nothing in it".to_owned());
        for sealed in &self.signatures {
            let signature = Signature::parse(&sealed.signature)?;
            verdict = VerifyError::UnknownKey(signature.issuer());
            for certificate in certificates {
                match certificate.verify(&signature, message.as_slice()) {
                    Ok(fingerprint) => return Ok(fingerprint),
                    Err(VerifyError::UnknownKey(_)) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Err(verdict)
    }

    /// Returns it as one line of a file, with its end.
    pub fn to_line(&self) -> Result<String, SealError> {
        let signatures = self.signatures.iter();
        let signatures = signatures
            .map(|sealed| RawSignature { keyid: sealed.keyid.clone(), sig: STANDARD.encode(&sealed.signature) });
        let raw = RawEnvelope {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(&self.payload),
            signatures: signatures.collect(),
        };
        let line = serde_json::to_string(&raw).map_err(|error| SealError::Encode(error.to_string()))?;
        Ok(line + "\n")
    }
}

/// Puts the type before the payload, each after its length, so that neither can be taken for the other.
pub(super) fn pre_authentication_encoding(kind: &str, payload: &[u8]) -> Vec<u8> {
    [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), payload].concat()
}

/// Writers may choose either alphabet (DSSE, "Protocol").
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
