//! Scriptlets and triggers.

use rpm::{DependencyFlags, IndexTag, PackageMetadata};

use super::super::error::Fault;
use super::super::inspection::{Script, Trigger};
use super::{fault, tags};

/// Section of a spec file, tag of the text, tag of the program.
const SCRIPTS: [(&str, IndexTag, IndexTag); 9] = [
    ("pretrans", IndexTag::RPMTAG_PRETRANS, IndexTag::RPMTAG_PRETRANSPROG),
    ("pre", IndexTag::RPMTAG_PREIN, IndexTag::RPMTAG_PREINPROG),
    ("post", IndexTag::RPMTAG_POSTIN, IndexTag::RPMTAG_POSTINPROG),
    ("preun", IndexTag::RPMTAG_PREUN, IndexTag::RPMTAG_PREUNPROG),
    ("postun", IndexTag::RPMTAG_POSTUN, IndexTag::RPMTAG_POSTUNPROG),
    ("posttrans", IndexTag::RPMTAG_POSTTRANS, IndexTag::RPMTAG_POSTTRANSPROG),
    ("preuntrans", IndexTag::RPMTAG_PREUNTRANS, IndexTag::RPMTAG_PREUNTRANSPROG),
    ("postuntrans", IndexTag::RPMTAG_POSTUNTRANS, IndexTag::RPMTAG_POSTUNTRANSPROG),
    ("verifyscript", IndexTag::RPMTAG_VERIFYSCRIPT, IndexTag::RPMTAG_VERIFYSCRIPTPROG),
];

/// Lists the scriptlets. A program without a text is one, too.
pub(super) fn scripts(package: &PackageMetadata) -> Result<Vec<Script>, Fault> {
    let mut scripts = Vec::new();
    for (name, text, program) in SCRIPTS {
        let body = tags::text(package, text)?;
        let interpreter = match package.header.get_entry_data_as_string_array(program) {
            Ok(words) => Some(words.join(" ")),
            Err(rpm::Error::TagNotFound(_)) => None,
            Err(error) => return Err(fault(&error)),
        };
        if body.is_some() || interpreter.is_some() {
            scripts.push(Script { name: name.to_owned(), interpreter, body: body.unwrap_or_default() });
        }
    }
    Ok(scripts)
}

/// Lists the triggers of packages, of files, and of files of a transaction.
pub(super) fn triggers(package: &PackageMetadata) -> Result<Vec<Trigger>, Fault> {
    let mut triggers = Vec::new();
    for (family, read) in [
        ("trigger", package.get_triggers()),
        ("filetrigger", package.get_file_triggers()),
        ("transfiletrigger", package.get_trans_file_triggers()),
    ] {
        triggers.extend(read.map_err(|error| fault(&error))?.into_iter().map(|trigger| of(family, trigger)));
    }
    Ok(triggers)
}

fn of(family: &str, trigger: rpm::Trigger) -> Trigger {
    let flags = trigger.conditions.first().map_or(DependencyFlags::ANY, |condition| condition.flags);
    let moment = [
        (DependencyFlags::TRIGGERPREIN, "prein"),
        (DependencyFlags::TRIGGERIN, "in"),
        (DependencyFlags::TRIGGERUN, "un"),
        (DependencyFlags::TRIGGERPOSTUN, "postun"),
    ];
    let moment = moment.iter().find(|(flag, _)| flags.contains(*flag)).map_or("", |(_, moment)| moment);
    let conditions = trigger.conditions.into_iter().map(|condition| {
        let rpm::TriggerCondition { name, flags, version } = condition;
        rpm::Dependency { name, flags, version }.to_string()
    });
    Trigger {
        kind: format!("{family}{moment}"),
        conditions: conditions.collect(),
        interpreter: Some(trigger.program.join(" ")),
        body: Some(trigger.script),
    }
}
