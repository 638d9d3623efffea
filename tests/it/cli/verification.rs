//! Signatures of upstream: what is asked for, what is let go, and that it is told and recorded.

use serde_json::Value;

use super::*;
use crate::mirror::{cosign, program, trust_root};

const FETCH: &str = "fetch kubectl --version 1.36.2 --arch amd64";
const BUILD: &str = "build kubectl --version 1.36.2 --arch amd64 --format deb";

fn kubectl(suffix: &str) -> String {
    program("1.36.2", "amd64", "kubectl") + suffix
}

/// A mirror without signatures, as most are that were filled by hand.
fn unsigned() -> Mirror {
    let mirror = Mirror::of_release("1.36.2");
    fs_err::remove_file(mirror.path().join(kubectl(".sig"))).unwrap();
    fs_err::remove_file(mirror.path().join(kubectl(".cert"))).unwrap();
    mirror
}

/// A mirror whose signature is of another build.
fn wrongly_signed() -> Mirror {
    let mirror = Mirror::of_release("1.36.2");
    mirror.put(&kubectl(".sig"), cosign(b"another build"));
    mirror
}

fn exception(reason: &str) -> String {
    format!("signature-exceptions:\n  - {{component: kubectl, version: 1.36.2, arch: amd64{reason}}}\n")
}

const REASON: &str = ", reason: upstream signed another build";

/// Returns the evidence of the one file.
fn evidence(ran: &Ran) -> String {
    let files: Value = ran.json();
    files["files"][0]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().to_owned() + "\n")
        .collect()
}

#[test]
fn what_upstream_signed_says_who_did() {
    let rig = Rig::new();
    let ran = rig.good(&format!("{FETCH} --json"));
    let text = evidence(&ran);
    let signed = "signed by krel-staging@k8s-releng-prod.iam.gserviceaccount.com (https://accounts.google.com) at ";
    assert!(text.contains(signed) && text.contains("certificate log proven, transparency log not proven"), "{text}");
    assert!(rig.good(&format!("{FETCH} -v")).stderr.contains("signed by krel-staging@"));
    let offline = rig.good(&format!("{FETCH} --json --offline"));
    assert_eq!(evidence(&offline), text);
}

#[test]
fn nobody_trusts_the_fixtures_but_who_says_so() {
    let rig = Rig::new();
    let ran = rig.command(FETCH).env_remove("KUBEPKG_TRUST_ROOT").output().unwrap();
    let ran = Ran::from(ran);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("not one of a trusted root"), "{}", ran.stderr);
    let root = trust_root().display().to_string();
    let given = rig.command(&format!("{FETCH} --trust-root {root}")).env("KUBEPKG_TRUST_ROOT", "absent").output();
    assert_eq!(Ran::from(given.unwrap()).code, 0);
    rig.fails(&format!("{FETCH} --trust-root absent.json"), 2, "absent.json");
    fs_err::write(rig.path().join("root.json"), "{}").unwrap();
    rig.fails(&format!("{FETCH} --trust-root root.json"), 2, "cannot use the trust root `root.json`");
}

#[test]
fn a_signature_that_was_removed_is_an_error_over_http_and_from_a_folder() {
    let mirror = unsigned();
    let server = serve(mirror.path());
    for upstream in [mirror.path().display().to_string(), server.url("")] {
        let rig = Rig::with_upstream(upstream);
        let words = "is published without its signature";
        let ran = rig.fails(FETCH, 6, words);
        assert!(ran.stderr.contains("--min-verification digest"), "{}", ran.stderr);
        rig.fails(BUILD, 6, words);
        rig.assert_tidy();
        assert!(rig.packages().is_empty());
    }
}

#[test]
fn the_weaker_minimum_lets_a_missing_signature_pass_and_says_so() {
    let mirror = unsigned();
    let server = serve(mirror.path());
    for upstream in [mirror.path().display().to_string(), server.url("")] {
        let rig = Rig::with_upstream(upstream);
        let ran = rig.good(&format!("{FETCH} --min-verification digest --json"));
        assert!(ran.stderr.contains("has no signature at"), "{}", ran.stderr);
        assert!(evidence(&ran).contains("no signature at"), "{}", ran.stdout);
        let mut by_variable = rig.command(FETCH);
        assert_eq!(Ran::from(by_variable.env("KUBEPKG_MIN_VERIFICATION", "digest").output().unwrap()).code, 0);
        fs_err::write(rig.path().join("kubepkg.yaml"), "min-verification: digest\n").unwrap();
        rig.good(FETCH);
        rig.fails(&format!("{FETCH} --min-verification signature"), 6, "without its signature");
        rig.fails(&format!("{FETCH} --min-verification none"), 2, "unknown verification `none`");
    }
}

#[test]
fn the_weaker_minimum_does_not_excuse_a_wrong_signature() {
    let mirror = wrongly_signed();
    let rig = Rig::with_upstream(mirror.path().display());
    for option in ["", " --min-verification digest"] {
        let ran = rig.fails(&format!("{FETCH}{option}"), 6, "does not vouch for");
        assert!(ran.stderr.contains("not one of these bytes"), "{}", ran.stderr);
    }
    // Nor does it excuse other bytes.
    let mirror = unsigned();
    mirror.put(&kubectl(""), "other bytes");
    let rig = Rig::with_upstream(mirror.path().display());
    rig.fails(&format!("{FETCH} --min-verification digest"), 6, "is not the file that was published");
}

