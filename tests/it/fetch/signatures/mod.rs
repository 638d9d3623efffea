//! Signatures of upstream, by authorities, logs and keys that are made here, over HTTP and from a folder.

mod keyless;
mod keys;
mod logged;
mod openpgp;
mod pki;
mod provided;
mod rekor;

use std::collections::HashMap;

use kubepkg::digest::Digest;
use kubepkg::event::{Event, Warning};
use kubepkg::fetch::{Evidence, FetchError, TrustRoot};
use kubepkg::plan::{Demand, DigestSource, DigestSources, Download, Verification};
use kubepkg::spec::{Identity, Signature};
use url::Url;

use super::{LIMIT, Rig, body, told};
use crate::fault_server::{FaultServer, serve};
use pki::{IDENTITY, ISSUER};

/// What upstream publishes, by name: the file is `agent`.
type Files = HashMap<&'static str, Vec<u8>>;

fn files<const N: usize>(more: [(&'static str, String); N]) -> Files {
    let more = more.into_iter().map(|(name, text)| (name, text.into_bytes()));
    std::iter::once(("agent", body())).chain(more).collect()
}

fn identity() -> Identity {
    Identity { name: IDENTITY.to_owned(), issuer: ISSUER.to_owned() }
}

/// A signature and a certificate beside the file.
fn keyless() -> Signature<&'static str> {
    Signature::Keyless { signature: "agent.sig", certificate: "agent.cert", entry: None, identity: identity() }
}

fn download(signature: &Signature<&'static str>, demand: Demand) -> Download {
    let url = |name: &&str| Url::parse(&format!("https://upstream.example/{name}"));
    let digests = DigestSources::new(vec![DigestSource::Pinned(Digest::sha256(body()))]).unwrap();
    let signature = Box::new(signature.try_map(url).unwrap());
    let verification = Verification::Signature { signature, demand, digests };
    Download { url: url(&"agent").unwrap(), size_limit: LIMIT, verification }
}

/// What came of a fetch: the last piece of evidence, or all words of the error; and the warnings.
type Outcome = (Result<Evidence, String>, Vec<Warning>);

/// Fetches from a mirror, and checks that nothing is kept of what is refused.
fn fetch_from(mirror: &str, root: &str, download: &Download) -> Outcome {
    let mut rig = Rig::new().mirror(mirror);
    rig.options.trust_root = TrustRoot::parse(root).unwrap();
    let result = rig.fetch(download);
    let warnings = rig.events().into_iter().filter_map(|event| match event {
        Event::Warning(warning) => Some(warning),
        _ => None,
    });
    let warnings = warnings.collect();
    match result {
        Ok(artifact) => {
            assert_eq!(fs_err::read(artifact.path()).unwrap(), body());
            (Ok(without_address(artifact.evidence().last().unwrap())), warnings)
        }
        Err(error) => {
            let is_kept = rig.files("blobs").iter().any(|path| fs_err::read(path).unwrap() == body());
            assert!(!is_kept && rig.files("tmp").is_empty(), "{error}");
            let is_refused = matches!(
                error,
                FetchError::BadSignature { .. } | FetchError::NoSignature { .. } | FetchError::BadProof { .. }
            );
            assert!(is_refused, "{error}");
            (Err(told(&error)), warnings)
        }
    }
}

/// Fetches over HTTP and from a folder, which must end alike.
#[track_caller]
fn fetch(root: &str, signature: &Signature<&'static str>, demand: &Demand, files: &Files) -> Outcome {
    let download = download(signature, demand.clone());
    let named = files.iter().map(|(name, bytes)| (format!("/upstream.example/{name}"), bytes.clone())).collect();
    let server = FaultServer::start(move |request| serve(&named, request));
    let over_http = fetch_from(&server.url(""), root, &download);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs_err::write(folder.path().join(name), bytes).unwrap();
    }
    let from_folder = fetch_from(folder.path().to_str().unwrap(), root, &download);
    match (&over_http.0, &from_folder.0) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(one), Err(other)) => {
            let place = folder.path().to_str().unwrap();
            assert_eq!(one.replace(&server.url("/upstream.example"), place), *other);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(over_http.1.len(), from_folder.1.len());
    over_http
}

/// Evidence that is the same from every mirror.
fn without_address(evidence: &Evidence) -> Evidence {
    let mut evidence = evidence.clone();
    match &mut evidence {
        Evidence::CosignKeyless { url, .. }
        | Evidence::CosignKey { url, .. }
        | Evidence::OpenPgp { url, .. }
        | Evidence::NoSignature { url }
        | Evidence::Exception { url, .. } => url.clear(),
        other => panic!("{other:?}"),
    }
    evidence
}

#[track_caller]
fn accepted(root: &str, signature: &Signature<&'static str>, files: &Files) -> Evidence {
    let (result, warnings) = fetch(root, signature, &Demand::Required, files);
    assert_eq!(warnings, Vec::new());
    result.unwrap()
}

/// Checks that a signature is refused with these words, whatever the minimum; only an exception lets it pass.
#[track_caller]
fn refused(root: &str, signature: &Signature<&'static str>, files: &Files, words: &str) {
    for demand in [Demand::Required, Demand::WherePublished] {
        let error = fetch(root, signature, &demand, files).0.unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let reason = "upstream signed another build".to_owned();
    let (result, warnings) = fetch(root, signature, &Demand::Exception { reason: reason.clone() }, files);
    assert_eq!(result.unwrap(), Evidence::Exception { url: String::new(), reason: reason.clone() });
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let text = warning.to_string();
    assert!(text.contains(words) && text.contains(&reason), "{text}");
}
