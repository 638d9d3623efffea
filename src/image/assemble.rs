//! From a build and its verified bytes to a package without a format.

use std::collections::BTreeSet;
use std::path::Path;

use super::elf::{Elf, ElfError, check_version};
use super::extract::{ExtractError, Wanted, extract};
use super::{Content, Entry, Format, Member, PackageImage};
use crate::event::{Event, Reporter, Warning, count};
use crate::fetch::Artifact;
use crate::path::{BadPath, InstallPath, RelativePath};
use crate::plan::{Build, PlannedContent, PlannedFile};
use crate::relation::{Dependency, Operator, Relation, RelationKind};

/// Why verified bytes do not make the package that was planned.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// An archive cannot be unpacked.
    #[error("`{origin}` cannot be unpacked")]
    Extract {
        /// Where the archive was published.
        origin: String,
        /// Why.
        source: Box<ExtractError>,
    },
    /// A program is not what the package would say it is.
    #[error("`{path}` from `{origin}` is not what the package would say")]
    Payload {
        /// Where it would be installed.
        path: InstallPath,
        /// Where it was published.
        origin: String,
        /// Why.
        source: Box<ElfError>,
    },
    /// A program needs a library that no relation brings.
    #[error("`{path}` needs the libraries {}, which no package is known to bring", .libraries.join(", "))]
    UnknownLibraries {
        /// The program.
        path: InstallPath,
        /// Their sonames.
        libraries: Vec<String>,
    },
    /// The archive holds files of which the spec says nothing.
    #[error("`{origin}` holds {}, of which the spec says nothing", .members.join(", "))]
    UnknownMembers {
        /// The archive.
        origin: String,
        /// The files.
        members: Vec<String>,
    },
    /// The archive lacks files that the spec names.
    #[error("`{origin}` does not hold {}, which the spec names", .members.join(", "))]
    MissingMembers {
        /// The archive.
        origin: String,
        /// The files.
        members: Vec<String>,
    },
    /// Two files of the package have one path.
    #[error("`{path}` is installed twice")]
    Twice {
        /// The path.
        path: InstallPath,
    },
    /// A member's name is no name of a file.
    #[error("a member has no name that can be installed")]
    Name(#[from] BadPath),
}

/// Makes the image of a build. `artifacts` are the bytes of [`Build::sources`], in their order; members of archives are
/// unpacked into `scratch`, which must outlive the image.
pub fn assemble(
    build: &Build,
    artifacts: &[Artifact],
    scratch: &Path,
    reporter: &dyn Reporter,
) -> Result<PackageImage, ImageError> {
    let unversioned = vec![0; artifacts.len()];
    let (entries, relations) = (Vec::new(), BTreeSet::new());
    let mut assembly = Assembly { build, artifacts, scratch, entries, relations, unversioned };
    for file in &build.files {
        assembly.add(file)?;
    }
    assembly.report_unversioned(reporter);
    let mut entries = assembly.entries;
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    if let Some(path) = twice(&entries) {
        return Err(ImageError::Twice { path });
    }
    let mut relations = build.relations.clone();
    for relation in assembly.relations {
        let is_named = |other: &Relation| {
            (other.format, other.kind) == (relation.format, relation.kind)
                && other.alternatives.iter().map(|one| &one.name).eq(relation.alternatives.iter().map(|one| &one.name))
        };
        if !relations.iter().any(is_named) {
            relations.push(relation);
        }
    }
    Ok(PackageImage {
        metadata: build.metadata.clone(),
        relations,
        services: build.services.clone(),
        scripts: build.scripts.clone(),
        lint_overrides: build.lint_overrides.clone(),
        entries,
        date: build.date,
    })
}

/// A path that two entries of one format have.
fn twice(entries: &[Entry]) -> Option<InstallPath> {
    let clash = |pair: &&[Entry]| {
        pair[0].path == pair[1].path
            && Format::ALL.iter().any(|format| pair.iter().all(|entry| entry.formats.includes(*format)))
    };
    entries.windows(2).find(clash).map(|pair| pair[0].path.clone())
}

struct Assembly<'a> {
    build: &'a Build,
    artifacts: &'a [Artifact],
    scratch: &'a Path,
    entries: Vec<Entry>,
    /// What the programs themselves ask for.
    relations: BTreeSet<Relation>,
    /// How many programs of each source name no version.
    unversioned: Vec<usize>,
}

