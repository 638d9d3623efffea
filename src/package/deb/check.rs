//! The rules for values that go into a deb. A value that breaks one is refused and never repaired: what a control file
//! says must be what was asked for.

use crate::package::WriteError;
use crate::path::PackageName;

/// The sections of the archive (Policy 2.4, lintian's list).
const SECTIONS: &str = "admin cli-mono comm database debug devel doc editors education electronics embedded fonts \
    games gnome gnu-r gnustep golang graphics hamradio haskell httpd interpreters introspection java javascript kde \
    kernel libdevel libs lisp localization mail math metapackages misc net news ocaml oldlibs otherosfs perl php \
    python raku ruby rust science shells sound tasks tex text utils vcs video web x11 xfce zope";
/// The areas that a section is written with (Policy 2.4); packages of `main` name none.
const AREAS: [&str; 3] = ["contrib", "non-free", "non-free-firmware"];
/// The priorities (Policy 2.5).
const PRIORITIES: [&str; 5] = ["required", "important", "standard", "optional", "extra"];
/// The longest name of a user or group that a tar header takes, its NUL aside.
const MAX_OWNER: usize = 31;

/// Names the field and shows the start of the value, with nothing in it that a terminal would obey.
pub(super) fn refused(field: &str, value: &str, cause: &str) -> WriteError {
    let shown: String = value.chars().take(120).flat_map(char::escape_default).collect();
    WriteError::Field { field: field.to_owned(), cause: format!("`{shown}` {cause}") }
}

/// Names the field in which nothing stands.
pub(super) fn lacking(field: &str, cause: &str) -> WriteError {
    WriteError::Field { field: field.to_owned(), cause: format!("it {cause}") }
}

/// Returns `value` if it is one line of text without blanks around it.
pub(super) fn line<'a>(field: &str, value: &'a str) -> Result<&'a str, WriteError> {
    if value.is_empty() {
        return Err(lacking(field, "is empty"));
    }
    if value.chars().any(char::is_control) {
        return Err(refused(field, value, "has a line break or another control character"));
    }
    if value.trim() != value {
        return Err(refused(field, value, "has blanks around it"));
    }
    Ok(value)
}

/// Returns `value` if it is a section (Policy 2.4).
pub(super) fn section(value: &str) -> Result<&str, WriteError> {
    let name = line("Section", value)?;
    let name = match name.split_once('/') {
        Some((area, name)) if AREAS.contains(&area) => name,
        Some(_) => return Err(refused("Section", value, "names no area of the archive")),
        None => name,
    };
    if SECTIONS.split_whitespace().any(|section| section == name) {
        Ok(value)
    } else {
        Err(refused("Section", value, "is no section of Debian's archive"))
    }
}

/// Returns `value` if it is a priority (Policy 2.5).
pub(super) fn priority(value: &str) -> Result<&str, WriteError> {
    if PRIORITIES.contains(&line("Priority", value)?) {
        Ok(value)
    } else {
        Err(refused("Priority", value, &format!("is no priority; known are `{}`", PRIORITIES.join("`, `"))))
    }
}

/// Returns `value` if it is `Name <mail@host>` (Policy 5.6.2).
pub(super) fn maintainer(value: &str) -> Result<&str, WriteError> {
    let bad = || refused("Maintainer", value, "is not written `Name <mail@host>`");
    let (name, mail) = line("Maintainer", value)?.strip_suffix('>').and_then(|v| v.split_once(" <")).ok_or_else(bad)?;
    let (local, host) = mail.split_once('@').ok_or_else(bad)?;
    let host_is_good = host.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    let local_is_good = !local.is_empty()
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte));
    let name_is_good = !name.trim().is_empty() && !name.contains(['<', '>', '@']);
    if name_is_good && local_is_good && host_is_good { Ok(value) } else { Err(bad()) }
}

/// Returns `value` if it is the address of a web page.
pub(super) fn homepage(value: &str) -> Result<&str, WriteError> {
    let page = url::Url::parse(line("Homepage", value)?).ok();
    let good =
        page.is_some_and(|page| matches!(page.scheme(), "http" | "https")) && !value.contains(char::is_whitespace);
    if good { Ok(value) } else { Err(refused("Homepage", value, "is no address of a web page")) }
}

/// Returns `value` if it is the name of a package (Policy 5.6.7).
pub(super) fn package_name<'a>(field: &str, value: &'a str) -> Result<&'a str, WriteError> {
    value
        .parse::<PackageName>()
        .map_err(|bad| WriteError::Field { field: field.to_owned(), cause: bad.to_string() })?;
    Ok(value)
}

