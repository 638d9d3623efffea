//! A disk that fills up soon. Mounting needs root.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system, until it is dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of `size`, as mount(8) writes sizes, at a folder that is made.
    pub(crate) fn mount(at: &Path, size: &str) -> Self {
        fs_err::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status().unwrap();
        assert!(status.success());
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
