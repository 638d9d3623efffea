//! Large files are compressed once, and always to the same bytes.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::mirror::program;
use crate::small_disk::SmallDisk;

/// More than one part of a large file.
const SIZE: usize = 36 << 20;
const BUILD: &str = "build kubelet kubectl --version 1.36.2 --arch amd64 --compression xz:0";

/// A mirror of two programs of several parts each, which compress somewhat.
fn large() -> Mirror {
    let mirror = Mirror::of_release("1.36.2");
    for name in ["kubelet", "kubectl"] {
        mirror.enlarge(&program("1.36.2", "amd64", name), SIZE);
    }
    mirror
}

fn entries(rig: &Rig) -> Vec<PathBuf> {
    files(&rig.cache().join("blocks"))
}

#[test]
fn neither_threads_nor_the_cache_decide_the_bytes() {
    let mirror = large();
    let build = |rig: &Rig, options: &str| {
        rig.good(&format!("{BUILD} {options}"));
        rig.assert_tidy();
        rig.packages()
    };
    let rig = Rig::with_upstream(mirror.path().display());
    let expected = build(&rig, "--jobs 1");
    assert_eq!((expected.len(), entries(&rig).len()), (4, 2), "one entry a program, for both formats");
    let times: Vec<_> = entries(&rig).iter().map(|path| path.metadata().unwrap().len()).collect();
    fs_err::remove_dir_all(rig.dist()).unwrap();
    assert!(build(&rig, "--jobs 2") == expected, "a warm cache");
    assert_eq!(times, entries(&rig).iter().map(|path| path.metadata().unwrap().len()).collect::<Vec<_>>());
    for options in ["--jobs 2", "--jobs 8", "--no-cache --jobs 3"] {
        let other = Rig::with_upstream(mirror.path().display());
        assert!(build(&other, options) == expected, "{options}");
        assert_eq!(entries(&other).is_empty(), options.contains("--no-cache"));
    }
    for compression in ["gzip", "zstd", "none"] {
        let [one, many] = [1, 5].map(|jobs| {
            let rig = Rig::with_upstream(mirror.path().display());
            {
                rig.good(&format!("{} --jobs {jobs}", BUILD.replace("xz:0", compression)));
                rig.packages()
            }
        });
        assert!(one == many, "{compression}");
    }
}

#[test]
fn damaged_blocks_are_noticed_and_made_anew() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(BUILD);
    let packages = rig.packages();
    let entry = entries(&rig).remove(0);
    let good = fs_err::read(&entry).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mangled =
        [flipped(20), flipped(95), flipped(good.len() / 2), flipped(good.len() - 1), good[..good.len() - 1].to_vec()];
    for bytes in mangled.into_iter().chain([Vec::new(), b"kubepkg-blocks 2 \n{}\n".to_vec()]) {
        fs_err::write(&entry, bytes).unwrap();
        fs_err::remove_dir_all(rig.dist()).unwrap();
        let ran = rig.good(BUILD);
        assert!(ran.stderr.contains("was damaged and is replaced"), "{}", ran.stderr);
        assert!(rig.packages() == packages && fs_err::read(&entry).unwrap() == good);
    }
}

#[test]
fn blocks_that_another_user_could_have_written_are_not_used() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(BUILD);
    let entry = entries(&rig).remove(0);
    let changes: [&dyn Fn(); 3] = [
        &|| fs_err::set_permissions(&entry, PermissionsExt::from_mode(0o666)).unwrap(),
        &|| std::os::unix::fs::chown(&entry, Some(65534), None).unwrap(),
        &|| {
            let elsewhere = rig.path().join("elsewhere");
            fs_err::rename(&entry, &elsewhere).unwrap();
            fs_err::os::unix::fs::symlink(elsewhere, &entry).unwrap();
        },
    ];
    for change in changes {
        change();
        fs_err::remove_dir_all(rig.dist()).unwrap();
        assert!(rig.good(BUILD).stderr.contains("is replaced"));
        let metadata = fs_err::symlink_metadata(&entry).unwrap();
        assert_eq!((metadata.is_file(), metadata.permissions().mode() & 0o777), (true, 0o644));
    }
}

