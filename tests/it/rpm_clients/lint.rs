//! rpmlint, as its authors configured it, with the filters that `kubepkg render` writes.

use std::collections::BTreeSet;

use fs_err as fs;

use super::run;
use crate::built;

/// Filters that the fixtures do not need: their programs have no symbols, as some of upstream's have.
const OF_REAL_PROGRAMS: &str = "unstripped-binary-or-object";

fn assert_clean(profile: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (mut packages, mut filters) = (Vec::new(), BTreeSet::new());
    for version in ["1.17.0", "1.30.0", "1.36.2", "1.37.1", "1.38.0-alpha.2.97+8eb85c40f2b1ca"] {
        let options = [&["--arch", "amd64", "--format", "rpm"][..], &built::profile(profile, version)].concat();
        packages.extend(built::write("build", version, &options, &folder.path().join(version)));
        for path in built::write("render", version, &options, &folder.path().join(format!("{version}.texts"))) {
            if path.to_str().unwrap().ends_with("-rpmlintrc") {
                let text = fs::read_to_string(path).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                for pair in lines.chunks(2) {
                    let [reason, filter] = pair else { panic!("{text}") };
                    assert!(
                        reason.starts_with("# ") && reason.len() > 12 && filter.starts_with("addFilter("),
                        "{text}"
                    );
                    filters.insert((*filter).to_owned());
                }
            }
        }
    }
    assert_eq!(packages.len(), 25);
    let file = folder.path().join("filters");
    fs::write(&file, filters.iter().map(|filter| format!("{filter}\n")).collect::<String>()).unwrap();
    let packages: Vec<&str> = packages.iter().map(|path| path.to_str().unwrap()).collect();
    let options = ["--ignore-unused-rpmlintrc", "-r", file.to_str().unwrap()];
    let said = run("rpmlint", &[&options, &packages[..]].concat());
    assert!(said.contains("25 packages and 0 specfiles checked; 0 errors, 0 warnings"), "{said}");

    // Each filter but those for real programs has something to hide.
    let needed: String = filters
        .iter()
        .filter(|filter| !filter.contains(OF_REAL_PROGRAMS))
        .map(|filter| format!("{filter}\n"))
        .collect();
    fs::write(&file, needed).unwrap();
    let said = run("rpmlint", &[&["-r", file.to_str().unwrap()], &packages[..]].concat());
    assert!(said.contains("25 packages and 0 specfiles checked; 0 errors, 0 warnings"), "{said}");
}

#[test]
fn rpmlint_finds_nothing_but_what_is_meant() {
    assert_clean("current");
}

#[test]
fn rpmlint_finds_nothing_but_what_is_meant_in_the_legacy_profile() {
    assert_clean("legacy");
}
