//! Text that stays readable inside its signature (RFC 9580, 7).

use super::packet::DIGEST;
use super::{Form, SignError, Signer};
use crate::source_date::SourceDate;

/// Signs `text`. What clients hash is the text without its last line end and with CR LF for the others.
pub(super) fn sign(signer: &(impl Signer + ?Sized), text: &str, date: SourceDate) -> Result<String, SignError> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    if let Some(line) = body.split('\n').position(|line| line.ends_with([' ', '\t', '\r'])) {
        return Err(SignError::TrailingBlank(line + 1));
    }
    let signed = body.replace('\n', "\r\n");
    let signature = signer.sign(&mut signed.as_bytes(), Form::Text, date)?;
    // Read back, as every signature is before it is used.
    signer.certificate().verify_form(&signature, Form::Text, signed.as_bytes()).map_err(SignError::refused)?;
    let armor = signature.to_armor().map_err(SignError::Refused)?;
    Ok(format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: {DIGEST}\n\n{}\n{armor}", escaped(body)))
}

/// Puts `- ` before lines that begin with a dash, so that none is taken for the end (RFC 9580, 7.2).
fn escaped(body: &str) -> String {
    let lines = body.split('\n').map(|line| if line.starts_with('-') { format!("- {line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
