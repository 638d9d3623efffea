//! Every exit code, provoked, and the places that list them.

use super::*;
use crate::fault_server::Act;

const KUBECTL: &str = "build kubectl --version 1.36.2 --arch amd64";

#[test]
fn done_is_zero() {
    let rig = Rig::new();
    for line in ["--version", "--help", "help", "help build", "spec list", "plan --version 1.36.2 --arch all"] {
        rig.good(line);
    }
}

#[test]
fn what_is_typed_wrong_is_two() {
    let rig = Rig::new();
    let ran = rig.run("");
    assert!(ran.code == 2 && ran.stdout.is_empty() && ran.stderr.contains("Usage: kubepkg"), "{}", ran.stderr);
    fs_err::write(rig.path().join("bad.yaml"), "maintainers: x\n").unwrap();
    fs_err::write(rig.path().join("ca.pem"), "none\n").unwrap();
    for (line, words) in [
        ("help me", "there is no subcommand `me`"),
        ("plan --version 1.36.2 --archs amd64", "a similar argument exists: '--arch'"),
        ("plann", "a similar subcommand exists: 'plan'"),
        ("plan", "no version"),
        ("plan --version 1.36.2.1", "invalid value '1.36.2.1'"),
        ("plan --version 1.36.2 --arch pentium9", "pentium9"),
        ("plan --version 1.36.2 --arch aarch64", "`arm64` in upstream's spelling"),
        ("plan --version 1.36.2 --format apk", "apk"),
        ("plan --version 1.36.2 --revision 1/2", "1/2"),
        ("plan --version 1.36.2 --maintainer Nobody", "`Name <mail@example.org>`"),
        ("build --version 1.36.2 --compression zstd:99", "`zstd:99` has no such level"),
        ("plan --version 1.36.2 --config bad.yaml", "maintainers"),
        ("plan --version 1.36.2 --config absent.yaml", "absent.yaml"),
        ("fetch --version 1.36.2 --upstream absent", "is not a folder"),
        ("fetch --version 1.36.2 --ca-certificate ca.pem", "certificates in PEM"),
        ("fetch --version 1.36.2 --timeout 0", "0"),
        ("plan --version 1.36.2 -q -v", "cannot be used with"),
        ("inspect", "<FILE>"),
    ] {
        rig.fails(line, 2, words);
    }
    fs_err::create_dir(rig.path().join("full")).unwrap();
    fs_err::write(rig.path().join("full/mine"), "x").unwrap();
    rig.fails("spec export full", 2, "nothing in it is overwritten");
}

#[test]
fn a_bad_source_date_is_two_and_a_good_one_is_used() {
    let rig = Rig::new();
    for bad in ["garbage", "", "-1", "1.5", "0x10", "99999999999999999999", "4294967296"] {
        let ran = Ran::from(rig.command(KUBECTL).env("SOURCE_DATE_EPOCH", bad).output().unwrap());
        assert_eq!(ran.code, 2, "`{bad}`: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: unset SOURCE_DATE_EPOCH"), "{}", ran.stderr);
        assert!(!rig.dist().exists());
    }
    let ran = Ran::from(rig.command(KUBECTL).env("SOURCE_DATE_EPOCH", "1000000000").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let deb = rig.dist().join("kubectl_1.36.2-1.1_amd64.deb");
    let list = Command::new("dpkg-deb").arg("--contents").arg(deb).env("TZ", "UTC").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(!list.is_empty() && list.lines().all(|line| line.contains(" 2001-09-09 01:46 ")), "{list}");
    let query = ["-qp", "--nosignature", "--queryformat", "%{BUILDTIME}"];
    let rpm = rig.dist().join("kubectl-1.36.2-1.1.x86_64.rpm");
    let output = Command::new("rpm").args(query).arg(rpm).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1000000000");
}

#[test]
fn a_wrong_spec_or_template_is_three() {
    let rig = Rig::new();
    rig.good("spec export mine");
    let spec = rig.path().join("mine/specs/kubectl.yaml");
    let text = fs_err::read_to_string(&spec).unwrap();
    fs_err::write(&spec, format!("{text}\nnonsense: true\n")).unwrap();
    rig.fails("spec check --spec-dir mine/specs", 3, "nonsense");
    rig.fails("plan --version 1.36.2 --spec-dir mine/specs", 3, "kubectl.yaml");
    rig.fails("spec list --spec-dir absent", 3, "absent");
    fs_err::create_dir(rig.path().join("empty")).unwrap();
    rig.fails("spec list --spec-dir empty", 3, "has no spec");
    let control = rig.path().join("mine/templates/deb/control");
    let text = fs_err::read_to_string(&control).unwrap();
    fs_err::write(&control, text + "X-Mine: {{undefined}}\n").unwrap();
    rig.fails(&format!("{KUBECTL} --template-dir mine/templates"), 3, "undefined");
    assert!(rig.packages().keys().all(|name| name.contains(".rpm")), "no deb is made of a wrong template");
    rig.assert_tidy();
}

