//! What `kubepkg inspect` prints: the text view of an inspection.
//!
//! Everything in it comes from the package, so control characters are escaped: a name cannot move the cursor.

use std::fmt::{self, Write as _};

use crate::format::Format;
use crate::package::reader::{Change, Compression, Entry, EntryKind, Inspection, Script, Trigger};

/// The width of the labels.
const LABEL: usize = 16;

/// Returns the text view: sections for metadata, relations, scripts and files, without those that are empty.
pub(crate) fn render(inspection: &Inspection) -> String {
    let mut view = View(String::new());
    view.line(&shown(&inspection.file.path));
    view.metadata(inspection);
    view.relations(inspection);
    view.section("Scripts", &inspection.scripts, View::script);
    view.section("Triggers", &inspection.triggers, View::trigger);
    view.section("Changelog", &inspection.changelog, View::change);
    view.files(&inspection.files);
    view.0
}

struct View(String);

impl View {
    fn line(&mut self, text: &dyn fmt::Display) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.0, "{text}");
    }

    fn heading(&mut self, title: &str) {
        self.line(&format_args!("\n{title}"));
    }

    fn section<T>(&mut self, title: &str, items: &[T], one: fn(&mut Self, &T)) {
        if !items.is_empty() {
            self.heading(title);
            for item in items {
                one(self, item);
            }
        }
    }

    /// Writes a label and its values, one a line. Nothing is written without values.
    fn values(&mut self, label: &str, values: impl IntoIterator<Item = impl AsRef<str>>) {
        let lines = values.into_iter().flat_map(|value| lines(value.as_ref()));
        for (number, line) in lines.enumerate() {
            let label = if number == 0 { label } else { "" };
            self.line(&format!("  {label:LABEL$}  {line}").trim_end());
        }
    }

    fn metadata(&mut self, inspection: &Inspection) {
        self.heading("Metadata");
        self.values("Format", [format!("{} {}", inspection.format, inspection.format_version)]);
        self.values("Name", [&inspection.name]);
        self.values("Version", [&inspection.version]);
        self.values("Revision", &inspection.revision);
        self.values("Architecture", [&inspection.arch]);
        self.values("Summary", &inspection.summary);
        self.values("Description", &inspection.description);
        self.values("License", &inspection.license);
        self.values("Maintainer", &inspection.maintainer);
        self.values("Vendor", &inspection.vendor);
        self.values("Homepage", &inspection.homepage);
        self.values("Section", &inspection.section);
        self.values("Priority", &inspection.priority);
        self.values("Source", &inspection.source);
        self.values("Build time", inspection.build_time.map(time));
        let size = &inspection.installed_size;
        self.values("Installed size", [format!("{} bytes", size.bytes)]);
        self.values("Declared size", size.declared.as_ref().filter(|_| inspection.format == Format::Deb));
        self.values("Package size", [format!("{} bytes", inspection.file.size)]);
        self.values("SHA-256", [&inspection.file.sha256]);
        self.values("Compression", [compression(&inspection.payload_compression)]);
        self.values("Control", inspection.control_compression.as_ref().map(compression));
        let signature = |signature: &crate::package::reader::Signature| match &signature.key_id {
            Some(key_id) => format!("{} by key {key_id}", signature.name),
            None => signature.name.clone(),
        };
        self.values("Signatures", inspection.signatures.iter().map(signature));
        for (name, value) in &inspection.fields {
            self.values(&shown(name), [value]);
        }
    }

    fn relations(&mut self, inspection: &Inspection) {
        let kinds = inspection.relations.kinds();
        if kinds.iter().all(|(_, relations)| relations.is_empty()) {
            return;
        }
        self.heading("Relations");
        for (kind, relations) in kinds {
            let label = kind[..1].to_ascii_uppercase() + &kind[1..].replace('_', "-");
            self.values(&label, relations);
        }
    }

    fn script(&mut self, script: &Script) {
        let interpreter = script.interpreter.as_deref().unwrap_or("no interpreter");
        self.line(&format_args!("  {} ({})", shown(&script.name), shown(interpreter)));
        self.body(&script.body);
    }

    fn trigger(&mut self, trigger: &Trigger) {
        self.line(&format_args!("  {} {}", shown(&trigger.kind), shown(&trigger.conditions.join(", "))));
        self.body(trigger.body.as_deref().unwrap_or_default());
    }

    fn change(&mut self, change: &Change) {
        self.line(&format_args!("  {}  {}", time(change.time), shown(&change.author)));
        self.body(&change.text);
    }

    fn body(&mut self, body: &str) {
        for line in lines(body) {
            self.line(&format!("    {line}").trim_end());
        }
    }

    fn files(&mut self, files: &[Entry]) {
        if files.is_empty() {
            return;
        }
        self.heading("Files");
        let owner = |file: &Entry| format!("{}/{}", shown(&file.owner), shown(&file.group));
        let owners = files.iter().map(|file| owner(file).chars().count()).max().unwrap_or_default();
        let sizes = files.iter().map(|file| file.size.to_string().len()).max().unwrap_or_default();
        for file in files {
            let (mode, owner, size, time) = (mode(file), owner(file), file.size, time(file.mtime));
            let mut line = format!("  {mode} {owner:owners$} {size:sizes$} {time} {}", shown(&file.path));
            if let Some(target) = &file.target {
                let arrow = if file.kind == EntryKind::Hardlink { "link to" } else { "->" };
                line = format!("{line} {arrow} {}", shown(target));
            }
            let notes = file.flags.iter().map(ToString::to_string).chain(file.capabilities.as_deref().map(shown));
            let notes: Vec<String> = notes.collect();
            if !notes.is_empty() {
                line = format!("{line} [{}]", notes.join(", "));
            }
            self.line(&line);
        }
    }
}

