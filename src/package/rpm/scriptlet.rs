//! Scriptlets: what systemd's macros for spec files do, written out in plain shell, and the scripts of the spec.

use serde::Serialize;

use super::field;
use crate::format::Format;
use crate::image::{Moment, OnInstall, PackageImage};
use crate::package::{Texts, WriteError};
use crate::template::Templates;

/// What runs every scriptlet.
pub(super) const INTERPRETER: &str = "/bin/sh";

/// Every moment, in the order in which a spec file has them.
pub(super) const MOMENTS: [Moment; 4] =
    [Moment::BeforeInstall, Moment::AfterInstall, Moment::BeforeRemove, Moment::AfterRemove];

/// Returns the name of the section of a spec file without its `%`; it is the name of the text and the template too.
pub(super) const fn section(moment: Moment) -> &'static str {
    match moment {
        Moment::BeforeInstall => "pre",
        Moment::AfterInstall => "post",
        Moment::BeforeRemove => "preun",
        Moment::AfterRemove => "postun",
    }
}

/// The variables of the templates. Units stand in one line, ready for a command.
#[derive(Serialize)]
struct Facts<'a> {
    /// The spec's scripts of this moment.
    scripts: Vec<&'a str>,
    /// Whether systemd has to look again.
    reload: bool,
    /// Units whose state the distribution's preset decides.
    preset: String,
    /// Units that are enabled and started, and restarted at upgrades.
    start: String,
    /// Units that are disabled and stopped at removal: all of the above.
    units: String,
}

/// Renders the scriptlets that have something to do.
pub(super) fn render(image: &PackageImage, templates: &Templates) -> Result<Texts, WriteError> {
    let mut texts = Texts::default();
    for moment in MOMENTS {
        let name = section(moment);
        let text = templates.render(&format!("rpm/{name}"), &facts(image, moment))?;
        // Without trailing blanks, as rpmbuild stores scriptlets.
        let text = text.trim_end();
        if !text.trim().is_empty() {
            texts.insert(name, text.to_owned());
        }
    }
    check(&texts)?;
    Ok(texts)
}

/// Checks the finished scriptlets; a template can be anyone's.
pub(super) fn check(texts: &Texts) -> Result<(), WriteError> {
    for name in MOMENTS.map(section) {
        if let Some(text) = texts.get(name) {
            field::check_script(&format!("%{name}"), text)?;
        }
    }
    Ok(())
}

fn facts(image: &PackageImage, moment: Moment) -> Facts<'_> {
    let units = |wanted: &[OnInstall]| {
        let of_format = image.services.iter().filter(|service| service.formats.includes(Format::Rpm));
        let units = of_format.filter(|service| wanted.contains(&service.on_install));
        units.map(|service| service.unit.as_str()).collect::<Vec<_>>().join(" ")
    };
    let units_of_all = units(&[OnInstall::Preset, OnInstall::Start]);
    Facts {
        scripts: image.scripts(Format::Rpm).filter(|s| s.moment == moment).map(|s| s.body.trim_end()).collect(),
        reload: image.has_systemd_files(Format::Rpm) || !units_of_all.is_empty(),
        preset: units(&[OnInstall::Preset]),
        start: units(&[OnInstall::Start]),
        units: units_of_all,
    }
}
