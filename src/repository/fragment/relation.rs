//! What packages say of each other, as gates ask for it. Fragments keep it as text: `kubectl (>= 1.13) | kubectl-dev` of
//! a deb, `kubectl >= 1.13` of an RPM.

use std::cmp::Ordering;

use super::order::compare_versions;
use crate::format::Format;

/// How a version is compared with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<<`, `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `=`.
    Exactly,
    /// `>=`.
    AtLeast,
    /// `>>`, `>`.
    Above,
}

impl Comparison {
    /// Reads the sign of a format. Debian's `<` and `>` are old spellings of `<=` and `>=` (Policy 7.1).
    pub(in crate::repository) fn parse(format: Format, sign: &str) -> Option<Self> {
        Some(match (sign, format) {
            ("<<", Format::Deb) | ("<", Format::Rpm) => Self::Below,
            ("<=", _) | ("<", Format::Deb) => Self::AtMost,
            ("=", _) => Self::Exactly,
            (">=", _) | (">", Format::Deb) => Self::AtLeast,
            (">>", Format::Deb) | (">", Format::Rpm) => Self::Above,
            _ => return None,
        })
    }

    /// Returns the sign of a format.
    pub const fn sign(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Below, Format::Deb) => "<<",
            (Self::Below, Format::Rpm) => "<",
            (Self::AtMost, _) => "<=",
            (Self::Exactly, _) => "=",
            (Self::AtLeast, _) => ">=",
            (Self::Above, Format::Deb) => ">>",
            (Self::Above, Format::Rpm) => ">",
        }
    }

    const fn takes(self, ordering: Ordering) -> bool {
        match ordering {
            Ordering::Less => matches!(self, Self::Below | Self::AtMost),
            Ordering::Equal => matches!(self, Self::AtMost | Self::Exactly | Self::AtLeast),
            Ordering::Greater => matches!(self, Self::AtLeast | Self::Above),
        }
    }
}

/// One package or capability, perhaps of certain versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability<'a> {
    /// The name: a package, a virtual one, `libc.so.6(GLIBC_2.34)(64bit)`, a path. Of RPM's rich dependencies that are
    /// more than alternatives the whole text, which begins with `(`.
    pub name: &'a str,
    /// Which versions.
    pub version: Option<(Comparison, &'a str)>,
}

/// What has to be there: one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// The alternatives, at least one.
    pub alternatives: Vec<Capability<'a>>,
}

impl<'a> Capability<'a> {
    /// Reads the text of a fragment.
    pub(super) fn parse(format: Format, text: &'a str) -> Self {
        match format {
            Format::Deb => Self::parse_deb(text),
            Format::Rpm => Self::parse_rpm(text),
        }
    }

    fn parse_deb(text: &'a str) -> Self {
        let versioned = text.strip_suffix(')').and_then(|text| text.split_once(" ("));
        let parsed = versioned.and_then(|(name, constraint)| {
            let (sign, version) = constraint.split_once(' ')?;
            Some(Self { name, version: Some((Comparison::parse(Format::Deb, sign)?, version)) })
        });
        parsed.unwrap_or(Self { name: text, version: None })
    }

    fn parse_rpm(text: &'a str) -> Self {
        let mut words = text.rsplitn(3, ' ');
        let (version, sign, name) = (words.next(), words.next(), words.next());
        let sign = sign.and_then(|sign| Comparison::parse(Format::Rpm, sign));
        match (name, sign, version) {
            (Some(name), Some(sign), Some(version)) if !text.starts_with('(') => {
                Self { name, version: Some((sign, version)) }
            }
            _ => Self { name: text, version: None },
        }
    }

    /// Whether what another package provides is what is asked for here: the same name, and versions that overlap. What
    /// is provided without a version satisfies every version in RPM, and none in Debian (Policy 7.5).
    pub fn is_met_by(&self, provided: &Capability<'_>, format: Format) -> bool {
        if self.name != provided.name {
            return false;
        }
        match (self.version, provided.version, format) {
            (None, _, _) | (Some(_), None, Format::Rpm) => true,
            (Some(_), None, Format::Deb) => false,
            (Some((asked, version)), Some((given, other)), _) => match compare_constraint(format, other, version) {
                // Either side may be open towards the other.
                Ordering::Less => asked.takes(Ordering::Less) || given.takes(Ordering::Greater),
                Ordering::Greater => asked.takes(Ordering::Greater) || given.takes(Ordering::Less),
                Ordering::Equal => {
                    let both = |ordering| asked.takes(ordering) && given.takes(ordering);
                    both(Ordering::Equal) || both(Ordering::Less) || both(Ordering::Greater)
                }
            },
        }
    }
}

