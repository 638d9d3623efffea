//! Rules for signatures of what upstream publishes.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgp::composed::{Deserializable as _, SignedPublicKey};
use pgp::types::KeyDetails as _;
use sigstore_verify::crypto::VerificationKey;
use sigstore_verify::types::DerPublicKey;

use super::super::at::{At, Text};
use super::super::error::{Fault, Faults};
use super::super::model::{Identity, Row, Signature, SignedBy};
use super::super::raw::{RawSignature, RawSource, RawSpec};
use super::published::url_beside;
use super::text::line;
use super::{Checker, ranges, twice};
use crate::tree::Tree;

/// The digits of a fingerprint of version 4 (RFC 9580, 5.5.4.2).
const FINGERPRINT_DIGITS: usize = 40;

pub(super) fn signatures(
    checker: &Checker<'_>,
    source: &RawSource,
    faults: &mut Faults,
) -> Vec<Row<Signature<String>>> {
    let mut rows: Vec<Row<Signature<String>>> = Vec::new();
    for raw in &source.signatures {
        let when = checker.when_any_format(&raw.when, faults);
        let given: Vec<&Text> = [&raw.cosign, &raw.bundle, &raw.openpgp].into_iter().flatten().collect();
        let [main] = given[..] else {
            let hint = "write one of `cosign`, `bundle` and `openpgp` in each row";
            faults.push(Fault::new(source.url.span(), "a row of `signatures` must have exactly one kind").hint(hint));
            continue;
        };
        let at = main.span();
        if let Some(other) = rows.iter().find(|other| other.when.overlaps(&when)) {
            let cause = format!("the source is signed in two ways in the same case{}", ranges(&when, &other.when));
            faults.push(twice(at.clone(), &cause));
        }
        let Some(fact) = Parts { checker, raw, main }.signature(faults) else { continue };
        rows.push(Row { when, fact, at });
    }
    rows
}

/// The files beside the spec that signatures name. Which of them is not there, [`signatures`] says.
pub(super) fn key_files(raw: &RawSpec, tree: &Tree) -> BTreeMap<String, Arc<str>> {
    let rows = raw.sources.value().iter().flat_map(|source| &source.signatures);
    let names = rows.filter_map(|row| row.key.as_ref()).map(|text| text.value().as_str());
    names.filter_map(|name| Some((name.to_owned(), Arc::from(tree.get(name)?)))).collect()
}

/// A row with the key that says its kind.
struct Parts<'a> {
    checker: &'a Checker<'a>,
    raw: &'a RawSignature,
    main: &'a Text,
}

