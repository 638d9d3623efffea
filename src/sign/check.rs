//! What package managers of today and of next year will not take about a certificate.

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature as Packet, SignatureVersion};

use super::{Certificate, Fault, KeyState};

const DAY: u32 = 24 * 60 * 60;
/// apt looks so far ahead (Sequoia's policy, `sqv --policy-as-of`).
const AHEAD: u32 = 365 * DAY;
/// How long before its end a key is told of.
const SOON: u32 = 180 * DAY;
/// 2026-02-01: the day from which Sequoia takes neither SHA-1 nor version 3 in self-signatures.
const SHA1_END: u32 = 1_769_904_000;
/// 2030-02-01: the day from which Sequoia asks for more than RSA with 2048 bits.
const RSA_2048_END: u32 = 1_896_134_400;

const ALL: &str = "apt, dnf, zypper";
const SQV: &str = "apt of Debian 13 and later (sqv)";
const SEQUOIA: &str = "apt of Debian 13 and later (sqv), rpm 4.20 and later";
const OLD: &str = "apt of Debian 12 (gpgv 2.2), rpm 4.18";
const OLD_RPM: &str = "rpm 4.18 and earlier, which cannot import the certificate";
const NOBODY: &str = "kubepkg, which cannot sign with it";

const NEW_KEY: &str = "make a new key: `kubepkg key generate`";
const RENEW: &str = "extend it (`gpg --quick-set-expire`), and give users the new certificate in time";
const SIGN_AGAIN: &str =
    "sign it again with gpg: `--cert-digest-algo SHA512 --quick-set-expire`, for the key and for its subkeys (`'*'`)";
const CLEAN: &str = "give users what `kubepkg key export` writes, which leaves such subkeys out";

/// Something for which clients refuse a certificate, or what it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The fingerprint of the key that it is about.
    pub key: String,
    /// What it is.
    pub cause: String,
    /// Who refuses it.
    pub client: &'static str,
    /// Since when.
    pub when: When,
    /// What helps.
    pub remedy: &'static str,
}

/// When something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Today.
    Now,
    /// From a time on, in seconds since 1970.
    From(u32),
}

impl When {
    fn new(time: u32, now: u32) -> Self {
        if time <= now { Self::Now } else { Self::From(time) }
    }
}

impl Certificate {
    /// Returns everything for which clients refuse the certificate at `now`, in seconds since 1970, or will within a year.
    pub fn check(&self, now: u32) -> Vec<Finding> {
        let keys = self.keys(now);
        let mut findings = Vec::new();
        for (nth, key) in keys.iter().enumerate() {
            let signs = !key.faults.contains(&Fault::NotForSigning);
            // Subkeys for other purposes are of no concern, as long as the certificate can be imported.
            if nth == 0 || signs {
                faults(key, nth == 0, now, &mut findings);
                lengths(key, now, &mut findings);
            }
        }
        self.self_signatures(&keys, now, &mut findings);
        if keys.iter().all(|key| !key.is_fit()) {
            findings.push(Finding {
                key: self.fingerprint().to_owned(),
                cause: "none of its keys can sign".to_owned(),
                client: NOBODY,
                when: When::Now,
                remedy: NEW_KEY,
            });
        }
        findings
    }

    /// Looks at the self-signatures of keys that are in use.
    fn self_signatures(&self, keys: &[KeyState], now: u32, findings: &mut Vec<Finding>) {
        let users =
            self.of_users().map(|(user, packet)| (self.fingerprint().to_owned(), format!("user `{user}`"), packet));
        let subkeys = self.of_subkeys().flat_map(|(fingerprint, packet)| {
            let consent =
                packet.embedded_signature().map(|consent| (fingerprint.clone(), "consent".to_owned(), consent));
            [Some((fingerprint, "binding".to_owned(), packet)), consent].into_iter().flatten()
        });
        let is_used = |fingerprint: &str| {
            keys.iter().any(|key| key.fingerprint == fingerprint && (key.is_fit() || fingerprint == self.fingerprint()))
        };
        for (key, of, packet) in users.chain(subkeys).filter(|(key, ..)| is_used(key)) {
            if let Some(cause) = weakness(packet) {
                let cause = format!("its self-signature ({of}) is {cause}");
                findings.push(Finding {
                    key,
                    cause,
                    client: SEQUOIA,
                    when: When::new(SHA1_END, now),
                    remedy: SIGN_AGAIN,
                });
            }
        }
        if self.of_users().next().is_none() {
            findings.push(Finding {
                key: self.fingerprint().to_owned(),
                cause: "it has no user with a valid self-signature".to_owned(),
                client: "gpg, rpm",
                when: When::Now,
                remedy: NEW_KEY,
            });
        }
    }
}

fn weakness(packet: &Packet) -> Option<String> {
    let config = packet.config()?;
    match (packet.version(), config.hash_alg) {
        (SignatureVersion::V2 | SignatureVersion::V3, _) => Some("of version 3".to_owned()),
        (_, HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) => None,
        (_, weak) => Some(format!("made with {weak}")),
    }
}

/// What is wrong today, and what ends soon.
fn faults(key: &KeyState, is_primary: bool, now: u32, findings: &mut Vec<Finding>) {
    for fault in &key.faults {
        let (client, remedy) = match fault {
            Fault::Revoked if is_primary => (ALL, NEW_KEY),
            Fault::Revoked => (OLD_RPM, CLEAN),
            Fault::Expired => (ALL, RENEW),
            Fault::NotYet => (ALL, "set the clock of this machine, or of the one that made it"),
            Fault::Unbound => (ALL, CLEAN),
            Fault::Short => (SEQUOIA, NEW_KEY),
            Fault::Unsupported => (if key.algorithm.starts_with("DSA") { SQV } else { OLD }, NEW_KEY),
            // Told of the primary key itself.
            Fault::Primary | Fault::NotForSigning => continue,
        };
        let cause = format!("it is {fault} ({})", key.algorithm);
        findings.push(Finding { key: key.fingerprint.clone(), cause, client, when: When::Now, remedy });
    }
    if let Some(end) = key.expires.filter(|end| *end > now && *end - now < SOON) {
        let cause = format!("it expires in {} days", (end - now) / DAY);
        let when = When::From(end);
        findings.push(Finding { key: key.fingerprint.clone(), cause, client: ALL, when, remedy: RENEW });
    }
}

/// RSA that is long enough today.
fn lengths(key: &KeyState, now: u32, findings: &mut Vec<Finding>) {
    let bits = key.algorithm.strip_prefix("RSA-").and_then(|bits| bits.parse::<u16>().ok());
    let ends_soon = RSA_2048_END <= now.saturating_add(AHEAD);
    if bits.is_some_and(|bits| (2048..3072).contains(&bits)) && ends_soon {
        let (cause, when) = (format!("it is short ({})", key.algorithm), When::new(RSA_2048_END, now));
        findings.push(Finding { key: key.fingerprint.clone(), cause, client: SEQUOIA, when, remedy: NEW_KEY });
    }
}
