//! Maintainer scripts (Policy 6) with the semantics of debhelper's `dh_installsystemd`: a unit is enabled once and stays as
//! the administrator leaves it, and what was enabled is forgotten at purge.
//!
//! A script of the spec runs in a subshell, so that its `exit` or `cd` ends nothing but itself:
//! before installation in `preinst install` and `preinst upgrade`; after it in `postinst configure`, between enabling
//! and starting units; before removal in `prerm remove`, while units still run; after it in `postrm remove`, so once
//! and not again at purge.

use serde::Serialize;

use super::check;
use crate::format::Format;
use crate::image::{Moment, OnInstall, PackageImage};
use crate::package::{Texts, WriteError};
use crate::template::Templates;

/// The scripts, in the order of an installation and a removal.
pub(super) const NAMES: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// What the templates `deb/preinst` and so on may print.
#[derive(Debug, Serialize)]
struct Facts<'a> {
    /// Units that are enabled at the first installation, stopped at removal and forgotten at purge.
    enable: Vec<&'a str>,
    /// Those of them that are started at installation and restarted at upgrade.
    start: Vec<&'a str>,
    /// Whether systemd must read its files again.
    reload: bool,
    before_install: Vec<&'a str>,
    after_install: Vec<&'a str>,
    before_remove: Vec<&'a str>,
    after_remove: Vec<&'a str>,
}

/// Adds those scripts that have something to do.
pub(super) fn render(image: &PackageImage, templates: &Templates, texts: &mut Texts) -> Result<(), WriteError> {
    let facts = Facts::new(image)?;
    for name in NAMES.into_iter().filter(|name| facts.need(name)) {
        let script = templates.render(&format!("deb/{name}"), &facts)?;
        if !script.starts_with("#!/bin/sh\n") {
            return Err(check::refused(name, script.lines().next().unwrap_or_default(), "is not `#!/bin/sh`"));
        }
        texts.insert(name, script);
    }
    Ok(())
}

impl<'a> Facts<'a> {
    fn new(image: &'a PackageImage) -> Result<Self, WriteError> {
        let units = |wanted: &[OnInstall]| {
            image
                .services
                .iter()
                .filter(|service| service.formats.includes(Format::Deb) && wanted.contains(&service.on_install))
                .map(|service| check::unit(&service.unit))
                .collect::<Result<Vec<_>, _>>()
        };
        let bodies = |moment, script| {
            image
                .scripts(Format::Deb)
                .filter(|script| script.moment == moment)
                .map(|one| check::script_body(script, &one.body))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            enable: units(&[OnInstall::Preset, OnInstall::Start])?,
            start: units(&[OnInstall::Start])?,
            reload: image.has_systemd_files(Format::Deb),
            before_install: bodies(Moment::BeforeInstall, "preinst")?,
            after_install: bodies(Moment::AfterInstall, "postinst")?,
            before_remove: bodies(Moment::BeforeRemove, "prerm")?,
            after_remove: bodies(Moment::AfterRemove, "postrm")?,
        })
    }

    fn need(&self, script: &str) -> bool {
        let has_units = !self.enable.is_empty();
        match script {
            "preinst" => !self.before_install.is_empty(),
            "postinst" => has_units || self.reload || !self.after_install.is_empty(),
            "prerm" => has_units || !self.before_remove.is_empty(),
            _ => has_units || self.reload || !self.after_remove.is_empty(),
        }
    }
}