/// Escapes control characters, and the marks that turn the direction of writing.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Splits text into lines fit to be shown. Tabs stay: scripts are indented with them.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split('\t').map(shown).collect::<Vec<_>>().join("\t")).collect()
}

fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| format!("@{seconds}"), |time| time.to_string())
}

fn compression(compression: &Compression) -> String {
    match compression.level {
        Some(level) => format!("{}:{level}", compression.codec),
        None => compression.codec.clone(),
    }
}

/// Spells type and permissions as ls(1) does.
fn mode(file: &Entry) -> String {
    let mut text = String::from(match file.kind {
        EntryKind::File | EntryKind::Hardlink => '-',
        EntryKind::Directory => 'd',
        EntryKind::Symlink => 'l',
        EntryKind::Character => 'c',
        EntryKind::Block => 'b',
        EntryKind::Fifo => 'p',
        EntryKind::Socket => 's',
        EntryKind::Unknown => '?',
    });
    for (shift, special, marks) in [(6, 0o4000, ['s', 'S']), (3, 0o2000, ['s', 'S']), (0, 0o1000, ['t', 'T'])] {
        let bits = file.mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (bits & 1 != 0, file.mode & special != 0) {
            (true, true) => marks[0],
            (false, true) => marks[1],
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_package_reaches_the_terminal_unescaped() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\u{202e}d\u{9b}é"), "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{9b}é");
        assert_eq!(lines("\tif\u{7}\n\nfi"), ["\tif\\u{7}", "", "fi"]);
    }

    #[test]
    fn modes_are_spelled_as_ls_does() {
        let entry = |kind, mode| Entry {
            path: "/x".to_owned(),
            kind,
            mode,
            owner: "root".to_owned(),
            group: "root".to_owned(),
            size: 0,
            mtime: 0,
            target: None,
            digest: None,
            flags: Vec::new(),
            capabilities: None,
        };
        for (kind, bits, text) in [
            (EntryKind::File, 0o644, "-rw-r--r--"),
            (EntryKind::File, 0o4755, "-rwsr-xr-x"),
            (EntryKind::File, 0o2640, "-rw-r-S---"),
            (EntryKind::Directory, 0o1777, "drwxrwxrwt"),
            (EntryKind::Symlink, 0o777, "lrwxrwxrwx"),
        ] {
            assert_eq!(mode(&entry(kind, bits)), text);
        }
    }

    /// Runs a line of shell in a folder and returns the view of the package that it leaves there.
    fn view(line: &str) -> String {
        let folder = tempfile::TempDir::new().unwrap();
        let mut command = std::process::Command::new("sh");
        command.args(["-euc", line]).current_dir(&folder).env("HOME", folder.path()).env("TZ", "UTC");
        let output = command.env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let package = folder.path().join("package");
        let inspection = crate::package::reader::open(&package).unwrap();
        // Compressed sizes are up to the tools that are installed.
        let (size, sha256) = (format!("{} bytes", inspection.file.size), inspection.file.sha256.clone());
        let folder = format!("{}/", folder.path().display());
        render(&inspection).replace(&folder, "").replace(&size, "SIZE").replace(&sha256, "DIGEST")
    }

    #[test]
    fn a_deb_is_shown_in_sections() {
        let view = view(
            "umask 022; mkdir -p r/DEBIAN r/etc r/usr/bin; printf 'x=1\\n' > r/etc/x.conf; printf 123 > r/usr/bin/x
            ln -s x r/usr/bin/y; printf '/etc/x.conf\\n' > r/DEBIAN/conffiles; printf 'activate-noawait t\\n' > r/DEBIAN/triggers
            printf '#!/bin/sh\\nif true; then\\n\\techo \\033[31mred\\nfi\\n' > r/DEBIAN/postinst; chmod 755 r/DEBIAN/postinst
            printf '%s\\n' 'Package: x' 'Version: 1:2-3' 'Architecture: all' 'Maintainer: A <a@b>' 'Depends: b, c (>= 1)' \
                'Multi-Arch: foreign' 'Description: short' ' long' ' .' '  verbatim' > r/DEBIAN/control
            find r -exec touch -hd @1600000000 {} +; dpkg-deb --root-owner-group -Zgzip -b r package",
        );
        insta::assert_snapshot!(view, @r#"
        package

        Metadata
          Format            deb 2.0
          Name              x
          Version           1:2
          Revision          3
          Architecture      all
          Summary           short
          Description       long

                             verbatim
          Maintainer        A <a@b>
          Build time        2023-11-14T22:13:20Z
          Installed size    7 bytes
          Package size      SIZE
          SHA-256           DIGEST
          Compression       gzip
          Control           gzip
          Multi-Arch        foreign

        Relations
          Requires          b
                            c (>= 1)

        Scripts
          postinst (/bin/sh)
            #!/bin/sh
            if true; then
            	echo \u{1b}[31mred
            fi

        Triggers
          activate-noawait t

        Files
          drwxr-xr-x root/root 0 2020-09-13T12:26:40Z /
          drwxr-xr-x root/root 0 2020-09-13T12:26:40Z /etc
          -rw-r--r-- root/root 4 2020-09-13T12:26:40Z /etc/x.conf [config]
          drwxr-xr-x root/root 0 2020-09-13T12:26:40Z /usr
          drwxr-xr-x root/root 0 2020-09-13T12:26:40Z /usr/bin
          -rw-r--r-- root/root 3 2020-09-13T12:26:40Z /usr/bin/x
          lrwxrwxrwx root/root 0 2020-09-13T12:26:40Z /usr/bin/y -> x
        "#);
    }

    #[test]
    fn an_rpm_is_shown_in_sections() {
        let view = view(
            "printf '%s\\n' 'Name: x' 'Version: 2' 'Release: 3' 'Summary: short' 'License: MIT' 'BuildArch: noarch' \
                'Requires: b >= 1' 'AutoReqProv: no' '%description' long '%post' 'true' '%triggerin -- bash' 'true' \
                '%install' 'mkdir -p %{buildroot}/etc' 'echo x > %{buildroot}/etc/x.conf' \
                '%files' '%config(noreplace) /etc/x.conf' '%changelog' '* Tue Nov 14 2023 A <a@b> - 2-3' '- new' > x.spec
            rpmbuild -bb --quiet --nodeps --define \"_topdir $PWD/t\" --define \"_dbpath $PWD/d\" --define '_buildhost h' \
                --define '_binary_payload w6.xzdio' --define 'use_source_date_epoch_as_buildtime 1' \
                --define 'clamp_mtime_to_source_date_epoch 1' --define '__os_install_post %{nil}' x.spec
            mv t/RPMS/noarch/x-2-3.noarch.rpm package",
        );
        let hidden = ["PAYLOAD", "OPTFLAGS", "RPMVERSION", "PLATFORM", "COOKIE", "rpmlib("];
        let shown: Vec<_> = view.lines().filter(|line| !hidden.iter().any(|name| line.contains(name))).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        package

        Metadata
          Format            rpm 4
          Name              x
          Version           2
          Revision          3
          Architecture      noarch
          Summary           short
          Description       long
          License           MIT
          Section           Unspecified
          Source            x-2-3.src.rpm
          Build time        2023-11-14T22:13:20Z
          Installed size    2 bytes
          Package size      SIZE
          SHA-256           DIGEST
          Compression       xz:6
          BUILDHOST         h
          ENCODING          utf-8
          OS                linux

        Relations
          Requires          /bin/sh
                            /bin/sh
                            b >= 1
          Provides          x = 2-3

        Scripts
          post (/bin/sh)
            true

        Triggers
          triggerin bash
            true

        Changelog
          2023-11-14T12:00:00Z  A <a@b> - 2-3
            - new

        Files
          -rw-r--r-- root/root 2 2023-11-14T22:13:20Z /etc/x.conf [config, noreplace]
        ");
    }

    #[test]
    fn times_beyond_the_calendar_are_numbers() {
        assert_eq!(time(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(time(u64::MAX), "@18446744073709551615");
    }
}
