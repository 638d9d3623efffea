//! The same bytes, wherever and whenever a package is written.

use super::*;

/// The variable that tells the test below where to write, when it runs as a program of its own.
const TARGET: &str = "KUBEPKG_TEST_TARGET";
const CODECS: [Compression; 4] = [Compression::None, Compression::Gzip(9), Compression::Xz(6), Compression::Zstd(9)];

#[test]
#[expect(clippy::disallowed_methods, reason = "a program that a test starts is told its target in a variable")]
fn a_package_is_written_in_every_codec() {
    let temporary = tempfile::tempdir().unwrap();
    let target = std::env::var_os(TARGET).map_or(temporary.path().to_owned(), PathBuf::from);
    for codec in CODECS {
        let mut image = kubelet_image();
        let large = (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        image.entries.push(entry("/opt/large", "0644", Role::Plain, Content::Text(large)));
        write_to(&image, codec, &target.join(format!("{codec}.deb")));
    }
}

#[test]
fn zone_locale_umask_and_folder_leave_no_trace() {
    let surroundings = [
        "umask 022; cd /",
        "umask 077; cd /tmp; export TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 SOURCE_DATE_EPOCH=1 USER=nobody HOME=/nowhere",
        "umask 0; cd /usr; export TZ=America/St_Johns",
    ];
    let mut written = Vec::new();
    for surrounding in surroundings {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let script =
            format!("{surrounding}; exec \"$0\" --exact deb::reproducible::a_package_is_written_in_every_codec");
        let status = Command::new("sh")
            .args(["-c".as_ref(), script.as_ref(), program.as_os_str()])
            .env(TARGET, folder.path())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        written.push(CODECS.map(|codec| fs::read(folder.path().join(format!("{codec}.deb"))).unwrap()));
    }
    assert!(written.iter().all(|debs| *debs == written[0]));
}
