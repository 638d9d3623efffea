//! Where packages lie, as index files say it.

use super::fragment::{BadField, excerpt};

/// Checks a path that index files hold: relative, normal, and of characters that mean nothing in a URL, in a control
/// stanza or to a client.
pub(super) fn check(path: &str) -> Result<(), BadField> {
    let bad = |cause: &str| Err(BadField::new("location", format!("`{}` {cause}", excerpt(path))));
    if path.is_empty() || path.len() > 1024 {
        return bad("has no or too many bytes");
    }
    if path.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        return bad("is no normal relative path");
    }
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-._~^:@=".contains(&byte);
    if path.bytes().all(good) { Ok(()) } else { bad("has characters that clients read in different ways") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_plain_relative_paths() {
        for good in ["pool/main/k/kubelet/kubelet_1.36.0~rc.1-1.1_amd64.deb", "x86_64/a-1^git-1.x86_64.rpm"] {
            assert_eq!(check(good), Ok(()));
        }
        for bad in ["", "/a", "a//b", "../a", "a/..", "./a", "a b", "a\nb", "a%2fb", "a?b", "a#b", "a\\b", "é"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