/// Returns `value` if it is a version (Policy 5.6.12): `[EPOCH:]UPSTREAM[-REVISION]`.
pub(super) fn version<'a>(field: &str, value: &'a str) -> Result<&'a str, WriteError> {
    let rest = match value.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        Some(_) => return Err(refused(field, value, "is no version: its epoch is no number")),
        None => value,
    };
    let characters = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte));
    let good = characters && rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.ends_with('-');
    if good { Ok(value) } else { Err(refused(field, value, "is no version of a Debian package")) }
}

/// Returns `value` if it can be the name of a user or group.
pub(super) fn owner<'a>(field: &str, value: &'a str) -> Result<&'a str, WriteError> {
    let good = (1..=MAX_OWNER).contains(&value.len())
        && value.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    if good { Ok(value) } else { Err(refused(field, value, "is no name of a user or group")) }
}

/// Returns `value` if it is the file name of a unit (systemd.unit(5)), so that it can stand in a script.
pub(super) fn unit(value: &str) -> Result<&str, WriteError> {
    const KINDS: [&str; 6] = ["service", "socket", "target", "timer", "path", "mount"];
    let good = value.len() <= 255
        && value.rsplit_once('.').is_some_and(|(name, kind)| !name.is_empty() && KINDS.contains(&kind))
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":_.@-".contains(&byte));
    if good { Ok(value) } else { Err(refused("a service", value, "is no file name of a unit")) }
}

/// Returns the body of a script of the spec without empty lines around it, if the shell of the maintainer script can run it.
pub(super) fn script_body<'a>(script: &str, body: &'a str) -> Result<&'a str, WriteError> {
    let body = body.trim_matches('\n');
    if body.trim_start().starts_with("#!") {
        return Err(refused(script, body, "names an interpreter, but maintainer scripts are run by /bin/sh"));
    }
    if body.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(refused(script, body, "has a control character"));
    }
    if body.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(refused(script, body, "holds no command"));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(check: fn(&str) -> Result<&str, WriteError>, good: &[&str], bad: &[&str]) {
        for value in good {
            assert_eq!(check(value).unwrap(), *value);
        }
        for value in bad {
            assert!(check(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn values_of_fields_are_checked() {
        table(
            section,
            &["admin", "contrib/net", "non-free/libs"],
            &["", "nonsense", "main/net", "net/", "net\n", "/net"],
        );
        table(priority, &["optional", "extra"], &["urgent", "", "Optional", "optional\nEssential: yes"]);
        table(
            maintainer,
            &["Kubernetes Authors <dev@kubernetes.io>", "Łukasz O'Neil <l+release@a-b.example>"],
            &["Kubernetes Authors", "<dev@kubernetes.io>", "A dev@b.io", "A <dev>", "A <@b>", "A <a@b c>", "A <a@.b>"],
        );
        table(
            homepage,
            &["https://kubernetes.io", "http://a.example/b?c"],
            &["", "kubernetes.io", "ftp://a.example", "https://x\nEssential: yes", "https://x y"],
        );
    }

    #[test]
    fn names_and_versions_are_checked() {
        table(
            |value| version("Depends", value),
            &["1.4.21", "1:2.3~rc.1-1.1", "0"],
            &["", "foo", "foo bar/1", "abc:1", ":1", "1_2", "1-", "1)"],
        );
        table(|value| package_name("Depends", value), &["libc6", "g++"], &["", "Foo", "foo bar", "a", "libc6:any"]);
        table(|value| owner("owner", value), &["root", "_apt"], &["", "0", "a:b", "a\n", &"a".repeat(32)]);
        table(
            unit,
            &["kubelet.service", "a@b.timer"],
            &["kubelet", ".service", "a'b.service", "a b.service", "a/b.path"],
        );
    }

    #[test]
    fn scripts_are_shell_and_do_something() {
        assert_eq!(script_body("postinst", "\n  true\n\n").unwrap(), "  true");
        for body in ["", "# nothing\n", "#!/usr/bin/python3\nprint()", "\n #!/bin/sh\ntrue", "true\r\n", "a\0b"] {
            assert!(script_body("postinst", body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_refusal_shows_no_control_characters() {
        let message = line("Homepage", "https://x\nEssential: yes\u{1b}[31m").unwrap_err().to_string();
        assert!(message.starts_with("Homepage of the package:") && !message.contains(char::is_control), "{message}");
    }
}