impl Assembly<'_> {
    fn add(&mut self, file: &PlannedFile) -> Result<(), ImageError> {
        let path = file.path.clone();
        match &file.content {
            PlannedContent::Text { text, .. } => self.push(file, path, Content::Text(text.clone().into_bytes())),
            PlannedContent::Link(target) => self.push(file, path, Content::Link(target.clone())),
            PlannedContent::Directory => self.push(file, path, Content::Directory),
            PlannedContent::Source(source) => {
                let artifact = self.artifacts[*source].clone();
                self.check(file, &path, *source, artifact.path(), artifact.origin())?;
                self.push(file, path, Content::Artifact(artifact));
            }
            PlannedContent::Member { source, member } => {
                for member in self.extract(*source, &Wanted::One(member.clone()))? {
                    self.add_member(file, path.clone(), *source, member)?;
                }
            }
            PlannedContent::Members { source, members, ignore } => {
                let found = self.extract(*source, &Wanted::AllBut(ignore.clone()))?;
                self.compare(*source, members, &found)?;
                for member in found {
                    let name = member.name.rsplit('/').next().unwrap_or_default();
                    let path = format!("{path}/{name}").parse()?;
                    self.add_member(file, path, *source, member)?;
                }
            }
        }
        Ok(())
    }

    fn add_member(
        &mut self,
        file: &PlannedFile,
        path: InstallPath,
        source: usize,
        member: Member,
    ) -> Result<(), ImageError> {
        let origin = format!("{} in {}", member.name, member.archive.origin());
        self.check(file, &path, source, &member.path, &origin)?;
        self.push(file, path, Content::Member(member));
        Ok(())
    }

    fn report_unversioned(&self, reporter: &dyn Reporter) {
        for ((source, artifact), number) in self.build.sources.iter().zip(self.artifacts).zip(&self.unversioned) {
            if let (Some(reason), 1..) = (&source.unversioned, *number) {
                let (programs, origin) = (count(*number, "program"), artifact.origin().to_owned());
                reporter.report(Event::Warning(Warning::Unversioned { programs, origin, reason: reason.clone() }));
            }
        }
    }

    fn push(&mut self, file: &PlannedFile, path: InstallPath, content: Content) {
        let (mode, owner, role, formats) = (file.mode, file.owner.clone(), file.role, file.formats);
        self.entries.push(Entry { path, mode, owner, role, content, formats });
    }

    fn extract(&self, source: usize, wanted: &Wanted) -> Result<Vec<Member>, ImageError> {
        let archive = &self.artifacts[source];
        let failed = |error| ImageError::Extract { origin: archive.origin().to_owned(), source: Box::new(error) };
        let folder = tempfile::Builder::new().prefix("members-").tempdir_in(self.scratch);
        let folder = folder.map_err(|error| failed(ExtractError::Io(error)))?.keep();
        extract(archive, wanted, &folder).map_err(failed)
    }

    /// An archive holds the members that the spec names and no other, lest a plugin be lost or gained in silence.
    fn compare(&self, source: usize, named: &[RelativePath], found: &[Member]) -> Result<(), ImageError> {
        let found: BTreeSet<&str> = found.iter().map(|member| member.name.as_str()).collect();
        let named: BTreeSet<&str> = named.iter().map(RelativePath::as_str).collect();
        let list = |names: &BTreeSet<&str>, others: &BTreeSet<&str>| -> Vec<String> {
            names.difference(others).map(|name| format!("`{name}`")).collect()
        };
        let (unknown, missing) = (list(&found, &named), list(&named, &found));
        let origin = self.artifacts[source].origin().to_owned();
        match (unknown.is_empty(), missing.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(ImageError::UnknownMembers { origin, members: unknown }),
            (true, false) => Err(ImageError::MissingMembers { origin, members: missing }),
        }
    }

    /// Checks a program: its machine, its version, its libraries. Files that nobody runs are taken as they are.
    fn check(
        &mut self,
        file: &PlannedFile,
        path: &InstallPath,
        source: usize,
        bytes: &Path,
        origin: &str,
    ) -> Result<(), ImageError> {
        if file.mode.bits() & 0o111 == 0 {
            return Ok(());
        }
        let wrong = |error| {
            let (path, origin, source) = (path.clone(), origin.to_owned(), Box::new(error));
            ImageError::Payload { path, origin, source }
        };
        let program = Elf::read(bytes).map_err(wrong)?;
        program.check_arch(self.build.metadata.arch).map_err(wrong)?;
        match (check_version(bytes, &self.build.metadata.version), &self.build.sources[source].unversioned) {
            (Ok(_), _) => {}
            // A program that names another version is wrong whatever the spec says; one that names none may be right.
            (Err(ElfError::NoVersion { .. }), Some(_)) => self.unversioned[source] += 1,
            (Err(error), _) => return Err(wrong(error)),
        }
        let libraries: Vec<String> = program.needed_beside_glibc().map(|needed| needed.library.clone()).collect();
        if !libraries.is_empty() {
            return Err(ImageError::UnknownLibraries { path: path.clone(), libraries });
        }
        self.relations.extend(libc(&program));
        Ok(())
    }
}

/// What a program asks of the C library, out of its own version records: Debian's package of at least that version,
/// and for RPM the capabilities that glibc's package provides.
fn libc(program: &Elf) -> Vec<Relation> {
    let requires = |format, name, constraint| Relation {
        kind: RelationKind::Requires,
        format,
        alternatives: vec![Dependency { name, constraint }],
    };
    let mut relations = Vec::new();
    if let Some((major, minor)) = program.glibc_at_least() {
        let version = Some((Operator::AtLeast, format!("{major}.{minor}")));
        relations.push(requires(Format::Deb, "libc6".to_owned(), version));
    }
    relations.extend(program.rpm_requires().into_iter().map(|name| requires(Format::Rpm, name, None)));
    relations
}