#[test]
fn an_exception_names_one_file_and_a_reason() {
    for mirror in [wrongly_signed(), unsigned()] {
        let rig = Rig::with_upstream(mirror.path().display());
        let config = |text: &str| fs_err::write(rig.path().join("kubepkg.yaml"), text).unwrap();
        config(&exception(REASON));
        let ran = rig.good(&format!("{FETCH} --json"));
        let told = "by exception the digests of https://dl.k8s.io/";
        assert!(ran.stderr.contains(told) && ran.stderr.contains("upstream signed another build"), "{}", ran.stderr);
        assert!(evidence(&ran).contains("by exception: upstream signed another build"), "{}", ran.stdout);
        let plan = rig.good("plan kubectl --version 1.36.2 --arch amd64 --json").json();
        let demand = &plan["downloads"][0]["signature"]["demand"];
        assert_eq!(demand["exception"], "upstream signed another build");
        config(
            "signature-exceptions:\n  - url: https://dl.k8s.io/release/v1.36.2/bin/linux/amd64/kubectl\n    reason: none\n",
        );
        rig.good(FETCH);
        for other in
            ["component: kubelet, version: 1.36.2, arch: amd64", "component: kubectl, version: 1.36.1, arch: amd64"]
        {
            config(&format!("signature-exceptions:\n  - {{{other}, reason: another file}}\n"));
            assert_eq!(rig.run(FETCH).code, 6, "{other}");
        }
    }
}

#[test]
fn an_exception_without_a_reason_or_a_file_is_refused() {
    let rig = Rig::new();
    for (text, words) in [
        (exception(""), "the key `reason` is missing"),
        (exception(", reason: \" \""), "an exception has a `reason` of one line"),
        ("signature-exceptions:\n  - {reason: everything}\n".to_owned(), "an exception is of a `url`, or of a"),
        (
            "signature-exceptions:\n  - {component: kubectl, reason: all}\n".to_owned(),
            "an exception is of a `url`, or of a",
        ),
        ("signature-exceptions:\n  - {url: nowhere, reason: none}\n".to_owned(), "`nowhere` is no URL"),
    ] {
        fs_err::write(rig.path().join("kubepkg.yaml"), &text).unwrap();
        rig.fails(FETCH, 2, words);
    }
}

/// Returns whether the one package was left as it was.
fn is_unchanged(ran: &Ran) -> bool {
    ran.stderr.contains("   Unchanged ")
}

#[test]
fn a_package_of_a_weaker_policy_is_not_left_as_it_is() {
    let mirror = unsigned();
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(&format!("{BUILD} --min-verification digest"));
    let again = rig.good(&format!("{BUILD} --min-verification digest"));
    assert!(is_unchanged(&again) && again.stderr.contains("has no signature at"), "{}", again.stderr);
    rig.fails(BUILD, 6, "without its signature");
    fs_err::write(rig.path().join("kubepkg.yaml"), exception(REASON)).unwrap();
    assert!(!is_unchanged(&rig.good(BUILD)));
    assert!(is_unchanged(&rig.good(BUILD)));
    fs_err::remove_file(rig.path().join("kubepkg.yaml")).unwrap();
    rig.fails(BUILD, 6, "without its signature");
    // A signature came: what is recorded of the package is no longer all that there is to know.
    mirror.put(&kubectl(".sig"), cosign(&mirror.read(&kubectl(""))));
    fs_err::copy(mirror.path().join(program("1.36.2", "amd64", "kubelet.cert")), mirror.path().join(kubectl(".cert")))
        .unwrap();
    assert!(!is_unchanged(&rig.good(&format!("{BUILD} --min-verification digest"))));
    // Which has been asked for and was there: the stronger policy asks for no more.
    assert!(is_unchanged(&rig.good(BUILD)));
}

#[test]
fn a_package_of_another_trust_root_is_not_left_as_it_is() {
    let rig = Rig::new();
    rig.good(BUILD);
    let root: Value = serde_json::from_str(&fs_err::read_to_string(trust_root()).unwrap()).unwrap();
    // The same keys in another file are another trust root.
    fs_err::write(rig.path().join("root.json"), root.to_string()).unwrap();
    let other = format!("{BUILD} --trust-root root.json");
    assert!(!is_unchanged(&rig.good(&other)));
    assert!(is_unchanged(&rig.good(&other)));
    let mut empty = root;
    empty["certificateAuthorities"][0]["validFor"]["end"] = "2025-06-01T00:00:00Z".into();
    fs_err::write(rig.path().join("root.json"), empty.to_string()).unwrap();
    rig.fails(&other, 6, "no root of the trust root is valid at");
}

#[test]
fn the_plan_says_what_will_vouch() {
    let rig = Rig::new();
    let table = |line: &str| rig.good(line).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table("plan kubectl --version 1.36.2 --arch amd64").contains("_amd64.deb signature https://"));
    let weak = table("plan kubectl --version 1.36.2 --arch amd64 --min-verification digest");
    assert!(weak.contains("_amd64.deb signature or digest https://"), "{weak}");
    for version in ["1.17.0", "1.25.16", "1.26.0-rc.1", "1.38.0-alpha.2.97+8eb85c40f2b1ca"] {
        let table = table(&format!("plan kubectl --version {version} --arch amd64"));
        assert!(table.contains("_amd64.deb digest https://"), "{table}");
    }
    for version in ["1.26.0", "1.27.0-alpha.1", "1.36.0-rc.1"] {
        let plan = rig.good(&format!("plan kubectl --version {version} --arch amd64 --json")).json();
        let signature = &plan["downloads"][0]["signature"];
        assert_eq!(signature["demand"], "required", "{version}");
        assert_eq!(signature["by"]["issuer"], "https://accounts.google.com");
    }
}
