//! Text that stays readable inside its signature (RFC 9580, 7).

use super::packet::DIGEST;
use super::signature::Moment;
use super::{Certificate, Form, Packets, SignError, Signatures, Signer, VerifyError};
use crate::source_date::SourceDate;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// A text inside its signatures, as it comes from somebody: `InRelease` (RFC 9580, 7).
///
/// Clients differ on what is beside the signed text, so there must not be anything: no line before the first, none
/// behind the last, no header but `Hash`. [`Cleartext::text`] is what is hashed and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleartext {
    /// With CR LF, and without blanks at the ends of lines.
    signed: String,
    signatures: Signatures,
}

impl Cleartext {
    /// Takes it apart. Nothing is checked against a key yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let malformed = |cause: &str| VerifyError::Malformed(cause.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n').map(|line| line.trim_end_matches(BLANKS));
        if lines.next() != Some(BEGIN) {
            return Err(malformed("it does not begin with the signed message"));
        }
        loop {
            match lines.next() {
                Some("") => break,
                Some(line) if line.starts_with("Hash: ") => {}
                _ => return Err(malformed("its headers hold something else than `Hash`")),
            }
        }
        let mut signed = Vec::new();
        loop {
            match lines.next() {
                Some(SIGNATURE) => break,
                Some(line) => signed.push(unescaped(line).ok_or_else(|| malformed("a line that is not escaped"))?),
                None => return Err(malformed("it ends before its signature")),
            }
        }
        let signatures = signatures(lines)?;
        Ok(Self { signed: signed.join("\r\n"), signatures })
    }

    /// Checks the signatures ([`Signatures::verify`]) and returns the text that they cover, with the fingerprints of the
    /// keys that made them.
    pub fn verify(
        &self,
        certificates: &[Certificate],
        packets: Packets,
        now: SourceDate,
    ) -> Result<(String, Vec<String>), VerifyError> {
        let by = self.signatures.verify_of(packets, certificates, now, self.signed.as_bytes())?;
        Ok((self.text(), by))
    }

    /// Returns the text, whoever signed it.
    pub fn text(&self) -> String {
        self.signed.replace("\r\n", "\n") + "\n"
    }
}

/// What no signature covers at the end of a line.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// Returns a line of the message without its escape (RFC 9580, 7.2); none of a line that some reader takes for another.
fn unescaped(line: &str) -> Option<&str> {
    let line = if line.starts_with('-') { line.strip_prefix("- ")? } else { line };
    (!line.chars().any(|c| c.is_control() && c != '\t')).then_some(line)
}

/// Reads the blocks behind the message, of which the first line is read already.
fn signatures<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<Signatures, VerifyError> {
    let malformed = |cause: &str| VerifyError::Malformed(cause.to_owned());
    let mut blocks = String::new();
    loop {
        blocks += &format!("{SIGNATURE}\n");
        loop {
            let line = lines.next().ok_or_else(|| malformed("its signature has no end"))?;
            blocks += &format!("{line}\n");
            if line == END {
                break;
            }
            if line.starts_with('-') {
                return Err(malformed("something else inside its signature"));
            }
        }
        match lines.next() {
            None => return Signatures::parse(blocks.as_bytes()),
            Some(SIGNATURE) => {}
            Some(_) => return Err(malformed("something behind its signature")),
        }
    }
}

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
        let verified = signer.certificate().verify_form(&signature, Form::Text, Moment::Ever, signed.as_bytes());
        verified.map_err(SignError::refused)?;
        Ok(signature)
    };
    let signatures: Signatures = signers.into_iter().map(one).collect::<Result<_, SignError>>()?;
    let armor = signatures.to_armor().map_err(SignError::Refused)?;
    Ok(format!("{BEGIN}\nHash: {DIGEST}\n\n{}\n{armor}", escaped(body)))
}

fn hashed(body: &str) -> String {
    body.replace('\n', "\r\n")
}

/// Puts `- ` before lines that begin with a dash, so that none is taken for the end (RFC 9580, 7.2).
fn escaped(body: &str) -> String {
    let lines = body.split('\n').map(|line| if line.starts_with('-') { format!("- {line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
