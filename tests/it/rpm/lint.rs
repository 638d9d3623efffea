//! What rpmlint says.

use fs_err as fs;
use kubepkg::package::Compression;

use super::{image, render, run, write};

/// Debian's rpmlint knows no licence at all.
const CONFIGURATION: &str = "ValidLicenses = [\"Apache-2.0\"]\n";

#[test]
fn rpmlint_finds_nothing_but_what_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = image::kubelet("1.17.0");
    image
        .entries
        .retain(|entry| !["/etc/kubernetes/policy.conf", "/var/lib/kubelet/README.md"].contains(&entry.path.as_str()));
    image.metadata.description = image.metadata.description.replace("(%{name}) ", "");
    image
        .entries
        .iter_mut()
        .for_each(|entry| entry.mode = entry.mode.to_string().replace("0750", "0755").parse().unwrap());
    image.lint_overrides = vec![
        image::meant("no-manual-page-for-binary", "Upstream publishes no manual pages."),
        image::meant("only-non-binary-in-usr-lib", "Units of systemd lie there."),
        image::meant("obsolete-not-provided hyperkube", "It was another program."),
    ];
    let package = write(&image, Compression::default(), folder.path());
    let [filters, configuration] = ["filters", "rpmlint.toml"].map(|name| folder.path().join(name));
    fs::write(&filters, render(&image).get("kubelet-rpmlintrc").unwrap()).unwrap();
    fs::write(&configuration, CONFIGURATION).unwrap();
    let [package, filters, configuration] = [&package, &filters, &configuration].map(|path| path.to_str().unwrap());
    let said = run("rpmlint", &["-c", configuration, "-r", filters, package]);
    assert!(said.contains("1 packages and 0 specfiles checked; 0 errors, 0 warnings"), "{said}");
}

#[test]
fn filters_take_one_finding_and_no_other() {
    let mut image = image::plain("plain.x", "1.0.0");
    image.lint_overrides = vec![image::meant("zero-length /opt/a+b", "It is a marker.")];
    let filters = render(&image).get("plain.x-rpmlintrc").unwrap().to_owned();
    let line = r#"addFilter(r"^plain\.x\.\S+ [EWI]: zero-length /opt/a\+b(\s|$)")"#;
    assert!(filters.contains(&format!("# It is a marker.\n{line}\n")), "{filters}");
}
