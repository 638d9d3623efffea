//! What each package installs, path by path.

use kubepkg::format::Format::{self, Deb, Rpm};
use kubepkg::plan::PlannedContent;

use super::{build, files, set};

/// `MODE KIND PATH` of every row in one format, sorted by path.
fn listing(component: &str, profile: &str, format: Format) -> Vec<String> {
    let plan = set("1.31.0", profile);
    let line = |(path, file): (&str, &kubepkg::plan::PlannedFile)| {
        let kind = match &file.content {
            PlannedContent::Directory => "directory",
            PlannedContent::Members { .. } => "programs",
            PlannedContent::Source(_) | PlannedContent::Member { .. } => "program",
            PlannedContent::Text { .. } | PlannedContent::Link(_) => file.role.as_str(),
        };
        assert_eq!((file.owner.user.as_str(), file.owner.group.as_str()), ("root", "root"));
        format!("{} {kind} {path}", file.mode)
    };
    files(build(&plan, component), format).into_iter().map(line).collect()
}

/// What both formats have, and RPM the licence besides: Debian's copyright file names it.
fn check(component: &str, profile: &str, deb: &[&str], rpm: &[&str]) {
    let documents = format!("0755 directory /usr/share/doc/{component}");
    let readme = format!("0644 doc /usr/share/doc/{component}/README.md");
    let licenses = format!("0755 directory /usr/share/licenses/{component}");
    let license = format!("0644 license /usr/share/licenses/{component}/LICENSE");
    let path = |line: &String| line.rsplit(' ').next().unwrap_or_default().to_owned();
    let with = |rows: &[&str], more: &[&String]| {
        let mut rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
        rows.extend(more.iter().map(|row| (*row).clone()));
        rows.sort_by_key(path);
        rows
    };
    assert_eq!(listing(component, profile, Deb), with(deb, &[&documents, &readme]), "{component} {profile}");
    assert_eq!(
        listing(component, profile, Rpm),
        with(rpm, &[&documents, &readme, &licenses, &license]),
        "{component} {profile}"
    );
}

#[test]
fn kubectl_and_cri_tools_bring_one_program() {
    for (component, program) in
        [("kubectl", "0755 program /usr/bin/kubectl"), ("cri-tools", "0755 program /usr/bin/crictl")]
    {
        for profile in ["current", "legacy"] {
            check(component, profile, &[program], &[program]);
        }
    }
}

#[test]
fn kubeadm_brings_the_drop_in() {
    let program = "0755 program /usr/bin/kubeadm";
    let folder = "0755 directory /usr/lib/systemd/system/kubelet.service.d";
    let drop_in = "0644 plain /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
    check("kubeadm", "current", &[program, folder, drop_in], &[program, folder, drop_in]);
    let in_etc = "0644 config-kept /etc/systemd/system/kubelet.service.d/10-kubeadm.conf";
    check("kubeadm", "legacy", &[program, in_etc], &[program, folder, drop_in]);
}

#[test]
fn the_kubelet_brings_its_unit_settings_and_folders() {
    let shared = [
        "0755 program /usr/bin/kubelet",
        "0644 plain /usr/lib/systemd/system/kubelet.service",
        "0755 directory /etc/kubernetes",
        "0755 directory /etc/kubernetes/manifests",
    ];
    let state = "0755 directory /var/lib/kubelet";
    let (in_deb, in_rpm) = ("0644 config-kept /etc/default/kubelet", "0644 config-kept /etc/sysconfig/kubelet");
    check("kubelet", "current", &[&shared[..], &[state, in_deb]].concat(), &[&shared[..], &[state, in_rpm]].concat());
    check("kubelet", "legacy", &shared, &[&shared[..], &[in_rpm]].concat());
}

#[test]
fn kubernetes_cni_brings_plugins_and_their_folders() {
    // The plugins go below the folder, so the table has one row for both: `files` is by path.
    let plugins = ["0755 directory /opt/cni", "0755 programs /opt/cni/bin"];
    let configuration = ["0755 directory /etc/cni", "0755 directory /etc/cni/net.d"];
    let current = [plugins, configuration].concat();
    check("kubernetes-cni", "current", &current, &current);
    check("kubernetes-cni", "legacy", &plugins, &plugins);
}
