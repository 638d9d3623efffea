//! Generated pages: completions that shells read, manual pages that formatters read.

use super::*;

#[test]
fn completions_are_read_by_their_shells_and_know_the_options() {
    let rig = Rig::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = rig.good(&format!("generate completions {shell}")).stdout;
        let path = rig.path().join(shell);
        fs_err::write(&path, &script).unwrap();
        let output = rig.program(shell).arg(check).arg(&path).output().unwrap();
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        for word in ["compression", "offline", "inspect", "export"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let ask = "source ./bash; COMP_WORDS=(kubepkg build --comp); COMP_CWORD=2; _kubepkg kubepkg --comp build; \
        echo \"${COMPREPLY[*]}\"";
    let output = rig.program("bash").args(["-c", ask]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "--component --component-version --compression\n");
    for shell in ["elvish", "powershell"] {
        assert!(!rig.good(&format!("generate completions {shell}")).stdout.is_empty());
    }
}

#[test]
fn manual_pages_are_formatted_without_a_warning() {
    let rig = Rig::new();
    let pages: Vec<PathBuf> = rig.good("generate man man").stdout.lines().map(|page| rig.path().join(page)).collect();
    let names: Vec<String> = pages.iter().map(|page| name(page)).collect();
    for expected in ["kubepkg.1", "kubepkg-build.1", "kubepkg-help.1", "kubepkg-spec-export.1"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    for page in &pages {
        let mut man = rig.program("man");
        man.args(["--warnings=w", "--encoding=UTF-8", "--local-file"]).arg(page).env("MANWIDTH", "80");
        let output = man.output().unwrap();
        let warnings = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && warnings.is_empty(), "{}: {warnings}", page.display());
        assert!(String::from_utf8_lossy(&output.stdout).contains("NAME"), "{}", page.display());
    }
    let build = fs_err::read_to_string(rig.path().join("man/kubepkg-build.1")).unwrap();
    rig.good("generate man again");
    assert_eq!(fs_err::read_to_string(rig.path().join("again/kubepkg-build.1")).unwrap(), build);
    let front = fs_err::read_to_string(rig.path().join("man/kubepkg.1")).unwrap().replace('\\', "");
    let mentioned: Vec<&str> = front.lines().filter(|line| line.starts_with("kubepkg-")).collect();
    assert!(mentioned.len() > 6, "{mentioned:?}");
    for page in mentioned {
        let file = page.replace("(1)", ".1");
        assert!(names.contains(&file), "{file} is named and missing");
    }
}
