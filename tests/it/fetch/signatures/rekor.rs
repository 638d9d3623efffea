//! A transparency log of one's own, and bundles of what it says.

use kubepkg::digest::Digest;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};

use super::pki::{NOW, Pki, base64};

/// An entry of the log. Fields are what the log says, so that a test can change them afterwards.
#[derive(Clone)]
pub(super) struct Entry {
    body: String,
    pub(super) time: u64,
    log: Vec<u8>,
    pub(super) set: Vec<u8>,
    pub(super) sibling: Vec<u8>,
    pub(super) root: Vec<u8>,
    pub(super) checkpoint: String,
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    Digest::sha256(parts.concat()).to_bytes()
}

impl Entry {
    /// Logs a signature of some bytes; `verifier` is the certificate or the key in PEM.
    pub(super) fn new(pki: &Pki, bytes: &[u8], signature: &[u8], verifier: &str) -> Self {
        Self::at(pki, bytes, signature, verifier, NOW + 60)
    }

    pub(super) fn at(pki: &Pki, bytes: &[u8], signature: &[u8], verifier: &str, time: u64) -> Self {
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": Digest::sha256(bytes).hex()}},
                "signature": {"content": base64(signature), "publicKey": {"content": base64(verifier)}},
            },
        });
        let body = body.to_string();
        let key = &pki.rekor;
        let log = hash(&[&key.subject_public_key_info()]);
        let promised = format!(
            r#"{{"body":"{}","integratedTime":{time},"logID":"{}","logIndex":0}}"#,
            base64(&body),
            hex::encode(&log)
        );
        let set = key.sign(promised.as_bytes()).unwrap();
        let sibling = vec![9; 32];
        let root = hash(&[&[1], &hash(&[&[0], body.as_bytes()]), &sibling]);
        let checkpoint = checkpoint(key, &root);
        Self { body, time, log, set, sibling, root, checkpoint }
    }

    /// Returns what Rekor answers with.
    pub(super) fn answer(&self) -> String {
        json!({"24296fb24b8ad77a": {
            "body": base64(&self.body),
            "integratedTime": self.time,
            "logID": hex::encode(&self.log),
            "logIndex": 0,
            "verification": {
                "signedEntryTimestamp": base64(&self.set),
                "inclusionProof": {
                    "checkpoint": self.checkpoint,
                    "hashes": [hex::encode(&self.sibling)],
                    "logIndex": 0,
                    "rootHash": hex::encode(&self.root),
                    "treeSize": 2,
                },
            },
        }})
        .to_string()
    }

    fn material(&self) -> Value {
        json!({
            "logIndex": "0",
            "logId": {"keyId": base64(&self.log)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": self.time.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": base64(&self.set)},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": base64(&self.root),
                "treeSize": "2",
                "hashes": [base64(&self.sibling)],
                "checkpoint": {"envelope": self.checkpoint},
            },
            "canonicalizedBody": base64(&self.body),
        })
    }
}

/// A signed tree head (C2SP tlog-checkpoint).
fn checkpoint(key: &KeyPair, root: &[u8]) -> String {
    let text = format!("log.example.org\n2\n{}\n", base64(root));
    let hint = &hash(&[&key.subject_public_key_info()])[..4];
    let signature = [hint, &key.sign(text.as_bytes()).unwrap()].concat();
    format!("{text}\n\u{2014} log.example.org {}\n", base64(signature))
}

/// Returns a bundle of version 0.3 of a signature; `signer` is a certificate in DER or, without one, a key's.
pub(super) fn bundle(bytes: &[u8], signature: &[u8], certificate: Option<&[u8]>, entries: &[Entry]) -> Value {
    let mut material = match certificate {
        Some(der) => json!({"certificate": {"rawBytes": base64(der)}}),
        None => json!({"publicKey": {"hint": "vendor"}}),
    };
    material["tlogEntries"] = entries.iter().map(Entry::material).collect();
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": base64(hash(&[bytes]))},
            "signature": base64(signature),
        },
    })
}
