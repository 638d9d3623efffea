//! What somebody may write into an index file, and what is made of it.

use kubepkg::repository::client::{Repomd, Root, parse_packages, parse_primary};
use kubepkg::repository::store::{Location, Store, StoreOptions};
use proptest::prelude::*;

const SHA256: &str = "9bdbea7a2b382494aff2ff014da328a042c5aba9096a7772e57fdf487e5a1d51";

fn store() -> Store {
    Store::new(&Location::Folder("/nowhere".into()), &StoreOptions::default()).unwrap()
}

fn stanza(fields: &[(&str, &str)]) -> String {
    let own = [
        ("Package", "kubelet"),
        ("Version", "1"),
        ("Architecture", "amd64"),
        ("Filename", "pool/kubelet_1_amd64.deb"),
        ("Size", "1"),
        ("SHA256", SHA256),
    ];
    let value = |name: &str, value: &str| {
        let other = fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
        other.unwrap_or(value).to_owned()
    };
    own.iter().map(|(name, text)| format!("{name}: {}\n", value(name, text))).collect()
}

fn package(href: &str, digest: (&str, &str)) -> String {
    format!(
        "<metadata><package type=\"rpm\"><name>kubelet</name><arch>x86_64</arch><version ver=\"1\" rel=\"1\"/>\
         <checksum type=\"{}\">{}</checksum><size package=\"1\"/><location {href}/></package></metadata>",
        digest.0, digest.1,
    )
}

#[test]
fn paths_lead_nowhere_but_into_the_repository() {
    let store = store();
    for folder in ["", "core:/stable:/v1.36/deb"] {
        let root = Root::new(&store, folder);
        let good = parse_packages(root, &stanza(&[("Filename", "./amd64/a_1~rc.1+x_amd64.deb")])).unwrap();
        assert!(good[0].location.as_str().ends_with("amd64/a_1~rc.1+x_amd64.deb"));
        for bad in [
            "../a.deb",
            "a/../../b.deb",
            "/etc/passwd",
            "a//b.deb",
            "a/./b.deb",
            "%2e%2e/a",
            "a%00b",
            "a#b",
            "a\\b",
            "~/a b",
        ] {
            let error = parse_packages(root, &stanza(&[("Filename", bad)])).unwrap_err();
            assert!(error.contains("no path in it"), "{bad}: {error}");
            let error =
                parse_primary(root, package(&format!("href=\"{bad}\""), ("sha256", SHA256)).as_bytes()).unwrap_err();
            assert!(error.contains("no path in it"), "{bad}: {error}");
        }
        let based = |base: &str| {
            let location = format!("href=\"x86_64/a.rpm\" xml:base=\"{base}\"");
            parse_primary(root, package(&location, ("sha256", SHA256)).as_bytes())
        };
        // Where its digest is signed, a package may lie anywhere on the web, and nowhere else.
        let elsewhere = based("https://example.org/packages").unwrap().remove(0);
        assert_eq!(elsewhere.base.unwrap().as_str(), "https://example.org/packages/");
        assert_eq!(elsewhere.location.as_str(), "x86_64/a.rpm");
        for bad in ["file:///etc", "../", "/etc", "https://me:secret@example.org/", "https://example.org/?a=b"] {
            assert!(based(bad).unwrap_err().contains("xml:base"), "{bad}");
        }
    }
}

#[test]
fn what_a_client_could_not_check_is_refused() {
    let store = store();
    let root = Root::new(&store, "");
    for (fields, cause) in [
        ([("SHA256", "abc")], "SHA256"),
        ([("Size", "-1")], "`Size` is no number"),
        ([("Size", "99999999999999999999999")], "`Size` is no number"),
        ([("Package", "")], "there is no `Package`"),
        ([("Version", "1\u{1b}[31m")], "no name, version or architecture"),
        ([("Architecture", "amd64\nSHA1: x\nSHA1: y")], "`SHA1` stands there twice"),
    ] {
        let error = parse_packages(root, &stanza(&fields)).unwrap_err();
        assert!(error.contains(cause) && !error.contains('\u{1b}'), "{error}");
    }
    let weak = stanza(&[]).replace("SHA256", "SHA1");
    assert!(parse_packages(root, &weak).unwrap_err().contains("can be forged"));
    let strong = stanza(&[("SHA256", &SHA256.repeat(2))]).replace("SHA256", "SHA512");
    let strong = parse_packages(root, &strong).unwrap().remove(0);
    assert_eq!((strong.sha256, strong.digest.hex()), (None, SHA256.repeat(2).as_str()));
    let weak = parse_primary(root, package("href=\"a.rpm\"", ("sha", &"a".repeat(40))).as_bytes());
    assert!(weak.unwrap_err().contains("can be forged"));
    let entities =
        "<!DOCTYPE repomd [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><repomd><revision>&b;</revision></repomd>";
    assert!(Repomd::parse(entities.as_bytes()).unwrap_err().contains("document type"));
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0..1000_usize, name in "[ -~]{0,40}") {
        let store = store();
        let root = Root::new(&store, "inside");
        let mut texts = vec![bytes];
        for good in [stanza(&[("Filename", &name)]), package(&format!("href=\"{name}\""), ("sha256", SHA256))] {
            texts.extend([good.as_bytes()[..cut.min(good.len())].to_vec(), good.into_bytes()]);
        }
        for bytes in texts {
            let _ = Repomd::parse(&bytes);
            let all = [parse_packages(root, &String::from_utf8_lossy(&bytes)), parse_primary(root, &bytes)];
            for listed in all.into_iter().flatten().flatten() {
                prop_assert!(listed.base.is_some() || listed.location.as_str().starts_with("inside/"));
            }
        }
    }
}
