//! Bytes that were verified and still are not what the package would say.

use super::*;
use crate::mirror::{plugins, program, with_member};

const KUBELET: &str = "build kubelet --version 1.36.2 --arch amd64";

#[track_caller]
fn assert_refused(mirror: &Mirror, line: &str, words: &str) {
    let rig = Rig::with_upstream(mirror.path().display());
    let ran = rig.fails(line, 6, words);
    assert_eq!((ran.stdout.as_str(), rig.packages().len()), ("", 0));
    rig.assert_tidy();
}

#[test]
fn a_program_for_another_machine_is_refused() {
    let mirror = Mirror::of_release("1.36.2");
    mirror.publish(&program("1.36.2", "amd64", "kubelet"), &mirror.read(&program("1.36.2", "arm64", "kubelet")));
    assert_refused(&mirror, KUBELET, "is a program for arm64, not for amd64");
}

#[test]
fn a_program_of_another_version_is_refused() {
    let mirror = Mirror::new();
    let other = mirror.read(&program("1.36.1", "amd64", "kubelet"));
    mirror.publish(&program("1.36.2", "amd64", "kubelet"), &other);
    assert_refused(&mirror, KUBELET, "does not hold version 1.36.2; it holds");
}

#[test]
fn what_is_no_program_is_refused() {
    let mirror = Mirror::of_release("1.36.2");
    mirror.publish(&program("1.36.2", "amd64", "kubelet"), b"#!/bin/sh\necho Kubernetes v1.36.2\n");
    assert_refused(&mirror, KUBELET, "not a Linux program");
    let mirror = Mirror::of_release("1.36.2");
    let whole = mirror.read(&program("1.36.2", "amd64", "kubelet"));
    mirror.publish(&program("1.36.2", "amd64", "kubelet"), &whole[..whole.len() - 100]);
    assert_refused(&mirror, KUBELET, "is cut off");
}

/// Gives the archive of one version the name of another, with digests that fit.
fn rename_plugins(mirror: &Mirror, from: &str, to: &str) {
    let bytes = mirror.read(&plugins(from, "amd64"));
    let name = plugins(to, "amd64");
    let digests = mirror::digests(&bytes);
    mirror.put(&name, &bytes);
    let file = name.rsplit('/').next().unwrap();
    mirror.put(&format!("{name}.sha256"), format!("{}  {file}\n", digests.packaged.sha256.hex()));
    mirror.put(&format!("{name}.sha512"), format!("{}  {file}\n", digests.sha512.hex()));
}

#[test]
fn the_plugins_of_another_version_are_refused() {
    let line = "build kubernetes-cni --version 1.28.0 --arch amd64 --cni-version";
    let mirror = Mirror::new();
    rename_plugins(&mirror, "0.8.6", "1.1.1");
    assert_refused(&mirror, &format!("{line} 1.1.1"), "cni-plugins-linux-amd64-v1.1.1.tgz");
    // These have the same members; only what is inside gives them away.
    rename_plugins(&mirror, "1.8.0", "1.4.0");
    assert_refused(&mirror, &format!("{line} 1.4.0"), "does not hold version 1.4.0; it holds");
}

#[test]
fn an_archive_with_a_plugin_more_or_less_is_refused() {
    let line = "build kubernetes-cni --version 1.36.2 --arch amd64 --cni-version 1.8.0";
    let (mirror, archive) = (Mirror::new(), plugins("1.8.0", "amd64"));
    let bytes = mirror.read(&archive);
    let novelty = mirror.read(&program("1.36.2", "amd64", "kubectl"));
    mirror.publish(&archive, &with_member(&bytes, "novelty", &novelty));
    assert_refused(&mirror, line, "`novelty`, of which the spec says nothing");
    let mirror = Mirror::new();
    mirror.publish(&archive, &with_member(&bytes, "../etc/passwd", b"x"));
    assert_refused(&mirror, line, "../etc/passwd");
    let mirror = Mirror::new();
    mirror.publish(&archive, &bytes[..bytes.len() - 9]);
    assert_refused(&mirror, line, "cannot be unpacked");
}
