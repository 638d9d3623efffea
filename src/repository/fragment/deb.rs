//! Fragments of debs.

use super::excerpt;
use super::{BadField, Body, Comparison, Parts};
use crate::format::Format;
use crate::package::reader::DebHead;
use crate::repository::apt::Stanza;

impl Parts {
    pub(super) fn of_deb(head: &DebHead) -> Result<Self, BadField> {
        let field = |name: &str| {
            let found = head.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let required = |name: &str| field(name).map(str::to_owned).ok_or_else(|| BadField::missing(name));
        let relations = |names: &[&str]| -> Result<Vec<String>, BadField> {
            let mut found = Vec::new();
            for name in names {
                for relation in field(name).unwrap_or_default().split(',').filter(|text| !text.trim().is_empty()) {
                    found.push(normal(relation).map_err(|cause| BadField::new(format!("`{name}`"), cause))?);
                }
            }
            Ok(found)
        };
        let version = required("Version")?;
        Ok(Self {
            name: required("Package")?,
            version: version.strip_prefix("0:").map(str::to_owned).unwrap_or(version),
            arch: required("Architecture")?,
            requires: relations(&["Pre-Depends", "Depends"])?,
            provides: relations(&["Provides"])?,
            conflicts: relations(&["Conflicts", "Breaks"])?,
            body: Body::Deb(Stanza::new(&head.fields, head.files.clone())?),
        })
    }
}

/// Spells a relation in one way: `a (>= 1) | b`. What a name is followed by after a colon says of which architecture it
/// may be, which no repository of one architecture can answer.
fn normal(relation: &str) -> Result<String, String> {
    let alternatives = relation.split('|').map(|text| alternative(text.trim()));
    let alternatives: Option<Vec<String>> = alternatives.collect();
    let alternatives =
        alternatives.ok_or_else(|| format!("`{}` is no relation (Policy 7.1)", excerpt(relation.trim())))?;
    Ok(alternatives.join(" | "))
}

fn alternative(text: &str) -> Option<String> {
    let (name, constraint) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), Some(rest.strip_suffix(')')?.trim())),
        None => (text, None),
    };
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let Some(constraint) = constraint else { return Some(name.to_owned()) };
    let signs = constraint.find(|c: char| !"<=>".contains(c))?;
    let (sign, version) = (&constraint[..signs], constraint[signs..].trim_start());
    // No sign means `=`, in packages older than Policy.
    let comparison = Comparison::parse(Format::Deb, if sign.is_empty() { "=" } else { sign })?;
    let is_version = |c: char| c.is_ascii_alphanumeric() || "+-.~:".contains(c);
    let good = !version.is_empty() && version.chars().all(is_version);
    good.then(|| format!("{name} ({} {version})", comparison.sign(Format::Deb)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_spelled_in_one_way() {
        for (text, spelled) in [
            (" a(>=1) |b:any ", "a (>= 1) | b"),
            ("a\n (<< 2)", "a (<< 2)"),
            ("python3:any (>= 3.6~)", "python3 (>= 3.6~)"),
            ("a (< 1)", "a (<= 1)"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(spelled));
        }
        for bad in ["a b", "a (>= 1", "a (!= 1)", "a (>= )", "a [amd64]", "|", "a |", "${misc:Depends}", "a (>= 1) x"] {
            assert!(normal(bad).is_err(), "{bad}");
        }
    }
}
