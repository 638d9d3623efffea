//! `Release`: what a suite is, and the digests of its index files. This is what is signed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::repository::fragment::{BadField, excerpt};
use crate::repository::index::{IndexFile, Measure};
use crate::source_date::SourceDate;

/// Where things are, from the folder of `Release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// `dists/SUITE`: a folder for each component and architecture.
    Dists {
        /// The component, mostly `main`.
        component: String,
    },
    /// One folder for everything, as `pkgs.k8s.io` has it: `Suites: /` in a client's sources.
    Flat,
}

impl Layout {
    /// Returns the folder of `Packages`.
    pub fn packages_folder(&self, arch: &str) -> String {
        match self {
            Self::Dists { component } => format!("{component}/binary-{arch}"),
            Self::Flat => String::new(),
        }
    }

    /// Returns the path of `Contents`.
    pub fn contents(&self, arch: &str) -> String {
        match self {
            Self::Dists { component } => format!("{component}/Contents-{arch}"),
            Self::Flat => format!("Contents-{arch}"),
        }
    }
}

/// Whether clients upgrade to what is in a suite (`apt_preferences(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Upgrades {
    /// To everything: priority 500.
    #[default]
    Automatic,
    /// Only of what was installed from it by hand: priority 100.
    OnceInstalled,
    /// Never: priority 1.
    Never,
}

/// What a suite is. Clients refuse a repository whose origin, label or codename changes, so none of these has a version or
/// a date in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// Who makes it.
    pub origin: String,
    /// What it holds.
    pub label: String,
    /// The name in a client's sources; the other may be the same.
    pub suite: String,
    /// The name that stays when suites move.
    pub codename: String,
    /// One line for people.
    pub description: String,
    /// Whether clients upgrade to it.
    pub upgrades: Upgrades,
    /// Debian's spellings, without `all`: what is for all is in the file of each.
    pub architectures: Vec<String>,
    /// The components; none in a flat repository.
    pub components: Vec<String>,
    /// The fingerprints of the keys that may sign the next `Release`, in 40 hexadecimal digits; any number of a client's
    /// if there are none.
    pub signed_by: Vec<String>,
}

impl Suite {
    /// Renders `Release`. A client takes it for old before `date`, and for too old behind `valid_until`.
    pub fn release(
        &self,
        date: SourceDate,
        valid_until: Option<SourceDate>,
        files: &[IndexFile],
    ) -> Result<String, BadField> {
        let mut text = String::new();
        let mut field = |name: &str, value: &str| push(&mut text, name, value);
        field("Origin", &self.origin)?;
        field("Label", &self.label)?;
        field("Suite", &self.suite)?;
        field("Codename", &self.codename)?;
        field("Date", &date.release())?;
        if let Some(end) = valid_until {
            field("Valid-Until", &end.release())?;
        }
        let upgrades: &[&str] = match self.upgrades {
            Upgrades::Automatic => &[],
            Upgrades::OnceInstalled => &["NotAutomatic", "ButAutomaticUpgrades"],
            Upgrades::Never => &["NotAutomatic"],
        };
        for name in upgrades {
            field(name, "yes")?;
        }
        field("Acquire-By-Hash", "yes")?;
        field("Architectures", &words("Architectures", &self.architectures)?)?;
        field("Components", &words("Components", &self.components)?)?;
        field("Description", &self.description)?;
        field("Signed-By", &fingerprints(&self.signed_by)?)?;
        push_digests(&mut text, files)?;
        Ok(text)
    }
}

/// Appends a field of one line; none if it has nothing to say.
fn push(text: &mut String, name: &str, value: &str) -> Result<(), BadField> {
    let bad = |cause: &str| Err(BadField::new(format!("`{name}`"), format!("`{}` {cause}", excerpt(value))));
    if value.chars().any(char::is_control) {
        return bad("is more than a line");
    }
    if value != value.trim() {
        // Signatures leave blanks at the end of a line out, so that two readers would see two texts.
        return bad("begins or ends with a blank");
    }
    if !value.is_empty() {
        let _ = writeln!(text, "{name}: {value}");
    }
    Ok(())
}

fn words(name: &str, words: &[String]) -> Result<String, BadField> {
    let good = |c: char| c.is_ascii_alphanumeric() || "+-._/".contains(c);
    match words.iter().find(|word| word.is_empty() || !word.chars().all(good)) {
        Some(word) => Err(BadField::new(format!("`{name}`"), format!("`{}` is no word", excerpt(word)))),
        None => Ok(words.join(" ")),
    }
}

fn fingerprints(all: &[String]) -> Result<String, BadField> {
    let good = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match all.iter().find(|one| !good(one.strip_suffix('!').unwrap_or(one))) {
        Some(one) => Err(BadField::new("`Signed-By`", format!("`{}` is no fingerprint", excerpt(one)))),
        None => Ok(all.join(", ")),
    }
}

/// Appends the digests, sorted by path. SHA-256 alone, since apt asks by the strongest digest that is listed.
fn push_digests(text: &mut String, files: &[IndexFile]) -> Result<(), BadField> {
    text.push_str("SHA256:\n");
    let mut sorted: BTreeMap<&str, &Measure> = BTreeMap::new();
    for file in files {
        crate::repository::location::check(&file.path)?;
        if sorted.insert(&file.path, &file.stored).is_some_and(|other| *other != file.stored) {
            return Err(BadField::new("SHA256", format!("`{}` is listed twice", file.path)));
        }
    }
    let widest = sorted.values().map(|measure| measure.size.to_string().len()).max().unwrap_or_default();
    for (path, measure) in sorted {
        let _ = writeln!(text, " {} {:>widest$} {path}", measure.sha256.hex(), measure.size);
    }
    Ok(())
}
