//! `comps.xml`: groups of packages that are installed together, for `dnf group install`.

use super::metadata::{DataFile, document};
use super::xml;
use crate::compression::Compression;
use crate::repository::index::Earlier;
use crate::repository::order::IndexError;

/// A group of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id: `kubernetes-node`.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The names of the packages, all of which are installed.
    pub packages: Vec<String>,
}

/// Renders the file.
pub fn comps(groups: &[Group], compression: Compression) -> Result<DataFile, IndexError> {
    let mut out = "<!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n".to_owned();
    xml::open(&mut out, 0, "comps", &[]);
    for group in groups {
        for text in [&group.id, &group.name, &group.description].into_iter().chain(&group.packages) {
            xml::check("group", text)?;
        }
        xml::open(&mut out, 1, "group", &[]);
        xml::text(&mut out, 2, "id", &[], &group.id);
        xml::text(&mut out, 2, "name", &[], &group.name);
        xml::text(&mut out, 2, "description", &[], &group.description);
        xml::text(&mut out, 2, "default", &[], "false");
        xml::text(&mut out, 2, "uservisible", &[], "true");
        xml::open(&mut out, 2, "packagelist", &[]);
        for package in &group.packages {
            xml::text(&mut out, 3, "packagereq", &[("type", "mandatory")], package);
        }
        xml::close(&mut out, 2, "packagelist");
        xml::close(&mut out, 1, "group");
    }
    xml::close(&mut out, 0, "comps");
    let mut index = document(compression, Earlier::default())?;
    index.push(&out)?;
    // `group` is the kind that clients look for.
    Ok(DataFile::finish("group", "comps", index, compression)?)
}
