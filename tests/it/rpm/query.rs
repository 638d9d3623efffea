//! What rpm says of a package file.

use kubepkg::arch::Arch;
use kubepkg::package::Compression;
use kubepkg::source_date::SourceDate;

use super::{CODECS, image, query, run, write};

#[test]
fn a_package_says_of_itself_what_the_image_does() {
    let folder = tempfile::tempdir().unwrap();
    let package = write(&image::kubelet("1.17.0-rc.1"), Compression::default(), folder.path());
    assert_eq!(package.file_name().unwrap(), "kubelet-1.17.0~rc.1-1.x86_64.rpm");
    let format = "%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{OS}|%{LICENSE}|%{SUMMARY}|%{URL}|%{VENDOR}|%{PACKAGER}|\
                  %{GROUP}|%{BUILDTIME}|%{BUILDHOST}|%{SOURCERPM}|%{SIGPGP}|%{PAYLOADCOMPRESSOR}|%{PAYLOADFLAGS}|\
                  %{FILEDIGESTALGO}\n";
    assert_eq!(
        query(&package, &["--qf", format]),
        "kubelet|(none)|1.17.0~rc.1|1|x86_64|linux|Apache-2.0|Node agent of 100% Kubernetes clusters|\
         https://kubernetes.io/|Example|Release Engineering <release@example.com>|net|1575676800|(none)|\
         kubelet-1.17.0~rc.1-1.src.rpm|(none)|xz|6|8\n"
    );
    assert_eq!(
        query(&package, &["--qf", "%{DESCRIPTION}"]),
        "The node agent of Kubernetes, the container cluster manager, which runs on each\n\
         node and keeps 100% of its containers (%{name}) running."
    );
    assert_eq!(
        query(&package, &["--changelog"]),
        "* Sat Dec 07 2019 Release Engineering <release@example.com> - 1.17.0~rc.1-1\n\
         - Package of version 1.17.0-rc.1.\n\n"
    );
    assert_eq!(run("rpm", &["-K", package.to_str().unwrap()]), format!("{}: digests OK\n", package.display()));
}

#[test]
fn files_have_their_modes_owners_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = image::kubelet("1.17.0");
    image.entries[4].mode = "4755".parse().unwrap();
    image.entries[11].owner.user = "kube".to_owned();
    image.entries[11].owner.group = "nodes".to_owned();
    let package = write(&image, Compression::Gzip(1), folder.path());
    let lines = "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEMTIMES} %{FILENAMES} %{FILELINKTOS} \
                 %{FILEFLAGS:fflags}\n]";
    let listed: Vec<String> = query(&package, &["--qf", lines])
        .lines()
        .map(|line| line.replace(" 1575676800 ", " ").trim().to_owned())
        .collect();
    assert_eq!(
        listed,
        [
            "drwxr-xr-x root root /etc/kubernetes",
            "drwxr-x--- root root /etc/kubernetes/manifests",
            "-rw------- root root /etc/kubernetes/policy.conf  c",
            "-rw-r--r-- root root /etc/sysconfig/kubelet  cn",
            "-rwsr-xr-x root root /usr/bin/kubelet",
            "lrwxrwxrwx root root /usr/bin/node-agent kubelet",
            "-rw-r--r-- root root /usr/lib/systemd/system/kubelet.service",
            "drwxr-xr-x root root /usr/share/doc/kubelet",
            "-rw-r--r-- root root /usr/share/doc/kubelet/README.md  d",
            "drwxr-xr-x root root /usr/share/licenses/kubelet",
            "-rw-r--r-- root root /usr/share/licenses/kubelet/LICENSE  l",
            "drwxr-xr-x kube nodes /var/lib/kubelet",
            "-rw-r--r-- root root /var/lib/kubelet/README.md",
        ]
    );
    let digest = run("sha256sum", &["/bin/true"]);
    let dump = query(&package, &["--dump"]);
    let line = dump.lines().find(|line| line.starts_with("/usr/bin/kubelet ")).unwrap();
    assert!(line.contains(digest.split(' ').next().unwrap()), "{line}");
}

