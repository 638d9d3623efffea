//! What debsig-verify wants to know of a key (debsig-verify(1), `/usr/share/doc/debsig-verify/policy-syntax.txt`).

use std::path::PathBuf;

use crate::sign::{Certificate, KeyError};

const POLICIES: &str = "etc/debsig/policies";
const KEYRINGS: &str = "usr/share/debsig/keyrings";
const POLICY: &str = "origin.pol";
const KEYRING: &str = "origin.gpg";
const SIGNER: &str = "signer.gpg";
/// The digits of a key id: debsig-verify looks the folder of a policy up by who signed.
const ID: usize = 16;

/// A file of a policy, below the root of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Where it lies, such as `etc/debsig/policies/ID/origin.pol`.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Returns the policy and the keyrings of every key of `certificate` that signs at `now`: packages have to be signed by it.
/// `origin` says who makes the packages.
///
/// To select a policy, debsig-verify 0.28 compares the signer with the primary keys of a keyring alone, so that it finds no
/// subkey. That keyring is therefore another one, which holds nothing but the key that signs; what a signature is worth is
/// decided by the whole certificate.
pub fn policy(certificate: &Certificate, origin: &str, now: u32) -> Result<Vec<PolicyFile>, KeyError> {
    let keys = certificate.keys(now);
    let keyring = certificate.cleaned(now).to_bytes()?;
    let mut files = Vec::new();
    for key in keys.iter().filter(|key| key.is_fit()) {
        let fingerprint = key.fingerprint.as_str();
        let id = &fingerprint[fingerprint.len().saturating_sub(ID)..];
        let mut add = |folder: &str, name: &str, bytes| {
            files.push(PolicyFile { path: [folder, id, name].iter().collect(), bytes });
        };
        add(POLICIES, POLICY, xml(fingerprint, id, origin).into_bytes());
        add(KEYRINGS, KEYRING, keyring.clone());
        add(KEYRINGS, SIGNER, certificate.key_packet(fingerprint)?);
    }
    if files.is_empty() { Err(KeyError::Unfit(keys)) } else { Ok(files) }
}

fn xml(fingerprint: &str, id: &str, origin: &str) -> String {
    let origin = escaped(origin);
    format!(
        r#"<?xml version="1.0"?>
<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
<Policy xmlns="https://www.debian.org/debsig/1.0/">
  <Origin Name="{origin}" id="{id}" Description="Packages of {origin}"/>
  <Selection>
    <Required Type="origin" File="{SIGNER}" id="{fingerprint}"/>
  </Selection>
  <Verification MinOptional="0">
    <Required Type="origin" File="{KEYRING}"/>
  </Verification>
</Policy>
"#
    )
}

/// A text inside an attribute (XML 1.0, 2.4).
fn escaped(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