#[test]
fn the_least_recently_used_blocks_go_first() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    let one = "build kubectl --version 1.36.2 --arch amd64 --format deb --compression";
    rig.good(&format!("{one} xz:0"));
    let first = entries(&rig).remove(0);
    rig.good(&format!("{one} xz:1"));
    let second = entries(&rig).into_iter().find(|path| *path != first).unwrap();
    // Used once more, the first is the younger one.
    rig.good(&format!("{one} xz:0 --revision 7"));
    assert_eq!(entries(&rig).len(), 2);
    let filler = second.with_file_name(format!("{}x", name(&second)));
    let sparse = fs_err::File::create(&filler).unwrap();
    sparse.set_len((1 << 30) - first.metadata().unwrap().len() - 4096).unwrap();
    drop(sparse);
    fs_err::File::options().write(true).open(&filler).unwrap().file().set_modified(modified(&first)).unwrap();
    rig.good(&format!("{one} xz:0 --revision 8 --cache-limit 1"));
    assert!(first.exists() && !second.exists());
    rig.good(&format!("{one} xz:0 --revision 9 --cache-limit 0"));
    assert_eq!(entries(&rig), Vec::<PathBuf>::new());
}

fn modified(path: &Path) -> std::time::SystemTime {
    path.metadata().unwrap().modified().unwrap()
}

#[test]
fn two_runs_share_the_cache() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    let runs = ["one", "two"].map(|output| {
        let mut command = rig.command(&format!("{BUILD} --output {output}"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for run in runs {
        let ran: Ran = run.wait_with_output().unwrap().into();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let read = |folder: &str| files(&rig.path().join(folder)).iter().map(|path| fs_err::read(path).unwrap()).collect();
    let [one, two]: [Vec<Vec<u8>>; 2] = ["one", "two"].map(read);
    // Four packages, with the papers of each.
    assert!(one == two && one.len() == 12);
    assert_eq!(entries(&rig).len(), 2);
    rig.assert_tidy();
}

#[test]
fn a_full_cache_disk_is_a_clean_error() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    let blocks = rig.cache().join("blocks");
    let disk = SmallDisk::mount(&blocks, "256k");
    let ran = rig.fails(BUILD, 7, "No space left on device");
    assert!(ran.stderr.contains("--no-cache"), "{}", ran.stderr);
    assert_eq!(rig.packages().len(), 0);
    rig.assert_tidy();
    drop(disk);
    rig.good(BUILD);
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    rig.good(&format!("{BUILD} --no-cache"));
    fs_err::remove_dir_all(rig.dist()).unwrap();
    // Root may write everywhere but where the file system is mounted read-only.
    let _disk = SmallDisk::mount(&rig.cache().join("blocks"), "64k");
    let mount = |option: &str| {
        let folder = rig.cache().join("blocks");
        assert!(Command::new("mount").args(["-o", option]).arg(folder).status().unwrap().success());
    };
    mount("remount,ro");
    let ran = rig.good(BUILD);
    assert!(ran.stderr.contains("no compressed blocks are kept"), "{}", ran.stderr);
    assert_eq!(rig.packages().len(), 4);
}

#[test]
fn an_interrupted_compressor_stops_at_once_and_leaves_nothing() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    let mut command = rig.command("build kubelet kubectl --version 1.36.2 --arch amd64 --compression xz:9");
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let blocks = rig.cache().join("blocks");
    while !fs_err::read_dir(&blocks).is_ok_and(|mut entries| entries.next().is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    signal("INT", child.id());
    let began = std::time::Instant::now();
    let ran: Ran = child.wait_with_output().unwrap().into();
    // A part of this size takes xz:9 many seconds.
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(ran.code, 130);
    rig.assert_tidy();
    assert_eq!(rig.packages().len(), 0);
}

#[test]
fn large_files_come_back_from_every_client() {
    let mirror = large();
    let rig = Rig::with_upstream(mirror.path().display());
    let published = mirror.read(&program("1.36.2", "amd64", "kubectl"));
    for compression in ["xz:0", "xz:6", "gzip", "zstd", "none"] {
        rig.good(&format!("build kubectl --version 1.36.2 --arch amd64 --compression {compression} --no-cache"));
        let root = rig.path().join("root");
        fs_err::create_dir(&root).unwrap();
        for (tool, glob) in [
            ("dpkg-deb -x \"$0\" root", "_amd64.deb"),
            ("rpm2cpio \"$0\" | (cd root && cpio --quiet -idu)", "x86_64.rpm"),
        ] {
            let package = packages(&rig.dist()).into_iter().find(|path| name(path).ends_with(glob)).unwrap();
            let script = format!("set -o pipefail; {tool}");
            let status = Command::new("bash").args(["-c", &script]).arg(package).current_dir(rig.path()).status();
            assert!(status.unwrap().success(), "{compression}: {tool}");
            assert!(fs_err::read(root.join("usr/bin/kubectl")).unwrap() == published, "{compression}: {tool}");
            fs_err::remove_dir_all(root.join("usr")).unwrap();
        }
        fs_err::remove_dir_all(root).unwrap();
    }
}