#[test]
fn relations_name_every_feature_that_they_need() {
    let folder = tempfile::tempdir().unwrap();
    let package = write(&image::kubelet("1.17.0-rc.1"), Compression::default(), folder.path());
    let ask = |what: &str| query(&package, &[what]);
    assert_eq!(
        ask("--requires"),
        "(conntrack or conntrack-tools >= 1.4)\n/bin/sh\n/bin/sh\n/bin/sh\n/bin/sh\n\
         config(kubelet) = 1.17.0~rc.1-1\niptables >= 1.4.21\nlibc.so.6(GLIBC_2.34)(64bit)\n\
         rpmlib(CompressedFileNames) <= 3.0.4-1\nrpmlib(FileDigests) <= 4.6.0-1\n\
         rpmlib(PayloadFilesHavePrefix) <= 4.0-1\nrpmlib(PayloadIsXz) <= 5.2-1\n\
         rpmlib(RichDependencies) <= 4.12.0-1\nrpmlib(TildeInVersions) <= 4.10.0-1\nutil-linux\n"
    );
    assert_eq!(
        ask("--provides"),
        "config(kubelet) = 1.17.0~rc.1-1\nkubelet = 1.17.0~rc.1-1\nkubelet(x86-64) = 1.17.0~rc.1-1\n\
         kubernetes-node = 1.17\n"
    );
    assert_eq!(ask("--conflicts"), "docker-kubelet\nkubeadm < 1.10\n");
    assert_eq!(ask("--obsoletes"), "hyperkube < 1.19\n");
    assert_eq!(ask("--recommends"), "kubernetes-cni >= 1.2.0~rc.1\n");
    assert_eq!(ask("--suggests"), "cri-tools\n");
}

#[test]
fn a_plain_package_needs_only_what_every_rpm_has() {
    let folder = tempfile::tempdir().unwrap();
    let old = "rpmlib(CompressedFileNames) <= 3.0.4-1\nrpmlib(FileDigests) <= 4.6.0-1\n\
               rpmlib(PayloadFilesHavePrefix) <= 4.0-1\n";
    for (codec, feature) in
        CODECS.into_iter().zip(["", "", "rpmlib(PayloadIsXz) <= 5.2-1\n", "rpmlib(PayloadIsZstd) <= 5.4.18-1\n"])
    {
        let package = write(&image::plain("plain", "1.17.0"), codec, folder.path());
        assert_eq!(query(&package, &["--requires"]), format!("{old}{feature}"), "{codec}");
        assert_eq!(query(&package, &["--scripts"]), "", "{codec}");
        let cpio = run("sh", &["-c", "rpm2cpio \"$0\" | cpio --quiet -i --to-stdout", package.to_str().unwrap()]);
        assert_eq!(cpio, "plain\n", "{codec}");
    }
}

#[test]
fn packages_of_every_architecture_are_read_here() {
    let folder = tempfile::tempdir().unwrap();
    for arch in Arch::ALL {
        let mut image = image::kubelet("1.17.0");
        image.metadata.arch = arch;
        let package = write(&image, Compression::Zstd(1), folder.path());
        assert_eq!(query(&package, &["--qf", "%{ARCH}"]), arch.rpm());
        assert!(query(&package, &["--provides"]).contains("kubelet("), "{arch} has no ISA");
        run("rpm", &["-K", package.to_str().unwrap()]);
    }
}

#[test]
fn a_source_date_in_the_future_stays_the_only_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = image::kubelet("1.17.0");
    for epoch in [0, u32::MAX] {
        image.date = SourceDate::from_epoch(epoch);
        let package = write(&image, Compression::None, folder.path());
        let times = query(&package, &["--qf", "%{BUILDTIME}[ %{FILEMTIMES}]"]);
        assert!(times.split(' ').all(|time| time == epoch.to_string()), "{times}");
    }
}