#[test]
fn what_does_not_exist_is_four() {
    let rig = Rig::new();
    for (line, words) in [
        ("plan nonesuch --version 1.36.2", "components are "),
        ("plan kubelet --version 1.36.2 --arch 386", "386"),
        ("plan --version 1.36.2 --profile other", "profiles are "),
        ("plan --version 1.36.2 --channel prerelease", "is of the channel `release`"),
        ("spec show nonesuch", "there is no component"),
    ] {
        rig.fails(line, 4, words);
    }
}

#[test]
fn what_cannot_be_fetched_is_five() {
    let rig = Rig::new();
    rig.fails("build kubectl --version 1.36.3 --arch amd64", 5, "not published");
    rig.fails(&format!("{KUBECTL} --offline"), 5, "run once without `--offline`");
    rig.fails(&format!("{KUBECTL} --retries 0 --upstream http://127.0.0.1:9"), 5, "--upstream");
    rig.fails("plan --version stable-1.99", 5, "stable-1.99");
    rig.fails("build kubectl --version 1.36.2 --arch amd64 --from-dir absent", 5, "absent");
    rig.assert_tidy();
}

#[test]
fn what_cannot_be_verified_is_six() {
    let mirror = Mirror::of_release("1.36.2");
    let rig = Rig::with_upstream(mirror.path().display());
    mirror.put(&mirror::program("1.36.2", "amd64", "kubectl"), "other bytes");
    rig.fails(KUBECTL, 6, "is not the file that was published");
    rig.assert_tidy();
}

#[test]
fn what_cannot_be_written_or_read_is_seven() {
    let rig = Rig::new();
    fs_err::write(rig.path().join("file"), "x").unwrap();
    rig.fails(&format!("{KUBECTL} --output file/dist"), 7, "--output");
    rig.fails(&format!("{KUBECTL} --cache-dir file/cache"), 7, "--cache-dir");
    rig.fails("inspect absent.deb", 7, "absent.deb");
    rig.fails("inspect file", 7, "is neither a deb nor an RPM");
    rig.fails("generate man file/man", 7, "file/man");
    let mut command = rig.command("spec schema");
    command.stdout(fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().into_parts().0);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot write to stdout"), "{}", ran.stderr);
}

#[test]
fn what_is_built_in_part_is_ten() {
    let mirror = Mirror::of_release("1.36.2");
    mirror.withdraw(&mirror::program("1.36.2", "arm64", "kubectl"));
    let rig = Rig::with_upstream(mirror.path().display());
    let ran = rig.run("build kubectl --version 1.36.2 --arch amd64,arm64 --json");
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(rig.packages().is_empty());
    let ran = rig.run("build kubectl --version 1.36.2 --arch all");
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    for missing in ["kubectl_1.36.2-1.1_arm64.deb", "kubectl-1.36.2-1.1.aarch64.rpm"] {
        assert!(ran.stderr.contains(missing) && !ran.stdout.contains(missing), "{}", ran.stderr);
    }
    for built in ["kubectl_1.36.2-1.1_amd64.deb", "kubectl-1.36.2-1.1.i686.rpm", "kubectl_1.36.2-1.1_armhf.deb"] {
        assert!(ran.stdout.contains(built), "{}", ran.stdout);
    }
    assert_eq!(rig.run("fetch kubectl --version 1.36.2 --arch all").code, 10);
    rig.assert_tidy();
}

#[test]
fn a_signal_is_told_as_shells_do() {
    let server = FaultServer::start(|_| vec![Act::Stall]);
    for (name, expected) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let rig = Rig::with_upstream(server.url(""));
        let before = server.requests().len();
        let mut child = rig.command(KUBECTL).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while server.requests().len() == before {
            std::thread::yield_now();
        }
        signal(name, child.id());
        assert_eq!(code(child.wait().unwrap()), expected, "{name}");
        rig.assert_tidy();
    }
}

#[test]
fn the_lists_of_exit_codes_agree() {
    let rig = Rig::new();
    let text = rig.good("help exit-codes").stdout;
    let json = rig.good("help exit-codes --json").json();
    let rows: Vec<(i64, &str)> = json["exit_codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["code"].as_i64().unwrap(), row["meaning"].as_str().unwrap()))
        .collect();
    let codes: Vec<i64> = rows.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 129, 130, 143]);
    assert_eq!(text, rows.iter().map(|(code, meaning)| format!("{code:>4}  {meaning}\n")).collect::<String>());
    assert!(rig.good("--help").stdout.contains("kubepkg help exit-codes"));
    assert!(rig.good("-h").stdout.contains("kubepkg help exit-codes"));
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    if readme.exists() {
        let words = fs_err::read_to_string(readme).unwrap().replace('`', "");
        for (code, meaning) in rows {
            let row = format!("| {code} | {} |", meaning.replace('`', ""));
            assert!(words.contains(&row), "README.md lacks the row {row}");
        }
    }
}
