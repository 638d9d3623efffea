//! Where things lie below the root of a repository.

use super::channel::Channel;
use super::store::Key;
use crate::format::Format;

/// The component of an apt repository (sources.list(5)); there is one.
pub const COMPONENT: &str = "main";
/// The certificates in ASCII armor, one block each.
pub const CERTIFICATE: &str = "key.asc";
/// The certificates as apt holds them.
pub const KEYRING: &str = "key.gpg";

/// Returns where the bytes of a package are, whatever channels show it: Debian's pool, for both formats.
pub fn pool(name: &str, file_name: &str) -> String {
    let prefix = match name.strip_prefix("lib").and_then(|rest| rest.chars().next()) {
        Some(first) => format!("lib{first}"),
        None => name.chars().take(1).collect(),
    };
    format!("pool/{COMPONENT}/{prefix}/{name}/{file_name}")
}

/// Returns the folder of a channel's `Release` files, and of the indices that they list.
pub fn suite(channel: Channel) -> String {
    format!("dists/{}", channel.word())
}

/// Returns the folder that holds a channel in the shape of pkgs.k8s.io: `core:/stable:/v1.36/deb`. In it lie index files
/// and, in one folder for each architecture, packages.
pub fn flat(channel: Channel, format: Format) -> String {
    let minor = channel.minor().map_or_else(String::new, |minor| format!("/{minor}"));
    format!("core:/{}:{minor}/{format}", channel.stage().as_str())
}

/// Returns where a package lies in the shape of pkgs.k8s.io.
pub fn flat_package(channel: Channel, format: Format, arch: &str, file_name: &str) -> String {
    format!("{}/{arch}/{file_name}", flat(channel, format))
}

/// Makes a key of a path whose parts were checked: channels, digests, and the words of a fragment.
pub fn key(path: &str) -> Key {
    match path.parse() {
        Ok(key) => key,
        Err(error) => unreachable!("no key: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_that_people_know() {
        assert_eq!(pool("kubelet", "kubelet_1.36.2-1.1_amd64.deb"), "pool/main/k/kubelet/kubelet_1.36.2-1.1_amd64.deb");
        assert_eq!(pool("libfoo", "x.deb"), "pool/main/libf/libfoo/x.deb");
        let channel: Channel = "stable/v1.36".parse().unwrap();
        assert_eq!(suite(channel), "dists/stable-v1.36");
        assert_eq!(flat_package(channel, Format::Rpm, "x86_64", "a.rpm"), "core:/stable:/v1.36/rpm/x86_64/a.rpm");
        assert_eq!(flat("rolling".parse().unwrap(), Format::Deb), "core:/rolling:/deb");
    }
}
