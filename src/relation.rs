//! Relations between packages, and how each format spells them.

use std::fmt;

use crate::format::Format;

/// What one package says of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationKind {
    /// Does not work without it: `Depends`, `Requires`.
    Requires,
    /// Is installed with it unless the user objects: `Recommends`.
    Recommends,
    /// Works better with it: `Suggests`.
    Suggests,
    /// Cannot be installed beside it: `Conflicts`.
    Conflicts,
    /// Makes it unusable, where it is older: `Breaks`; RPM has `Conflicts` for that.
    Breaks,
    /// Takes over its files: `Replaces`, `Obsoletes`.
    Replaces,
    /// Does its work too: `Provides`.
    Provides,
}

impl RelationKind {
    /// Every kind, in the order in which a control stanza has them.
    pub const ALL: [Self; 7] = [
        Self::Requires,
        Self::Recommends,
        Self::Suggests,
        Self::Conflicts,
        Self::Breaks,
        Self::Replaces,
        Self::Provides,
    ];

    /// Returns the key of the spec language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requires => "requires",
            Self::Recommends => "recommends",
            Self::Suggests => "suggests",
            Self::Conflicts => "conflicts",
            Self::Breaks => "breaks",
            Self::Replaces => "replaces",
            Self::Provides => "provides",
        }
    }

    /// Returns the field of a control stanza (Policy 7) or the tag of a spec file.
    pub const fn field(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Requires, Format::Deb) => "Depends",
            (Self::Requires, Format::Rpm) => "Requires",
            (Self::Recommends, _) => "Recommends",
            (Self::Suggests, _) => "Suggests",
            (Self::Breaks, Format::Deb) => "Breaks",
            (Self::Conflicts, _) | (Self::Breaks, Format::Rpm) => "Conflicts",
            (Self::Replaces, Format::Deb) => "Replaces",
            (Self::Replaces, Format::Rpm) => "Obsoletes",
            (Self::Provides, _) => "Provides",
        }
    }
}

impl fmt::Display for RelationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// Earlier.
    Below,
    /// The same.
    Exactly,
    /// The same or later.
    AtLeast,
}

impl Operator {
    /// Returns the sign of the format (Policy 7.1; spec files).
    pub const fn sign(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Below, Format::Deb) => "<<",
            (Self::Below, Format::Rpm) => "<",
            (Self::Exactly, _) => "=",
            (Self::AtLeast, _) => ">=",
        }
    }
}

/// A package or capability by name, perhaps of certain versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// A package of Debian; a package or capability of RPM (`libc.so.6(GLIBC_2.34)(64bit)`).
    pub name: String,
    /// The operator and the version, as packages of the format write it.
    pub constraint: Option<(Operator, String)>,
}

impl Dependency {
    fn spell(&self, format: Format) -> String {
        match (&self.constraint, format) {
            (None, _) => self.name.clone(),
            (Some((operator, version)), Format::Deb) => format!("{} ({} {version})", self.name, operator.sign(format)),
            (Some((operator, version)), Format::Rpm) => format!("{} {} {version}", self.name, operator.sign(format)),
        }
    }
}

/// One relation of a package in one format: any of the alternatives satisfies it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// What is said.
    pub kind: RelationKind,
    /// The format that it is said in.
    pub format: Format,
    /// Of whom; at least one.
    pub alternatives: Vec<Dependency>,
}

impl Relation {
    /// Whether RPM needs a rich dependency to say it (rpm 4.13, `rpmlib(RichDependencies)`).
    pub fn is_rich(&self) -> bool {
        self.alternatives.len() > 1
    }
}

/// Displays as the format writes it: `a (>= 1) | b`, `(a >= 1 or b)`.
impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spelled: Vec<String> = self.alternatives.iter().map(|one| one.spell(self.format)).collect();
        match self.format {
            Format::Deb => f.pad(&spelled.join(" | ")),
            Format::Rpm if self.is_rich() => f.pad(&format!("({})", spelled.join(" or "))),
            Format::Rpm => f.pad(&spelled.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_spelled_as_each_format_has_them() {
        let dependency = |name: &str, constraint| Dependency { name: name.to_owned(), constraint };
        let spell = |format| {
            let least = Some((Operator::AtLeast, "1.4.21".to_owned()));
            let alternatives = vec![dependency("iptables", least), dependency("nftables", None)];
            Relation { kind: RelationKind::Requires, format, alternatives }.to_string()
        };
        assert_eq!(spell(Format::Deb), "iptables (>= 1.4.21) | nftables");
        assert_eq!(spell(Format::Rpm), "(iptables >= 1.4.21 or nftables)");
    }
}