/// Compares versions; of RPM the release only where both have one, as rpm does.
fn compare_constraint(format: Format, one: &str, other: &str) -> Ordering {
    if format == Format::Rpm && one.contains('-') != other.contains('-') {
        let version = |text: &str| text.split_once('-').map_or(text, |(version, _)| version).to_owned();
        return compare_versions(format, &version(one), &version(other));
    }
    compare_versions(format, one, other)
}

impl<'a> Requirement<'a> {
    /// Reads the text of a fragment.
    pub(super) fn parse(format: Format, text: &'a str) -> Self {
        let alternatives: Vec<_> = match format {
            Format::Deb => text.split(" | ").map(Capability::parse_deb).collect(),
            Format::Rpm => match rich_alternatives(text) {
                Some(texts) => texts.into_iter().map(Capability::parse_rpm).collect(),
                None => vec![Capability::parse_rpm(text)],
            },
        };
        Self { alternatives }
    }
}

/// Takes `(a or b >= 1)` apart. Anything that nests or says more is left whole.
fn rich_alternatives(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let nests = inner.contains(" (") || inner.starts_with('(');
    let says_more =
        [" and ", " if ", " unless ", " with ", " without ", " else "].iter().any(|word| inner.contains(word));
    (!nests && !says_more).then(|| inner.split(" or ").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capability(format: Format, text: &str) -> Capability<'_> {
        Capability::parse(format, text)
    }

    #[test]
    fn texts_are_read_as_each_format_writes_them() {
        let exact = Some((Comparison::Exactly, "1.2"));
        assert_eq!(capability(Format::Deb, "a (= 1.2)"), Capability { name: "a", version: exact });
        assert_eq!(capability(Format::Rpm, "a = 1.2"), Capability { name: "a", version: exact });
        for whole in ["/bin/sh", "libc.so.6(GLIBC_2.4)(64bit)", "(a if b >= 1)", "a with blanks"] {
            assert_eq!(capability(Format::Rpm, whole), Capability { name: whole, version: None });
        }
        let names = |format, text| -> Vec<String> {
            let requirement = Requirement::parse(format, text);
            requirement.alternatives.iter().map(|one| one.name.to_owned()).collect()
        };
        assert_eq!(names(Format::Deb, "a (>= 1) | b"), ["a", "b"]);
        assert_eq!(names(Format::Rpm, "(a >= 1 or b)"), ["a", "b"]);
        assert_eq!(names(Format::Rpm, "((a and b) or c)"), ["((a and b) or c)"]);
    }

    #[test]
    fn a_requirement_is_met_where_versions_overlap() {
        for (format, asked, provided, met) in [
            (Format::Deb, "a (>= 1.2)", "a (= 1.10-1)", true),
            (Format::Deb, "a (<< 1.2)", "a (= 1.2)", false),
            (Format::Deb, "a (>= 1)", "a", false),
            (Format::Deb, "a", "a (= 1)", true),
            (Format::Deb, "a", "b", false),
            (Format::Deb, "a (<< 1.0)", "a (= 1.0~rc.1)", true),
            (Format::Rpm, "a >= 1.2", "a = 1.10-1", true),
            (Format::Rpm, "a = 1.2", "a = 1.2-7", true),
            (Format::Rpm, "a = 1.2-6", "a = 1.2-7", false),
            (Format::Rpm, "a > 1.2", "a = 1.2-7", false),
            (Format::Rpm, "a >= 1", "a", true),
            (Format::Rpm, "a < 2", "a > 1", true),
            (Format::Rpm, "a < 1", "a > 2", false),
            (Format::Rpm, "a >= 1:1", "a = 2", false),
        ] {
            let found = capability(format, asked).is_met_by(&capability(format, provided), format);
            assert_eq!(found, met, "{asked} of {provided}");
        }
    }
}
