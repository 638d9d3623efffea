//! What the user provides to prove a signature: an entry beside it, or a bundle in its place.

use fs_err as fs;
use kubepkg::fetch::Proof;
use kubepkg::plan::{ProofKind, ProvidedProof};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::pki::{Leaf, Pki, Vouching, Wish, base64};
use super::rekor::{Entry, bundle};
use super::*;
use crate::cli::Rig as Program;
use crate::mirror::{Mirror, program};

const PATH: &str = "/proofs/agent.json";

fn demand(kind: ProofKind, text: &str) -> Demand {
    Demand::Proven(ProvidedProof { kind, path: PATH.into(), text: text.into() })
}

/// A leaf of an authority, with an entry and a bundle of a signature of `bytes`.
struct Logged {
    leaf: Leaf,
    signature: Vec<u8>,
    entry: String,
    bundle: String,
}

impl Logged {
    fn new(pki: &Pki, bytes: &[u8]) -> Self {
        Self::by(pki, pki.leaf(), bytes)
    }

    fn by(pki: &Pki, leaf: Leaf, bytes: &[u8]) -> Self {
        let signature = leaf.sign(bytes);
        let entry = Entry::new(pki, bytes, &signature, &leaf.certificate);
        let der = CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).unwrap().to_vec();
        let bundle = bundle(bytes, &signature, Some(&der), std::slice::from_ref(&entry)).to_string();
        Self { leaf, signature, entry: entry.answer(), bundle }
    }

    fn files(&self) -> Files {
        files([("agent.sig", base64(&self.signature)), ("agent.cert", base64(&self.leaf.certificate))])
    }
}

#[track_caller]
fn proven(evidence: &Evidence, kind: ProofKind, text: &str) {
    let Evidence::CosignKeyless { log: Proof::Proven, provided: Some(provided), .. } = evidence else {
        panic!("{evidence:?}")
    };
    assert_eq!((provided.kind, &provided.sha256), (kind, &Digest::sha256(text)));
    assert!(!evidence.to_string().contains("/proofs"), "{evidence}");
}

/// Checks that a proof is refused with its path and these words, whatever is published.
#[track_caller]
fn refused_proof(root: &str, signature: &Signature<&'static str>, demand: &Demand, files: &Files, words: &str) {
    let error = fetch(root, signature, demand, files).0.unwrap_err();
    assert!(error.contains(PATH) && error.contains(words), "{error}");
}

#[test]
fn an_entry_proves_the_time_of_a_published_signature() {
    let pki = Pki::new();
    let (root, logged) = (pki.trusted_root().to_string(), Logged::new(&pki, &body()));
    let demand = demand(ProofKind::Entry, &logged.entry);
    let (evidence, warnings) = fetch(&root, &keyless(), &demand, &logged.files());
    proven(&evidence.unwrap(), ProofKind::Entry, &logged.entry);
    assert_eq!(warnings, Vec::new());
    // It stands beside the signature, not in its place.
    let error = fetch(&root, &keyless(), &demand, &files([])).0.unwrap_err();
    assert!(error.contains("without its signature"), "{error}");
    let mut wrong = logged.files();
    wrong.insert("agent.sig", base64(logged.leaf.sign(b"other")).into_bytes());
    let error = fetch(&root, &keyless(), &demand, &wrong).0.unwrap_err();
    assert!(error.contains("not one of these bytes") && !error.contains(PATH), "{error}");
}

#[test]
fn a_bundle_stands_in_for_what_is_missing_or_wrong() {
    let pki = Pki::new();
    let (root, logged) = (pki.trusted_root().to_string(), Logged::new(&pki, &body()));
    let demand = demand(ProofKind::Bundle, &logged.bundle);
    for published in [files([]), files([("agent.sig", "%".to_owned())]), logged.files()] {
        let (evidence, warnings) = fetch(&root, &keyless(), &demand, &published);
        proven(&evidence.unwrap(), ProofKind::Bundle, &logged.bundle);
        assert_eq!(warnings, Vec::new());
    }
}

#[test]
fn a_proof_that_does_not_hold_is_refused_though_the_signature_is_good() {
    let pki = Pki::new();
    let (root, logged) = (pki.trusted_root().to_string(), Logged::new(&pki, &body()));
    let (stranger, other) = (Logged::new(&Pki::new(), &body()), Logged::new(&pki, b"another file"));
    let again = Logged::new(&pki, &body());
    for (entry, words) in [
        (&stranger.entry, "does not bear the signature out"),
        (&other.entry, "does not bear the signature out"),
        (&again.entry, "does not bear the signature out"),
        (&logged.bundle, "the log entry is malformed"),
        (&"garbage".to_owned(), "the log entry is malformed"),
    ] {
        refused_proof(&root, &keyless(), &demand(ProofKind::Entry, entry), &logged.files(), words);
    }
    let of = |identity, issuer| {
        let leaf = pki.leaf_with(&Wish { identity, issuer: Vouching::Both(issuer), ..Wish::default() });
        Logged::by(&pki, leaf, &body()).bundle
    };
    for (bundle, words) in [
        (&stranger.bundle, "not one of a trusted root"),
        (&other.bundle, "not one of these bytes"),
        (&of("somebody@example.org", ISSUER), "signed by `somebody@example.org`"),
        (&of(IDENTITY, "https://elsewhere.example"), "`https://elsewhere.example` vouches for the signer"),
        (&logged.entry, "the bundle is malformed"),
        (&"garbage".to_owned(), "the bundle is malformed"),
    ] {
        refused_proof(&root, &keyless(), &demand(ProofKind::Bundle, bundle), &logged.files(), words);
    }
}

