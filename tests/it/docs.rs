//! The documents say what the program does: every `console` block is run, and its output compared.
//!
//! In a block, `$` begins a command and `>` continues it; what follows is its output, in which a line `...` stands for
//! any lines and `[..]` for any part of a line. Blocks of a document share one folder, in which `fixtures` and `specs`
//! are those of the repository, and in which `cargo run --` is the program; the bucket `packages` is one on this machine.

use std::path::Path;
use std::process::Command;

use snapbox::assert_data_eq;

use crate::repository::s3::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubepkg");

/// A command and what it should print.
#[derive(Debug, Default)]
struct Step {
    command: String,
    output: String,
}

fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: format!("{command}\n"), output: String::new() });
        } else if let (Some(step), Some(more)) = (steps.last_mut(), line.strip_prefix("> ")) {
            step.command += &format!("{more}\n");
        } else if let Some(step) = steps.last_mut() {
            step.output += &format!("{line}\n");
        }
    }
    steps
}

/// Runs what a document says, with `environment` besides.
fn check(document: &str, environment: &[(String, String)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let steps = steps(&fs_err::read_to_string(root.join(document)).unwrap());
    assert!(!steps.is_empty(), "{document} has no `console` block");
    let folder = tempfile::tempdir().unwrap();
    for name in ["fixtures", "specs", "templates"] {
        std::os::unix::fs::symlink(root.join(name), folder.path().join(name)).unwrap();
    }
    let bin = Path::new(PROGRAM).parent().unwrap().display();
    for step in steps {
        let command = step.command.replace("cargo run --", "kubepkg");
        let run = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &command])
            .current_dir(folder.path())
            .env("PATH", format!("{bin}:/usr/sbin:/usr/bin:/sbin:/bin"))
            .env("HOME", folder.path())
            .env_remove("XDG_CACHE_HOME")
            .envs(environment.to_vec())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{document}: {command}\n{words}");
        assert_data_eq!(String::from_utf8_lossy(&run.stdout).into_owned(), snapbox::Data::from(step.output));
    }
}

#[test]
fn the_readme_does_what_it_says() {
    let server = Server::start();
    check("README.md", &server.environment());
    // What machines are told to fetch from the bucket is there.
    let readme = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let urls = readme.split_whitespace().filter_map(|word| word.strip_prefix("https://packages.example.org/"));
    let files: Vec<&str> = urls.filter(|path| path.contains("/channels/")).collect();
    assert!(!files.is_empty());
    for file in files {
        let answer = server.ask("GET", &format!("/packages/{file}"));
        assert!(answer.contains("URIs: https://packages.example.org/kubernetes"), "{file}: {answer}");
    }
}

#[test]
fn the_spec_language_does_what_its_document_says() {
    check("specs/README.md", &[]);
}

/// Editors complete the specs from the schema beside them. `kubepkg spec schema > specs/schema.json` writes it anew.
#[test]
fn the_schema_beside_the_specs_is_the_programs() {
    let file = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/schema.json")).unwrap();
    let schema = Command::new(PROGRAM).args(["spec", "schema"]).output().unwrap();
    assert_eq!(String::from_utf8(schema.stdout).unwrap(), file);
}

/// Every exit code of the program stands in the README, in the same words.
#[test]
fn the_readme_has_the_exit_codes_of_the_program() {
    let readme = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let codes = Command::new(PROGRAM).args(["help", "exit-codes"]).output().unwrap();
    for line in String::from_utf8(codes.stdout).unwrap().lines() {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        assert!(readme.contains(&format!("| {code} | {meaning} |")), "{line}");
    }
}
