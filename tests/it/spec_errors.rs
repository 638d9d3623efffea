//! What `kubepkg spec check` says of each folder in `fixtures/errors`, word by word.

use snapbox::{Data, assert_data_eq};

use crate::program::{command, root, run};

/// A folder without `expected.txt` fails: a rule has a fixture, and a fixture has its words.
#[test]
fn every_defect_is_told_with_place_cause_and_hint() {
    let folders = fs_err::read_dir(root("fixtures/errors")).unwrap();
    let mut names: Vec<String> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 130, "only {} fixtures are there", names.len());
    for name in names {
        let folder = format!("fixtures/errors/{name}");
        let ran = run(command().args(["spec", "check", "--spec-dir", &folder]));
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{name}: {}", ran.stderr);
        let expected = Data::read_from(root(&format!("{folder}/expected.txt")).as_ref(), None);
        assert_data_eq!(Data::text(ran.stderr.clone()), expected.raw());
        assert!(ran.stderr.contains("help: ") || ran.stderr.contains("hint: "), "{name} has no hint");
        has_one_place(&name, &folder, &ran.stderr);
    }
}

/// A fixture breaks one rule, and the picture points where the place in JSON says.
fn has_one_place(name: &str, folder: &str, picture: &str) {
    let ran = run(command().args(["spec", "check", "--json", "--spec-dir", folder]));
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let error = &json["error"];
    assert_eq!((ran.code, &error["exit_code"]), (3, &3.into()), "{name}");
    if name == "empty-folder" {
        return assert_eq!(error["labels"], serde_json::json!([]));
    }
    let [label] = &error["labels"].as_array().unwrap()[..] else {
        panic!("{name} has not one fault but {}", error["labels"])
    };
    let place = format!("--> {}:{}:{}\n", label["file"].as_str().unwrap(), label["line"], label["column"]);
    assert!(picture.contains(&place), "{name}: {place} is not in\n{picture}");
}

/// Several faults are shown at once, in the order of the file, each with its picture.
#[test]
fn one_run_shows_all_faults() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs_err::read_to_string(root("fixtures/vendor/helm/helm.yaml")).unwrap();
    let bad =
        good.replace("section: admin", "section: tools").replace("https://helm.sh", "helm").replace("amd64", "i386");
    fs_err::write(folder.path().join("helm.yaml"), bad).unwrap();
    let ran = run(command().args(["spec", "check", "--spec-dir"]).arg(folder.path()));
    let causes: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        causes,
        ["error: `helm` is no web page", "error: unknown section `tools`", "error: unknown architecture `i386`",]
    );
}

/// What a YAML parser can be made to choke on ends soon, and as an error.
#[test]
fn hostile_specs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.yaml");
    let mut bomb = "name: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("key{level}: &a{level} [{inner}]\n");
    }
    let deep = format!("name: {}", "[".repeat(100_000));
    let huge = format!("name: agent # {}\n", "x".repeat(1 << 20));
    // Rows are compared with each other, so there cannot be any number of them.
    let good = fs_err::read_to_string(root("fixtures/vendor/helm/helm.yaml")).unwrap();
    let rows: String = (0..2500).map(|row| format!("  - {{path: /srv/{row}, directory: true}}\n")).collect();
    // The same map again and again.
    let entries: Vec<String> = (0..1000).map(|entry| format!("a{entry}: x")).collect();
    let maps: String = (1..1000).map(|patch| format!("          1.0.{patch}: *map\n")).collect();
    let pins = format!("- pinned:\n          1.0.0: &map {{{}}}\n{maps}", entries.join(", "));
    for (words, text) in [
        ("a text must stand here", bomb),
        ("a text must stand here", deep),
        ("larger than the limit of 1048576 bytes", huge),
        ("more than the limit of 10000 values", good.clone() + &rows),
        ("more than the limit of 10000 values", good.replace("- sha256: \"{{url}}.sha256sum\"", &pins)),
    ] {
        fs_err::write(&path, text).unwrap();
        let ran = run(command().args(["spec", "check", "--spec-dir"]).arg(folder.path()));
        assert_eq!(ran.code, 3, "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    fs_err::write(&path, b"name: \xff\n").unwrap();
    let ran = run(command().args(["spec", "check", "--spec-dir"]).arg(folder.path()));
    assert!(ran.code == 3 && ran.stderr.contains("is not UTF-8 text"), "{}", ran.stderr);
}
