//! What old clients make of packages of large files.

use std::path::PathBuf;

use super::root::{Root, words};
use super::system::OLDEST;
use super::{file_name, run};
use crate::mirror::{Mirror, program, trust_root};
use kubepkg::digest::Digest;

const ARCHES: [&str; 4] = ["386", "amd64", "arm", "arm64"];

/// Unpacks a package into a new folder and prints the SHA-256 of the program in it.
const UNPACK_DEB: &str = "rm -rf /x && dpkg-deb -x \"$1\" /x && sha256sum </x/usr/bin/kubectl";
const UNPACK_RPM: &str = "rm -rf /x && mkdir /x && cd /x && rpm -K --nosignature \"$1\" >&2 \
    && rpm2cpio \"$1\" >archive && cpio --quiet -id <archive && sha256sum <usr/bin/kubectl";

/// Packages of several blocks, with whatever filters and parameters each architecture has. zstd is newer than its dpkg.
#[test]
fn the_oldest_clients_read_every_codec() {
    let mirror = Mirror::of_release("1.36.2");
    for arch in ARCHES {
        mirror.enlarge(&program("1.36.2", arch, "kubectl"), 20 << 20);
    }
    let root = Root::of(OLDEST);
    for (compression, formats) in [("xz:0", "deb,rpm"), ("gzip:1", "deb,rpm"), ("zstd:1", "rpm"), ("none", "deb,rpm")] {
        let folder = tempfile::tempdir().unwrap();
        for arch in ARCHES {
            let published = Digest::sha256(mirror.read(&program("1.36.2", arch, "kubectl")));
            for package in build(&mirror, folder.path(), &[arch, compression, formats]) {
                let unpack = if file_name(&package).ends_with(".deb") { UNPACK_DEB } else { UNPACK_RPM };
                let put = root.put(std::slice::from_ref(&package));
                let unpacked = root.ok(&[&["sh", "-c", unpack, "sh"], &words(&put)[..]].concat());
                assert_eq!(unpacked, format!("{}  -\n", published.hex()), "{compression} {}", file_name(&package));
            }
        }
    }
}

fn build(mirror: &Mirror, folder: &std::path::Path, [arch, compression, formats]: &[&str; 3]) -> Vec<PathBuf> {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (output, cache, upstream) = (at("dist"), at("cache"), mirror.path().to_str().unwrap());
    let what = ["build", "kubectl", "--version", "1.36.2", "--arch", arch, "--compression", compression];
    let how = ["--format", formats, "--output", &output, "--cache-dir", &cache, "--upstream", upstream, "--quiet"];
    let root = trust_root().display().to_string();
    let paths = run(env!("CARGO_BIN_EXE_kubepkg"), &[&what[..], &how[..], &["--trust-root", &root]].concat());
    paths.lines().map(PathBuf::from).collect()
}
