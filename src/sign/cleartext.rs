//! Text that stays readable inside its signature (RFC 9580, 7).

use super::packet::DIGEST;
use super::{Certificate, Form, SignError, Signatures, Signer, VerifyError};
use crate::source_date::SourceDate;

const MESSAGE: &str = "-----BEGIN PGP SIGNED MESSAGE-----\n";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

/// Signs `text` with every key. What clients hash is the text without its last line end and with CR LF for the others.
pub(super) fn sign<'a, S: Signer + ?Sized + 'a>(
    signers: impl IntoIterator<Item = &'a S>,
    text: &str,
    date: SourceDate,
) -> Result<String, SignError> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    if let Some(line) = body.split('\n').position(|line| line.ends_with([' ', '\t', '\r'])) {
        return Err(SignError::TrailingBlank(line + 1));
    }
    let signed = hashed(body);
    let one = |signer: &S| {
        let signature = signer.sign(&mut signed.as_bytes(), Form::Text, date)?;
        // Read back, as every signature is before it is used.
        let verified = signer.certificate().verify_form(&signature, Form::Text, signed.as_bytes());
        verified.map_err(SignError::refused)?;
        Ok(signature)
    };
    let signatures: Signatures = signers.into_iter().map(one).collect::<Result<_, SignError>>()?;
    let armor = signatures.to_armor().map_err(SignError::Refused)?;
    Ok(format!("{MESSAGE}Hash: {DIGEST}\n\n{}\n{armor}", escaped(body)))
}

fn hashed(body: &str) -> String {
    body.replace('\n', "\r\n")
}

/// Puts `- ` before lines that begin with a dash, so that none is taken for the end (RFC 9580, 7.2).
fn escaped(body: &str) -> String {
    let lines = body.split('\n').map(|line| if line.starts_with('-') { format!("- {line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

/// A text with its signatures, as apt reads it: nothing stands before it or behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleartext {
    text: String,
    signatures: Signatures,
}

impl Cleartext {
    /// Reads a text that is signed inside.
    pub fn parse(text: &str) -> Result<Self, VerifyError> {
        let malformed = |cause: &str| VerifyError::Malformed(cause.to_owned());
        let rest = text.strip_prefix(MESSAGE).ok_or_else(|| malformed("the text does not begin as a signed one"))?;
        // Headers, of which none begins with a dash, until an empty line.
        let (headers, rest) = rest.split_once("\n\n").ok_or_else(|| malformed("no line ends the headers"))?;
        if headers.lines().any(|line| line.is_empty() || line.starts_with('-')) {
            return Err(malformed("a header is none"));
        }
        let (body, armor) = rest
            .split_once(&format!("\n{SIGNATURE}"))
            .ok_or_else(|| malformed("no signature stands behind the text"))?;
        let mut lines = Vec::new();
        for line in body.split('\n') {
            match (line.strip_prefix("- "), line.starts_with('-')) {
                (Some(line), _) => lines.push(line),
                (None, true) => return Err(malformed("a line begins with a dash")),
                (None, false) => lines.push(line),
            }
        }
        let signatures = Signatures::parse(format!("{SIGNATURE}{armor}").as_bytes())?;
        Ok(Self { text: lines.join("\n") + "\n", signatures })
    }

    /// Returns the text. Nobody vouches for it before [`Cleartext::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks that one of the signatures is good and of one of the certificates, and returns the fingerprint of its key.
    pub fn verify(&self, certificates: &[Certificate]) -> Result<String, VerifyError> {
        let body = self.text.strip_suffix('\n').unwrap_or(&self.text);
        let lines: Vec<&str> = body.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
        self.signatures.verify_form(certificates, Form::Text, lines.join("\r\n").as_bytes())
    }
}