/// A mirror whose kubectl is signed by an authority of its own, and the program to fetch it with.
struct Release {
    rig: Program,
    mirror: Mirror,
    logged: Logged,
    pki: Pki,
}

const BUILD: &str = "build kubectl --version 1.36.2 --arch amd64 --format deb --trust-root root.json";

impl Release {
    fn new() -> Self {
        let (mirror, pki) = (Mirror::of_release("1.36.2"), Pki::new());
        let (kubectl, by) =
            (program("1.36.2", "amd64", "kubectl"), "krel-staging@k8s-releng-prod.iam.gserviceaccount.com");
        let issuer = Vouching::Both("https://accounts.google.com");
        let leaf = pki.leaf_with(&Wish { identity: by, issuer, ..Wish::default() });
        let logged = Logged::by(&pki, leaf, &mirror.read(&kubectl));
        mirror.put(&format!("{kubectl}.sig"), base64(&logged.signature));
        mirror.put(&format!("{kubectl}.cert"), base64(&logged.leaf.certificate));
        let rig = Program::with_upstream(mirror.path().display());
        fs::write(rig.path().join("root.json"), pki.trusted_root().to_string()).unwrap();
        Self { rig, mirror, logged, pki }
    }

    fn configure(&self, rest: &str) {
        let text = format!("signature-proofs:\n  - {{component: kubectl, version: 1.36.2, arch: amd64, {rest}}}\n");
        fs::write(self.rig.path().join("kubepkg.yaml"), text).unwrap();
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.rig.path().join(name), text).unwrap();
    }

    /// Returns the provenance's statement.
    fn statement(&self) -> String {
        let written = self.rig.written();
        let (_, line) = written.iter().find(|(name, _)| name.ends_with(".intoto.jsonl")).unwrap();
        let envelope: serde_json::Value = serde_json::from_slice(line).unwrap();
        let payload =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, envelope["payload"].as_str().unwrap());
        String::from_utf8(payload.unwrap()).unwrap()
    }
}

#[test]
fn the_provenance_says_what_was_provided_and_a_changed_one_is_noticed() {
    let release = Release::new();
    let is_unchanged = |line: &str| release.rig.good(line).stderr.contains("   Unchanged ");
    release.rig.good(BUILD);
    assert!(release.statement().contains(r#""transparencyLog":"not proven""#), "{}", release.statement());
    release.configure("entry: entry.json");
    release.put("entry.json", &release.logged.entry);
    assert!(!is_unchanged(BUILD));
    assert!(is_unchanged(BUILD) && is_unchanged(&format!("{BUILD} --offline")));
    let told = release.statement();
    let sha256 = Digest::sha256(&release.logged.entry).to_string();
    assert!(told.contains(&format!(r#""providedEntry":"{sha256}""#)), "{told}");
    assert!(told.contains(r#""transparencyLog":"proven""#) && !told.contains("entry.json"), "{told}");
    // Another text of the same entry is another proof, and a wrong one is none.
    release.put("entry.json", &format!("{}\n", release.logged.entry));
    assert!(!is_unchanged(BUILD));
    release.put("entry.json", "{}");
    release.rig.fails(BUILD, 6, "`entry.json` does not prove the signature of `https://dl.k8s.io/");
    release.configure("bundle: bundle.json");
    release.put("bundle.json", &release.logged.bundle);
    for suffix in [".sig", ".cert"] {
        fs::remove_file(release.mirror.path().join(program("1.36.2", "amd64", "kubectl") + suffix)).unwrap();
    }
    assert!(!is_unchanged(BUILD));
    let told = release.statement();
    assert!(told.contains("providedBundle") && !told.contains("kubectl.sig"), "{told}");
    release.put("bundle.json", &Logged::new(&release.pki, b"other").bundle);
    release.rig.fails(BUILD, 6, "`bundle.json` does not prove the signature of `https://dl.k8s.io/");
}

#[test]
fn rows_of_the_configuration_are_checked() {
    let release = Release::new();
    release.put("entry.json", &release.logged.entry);
    release.put("large.json", &" ".repeat((1 << 20) + 1));
    let fetch = "fetch kubectl --version 1.36.2 --arch amd64 --trust-root root.json";
    for (rest, words) in [
        ("entry: absent.json", "absent.json"),
        ("entry: large.json", "`large.json` is larger than the limit"),
        ("entry: entry.json, bundle: entry.json", "a proof is either an `entry` or a `bundle`"),
        ("source: binary", "a proof is either an `entry` or a `bundle`"),
        ("url: \"https://dl.k8s.io/\", entry: entry.json", "a proof is of a `url`, or of a"),
    ] {
        release.configure(rest);
        release.rig.fails(fetch, 2, words);
    }
    release.configure("entry: entry.json");
    let plan = release.rig.good("plan kubectl --version 1.36.2 --arch amd64 --json").json();
    let sha256 = Digest::sha256(&release.logged.entry).to_string();
    assert_eq!(plan["downloads"][0]["signature"]["demand"]["proven"]["entry"], sha256);
    release.rig.good(fetch);
    let row = "{component: kubectl, version: 1.36.2, arch: amd64";
    let both = format!(
        "signature-proofs:\n  - {row}, entry: entry.json}}\nsignature-exceptions:\n  - {row}, reason: none}}\n"
    );
    release.put("kubepkg.yaml", &both);
    release.rig.fails(fetch, 2, "`signature-exceptions` lets its signature be wrong");
    let other = "signature-proofs:\n  - {component: kubectl, version: 1.25.16, arch: amd64, entry: entry.json}\n";
    release.put("kubepkg.yaml", other);
    // A row of another file is for another run.
    release.rig.good(fetch);
    release.rig.fails("plan kubectl --version 1.25.16 --arch amd64", 2, "its spec names no signature");
}