impl Parts<'_> {
    fn signature(&self, faults: &mut Faults) -> Option<Signature<String>> {
        let raw = self.raw;
        let main = faults.keep(url_beside(self.main));
        if raw.openpgp.is_some() {
            refuse(
                "openpgp",
                &[
                    ("certificate", &raw.certificate),
                    ("entry", &raw.entry),
                    ("identity", &raw.identity),
                    ("issuer", &raw.issuer),
                ],
                faults,
            );
            let keys = self.key("openpgp", faults)?;
            let fingerprints = self.fingerprints(&keys, faults)?;
            return Some(Signature::OpenPgp { signature: main?, keys, fingerprints });
        }
        if let Some(fingerprints) = &raw.fingerprints {
            let hint = "remove `fingerprints`; the key of cosign is the whole file";
            faults.push(Fault::new(fingerprints.span(), "fingerprints are of OpenPGP keys").hint(hint));
        }
        let signed_by = self.signed_by(faults);
        if raw.bundle.is_some() {
            refuse("bundle", &[("certificate", &raw.certificate), ("entry", &raw.entry)], faults);
            return Some(Signature::Bundle { bundle: main?, signed_by: signed_by? });
        }
        let entry = raw.entry.as_ref().and_then(|text| faults.keep(url_beside(text)));
        match (signed_by?, &raw.certificate) {
            (SignedBy::Identity(identity), Some(certificate)) => {
                let certificate = faults.keep(url_beside(certificate));
                Some(Signature::Keyless { signature: main?, certificate: certificate?, entry, identity })
            }
            (SignedBy::Identity(_), None) => {
                let hint = "add `certificate: \"{{url}}.cert\"`, or name a `key` in place of identity and issuer";
                faults.push(Fault::new(self.main.span(), "a signature of an identity has a certificate").hint(hint));
                None
            }
            (SignedBy::Key(key), None) => Some(Signature::Key { signature: main?, entry, key }),
            (SignedBy::Key(_), Some(certificate)) => {
                let hint = "remove `certificate`, or name `identity` and `issuer` in place of the key";
                faults.push(Fault::new(certificate.span(), "a signature of a key has no certificate").hint(hint));
                None
            }
        }
    }

    /// Either `identity` and `issuer`, or `key`.
    fn signed_by(&self, faults: &mut Faults) -> Option<SignedBy> {
        match (&self.raw.identity, &self.raw.issuer, &self.raw.key) {
            (Some(identity), Some(issuer), None) => {
                let (name, issuer) = (faults.keep(line(identity)), faults.keep(line(issuer)));
                Some(SignedBy::Identity(Identity { name: name?, issuer: issuer? }))
            }
            (None, None, Some(text)) => {
                let key = self.key("cosign", faults)?;
                let parsed = DerPublicKey::from_pem(&key).map_err(|error| error.to_string());
                if let Err(error) =
                    parsed.and_then(|key| VerificationKey::from_spki(&key).map_err(|error| error.to_string()))
                {
                    let cause = format!("the key is no public key in PEM: {error}");
                    faults.push(
                        Fault::new(text.span(), cause)
                            .hint("name the `cosign.pub` that `cosign generate-key-pair` wrote"),
                    );
                    return None;
                }
                Some(SignedBy::Key(key))
            }
            _ => {
                let cause = "a signature says who must have made it";
                let hint = "add either `identity` and `issuer`, or `key`";
                faults.push(Fault::new(self.main.span(), cause).hint(hint));
                None
            }
        }
    }

    /// The text of a file beside the spec, or the text itself.
    fn key(&self, kind: &str, faults: &mut Faults) -> Option<Arc<str>> {
        let Some(text) = &self.raw.key else {
            let cause = "the signature names no key to check it with";
            let hint = format!("add `key: FILE`, a file of public keys beside the spec, to this `{kind}`");
            faults.push(Fault::new(self.main.span(), cause).hint(hint));
            return None;
        };
        let value = text.value().as_str();
        if value.trim_start().starts_with("-----BEGIN ") {
            return Some(Arc::from(value));
        }
        let file = self.checker.tree.get(value);
        if file.is_none() {
            let cause = format!("there is no file `{}` beside the spec", value.escape_default());
            let hint = "put the public key there, in PEM or ASCII armor, or write its text here";
            faults.push(Fault::new(text.span(), cause).hint(hint));
        }
        file.map(Arc::from)
    }

    /// Fingerprints that all are of keys in the file.
    fn fingerprints(&self, keys: &str, faults: &mut Faults) -> Option<Vec<String>> {
        let hint = "add `fingerprints`, which `gpg --show-keys FILE` prints";
        let Some(list) = self.raw.fingerprints.as_ref().filter(|list| !list.value().is_empty()) else {
            let span = self.raw.fingerprints.as_ref().map_or_else(|| self.main.span(), At::span);
            faults.push(Fault::new(span, "no key of the file is pinned").hint(hint));
            return None;
        };
        let known = match fingerprints_in(keys) {
            Ok(known) => known,
            Err(error) => {
                let span = self.raw.key.as_ref().map_or_else(|| self.main.span(), At::span);
                let cause = format!("the key is no OpenPGP key in ASCII armor: {error}");
                faults.push(Fault::new(span, cause).hint("`gpg --export --armor KEY` writes one"));
                return None;
            }
        };
        let parsed = list.value().iter().filter_map(|text| faults.keep(fingerprint(text, &known))).collect();
        Some(parsed)
    }
}

/// Refuses keys that a kind of signature does not have.
fn refuse(kind: &str, keys: &[(&str, &Option<Text>)], faults: &mut Faults) {
    for (name, text) in keys {
        if let Some(text) = text {
            let cause = format!("`{kind}` has no `{name}`");
            faults.push(Fault::new(text.span(), cause).hint(format!("remove `{name}`")));
        }
    }
}

fn fingerprint(text: &Text, known: &[String]) -> Result<String, Fault> {
    let digits: String = text.value().chars().filter(|digit| !digit.is_whitespace()).collect();
    let digits = digits.strip_prefix("0x").unwrap_or(&digits).to_ascii_uppercase();
    let good = digits.len() == FINGERPRINT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !good {
        let cause = format!("`{}` is no fingerprint", text.value().escape_default());
        let hint =
            format!("write all {FINGERPRINT_DIGITS} hexadecimal digits, in quotes; a short key id can be forged");
        return Err(Fault::new(text.span(), cause).hint(hint));
    }
    if !known.contains(&digits) {
        let cause = format!("the file of keys has no key {digits}");
        return Err(Fault::new(text.span(), cause).hint(format!("it has {}", known.join(", "))));
    }
    Ok(digits)
}

fn fingerprints_in(keys: &str) -> Result<Vec<String>, String> {
    let (keys, _) = SignedPublicKey::from_reader_many_buf(keys.as_bytes()).map_err(|error| error.to_string())?;
    let keys = keys.map(|key| key.map(|key| format!("{:X}", key.primary_key.fingerprint())));
    let known: Vec<String> = keys.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if known.is_empty() { Err("nothing in it".to_owned()) } else { Ok(known) }
}
