//! `NAME-archive-keyring`: the certificates of a repository as a package of the repository. Machines that have it get new
//! certificates as they get everything else, and trust them because keys that they know signed the package.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::charter::Charter;
use crate::arch::Arch;
use crate::block::{Blocks, Code};
use crate::event::Silent;
use crate::format::{Format, Revision};
use crate::image::{Content, Entry, Formats, LintOverride, Metadata, Owner, PackageImage, Role};
use crate::package::signing::{self, SigningError};
use crate::package::{Compression, Packer, WriteError, writer};
use crate::path::{BadPackageName, BadPath, InstallPath, Mode};
use crate::sign::{KeyError, Signer};
use crate::source_date::SourceDate;
use crate::spec::is_maintainer;
use crate::template::Templates;
use crate::version::Version;

/// Where apt looks for the certificates of archives (sources.list(5), `Signed-By`).
const KEYRINGS: &str = "/usr/share/keyrings";
/// Where dnf and zypper find them by custom.
const RPM_KEYS: &str = "/etc/pki/rpm-gpg";
/// Where people read of it who nobody told the repository's own address.
const HOMEPAGE: &str = "https://kubernetes.io";
/// What every client reads; there is little to compress.
const COMPRESSION: Compression = Compression::Gzip(9);

/// Returns where the package puts certificates for dnf and zypper.
pub(super) fn rpm_key(charter: &Charter) -> String {
    format!("{RPM_KEYS}/RPM-GPG-KEY-{}", charter.word())
}

/// Why there is no package of certificates.
#[derive(Debug, thiserror::Error)]
pub enum KeyringPackageError {
    /// The certificates cannot be written.
    #[error("the certificates of the repository cannot be used")]
    Key(#[from] KeyError),
    /// The name of the repository gives no name of a file.
    #[error(transparent)]
    Path(#[from] BadPath),
    /// Nor one of a package.
    #[error(transparent)]
    Name(#[from] BadPackageName),
    /// Nobody is known who answers for it.
    #[error("`{0}` is nobody who can be asked about a package: a maintainer is `Name <mail@example.org>`")]
    Maintainer(String),
    /// It cannot be written.
    #[error("`{file}` cannot be written")]
    Write {
        /// The package.
        file: String,
        /// Why.
        source: WriteError,
    },
    /// It cannot be signed.
    #[error("`{file}` cannot be signed")]
    Sign {
        /// The package.
        file: String,
        /// Why.
        source: SigningError,
    },
    /// A folder cannot be used.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The package before it has a format.
#[derive(Debug)]
pub struct KeyringPackage(PackageImage);

impl KeyringPackage {
    /// Makes it of the certificates that clients are given. Without `version` it is the day of the newest certificate, which
    /// is the package's time, too, and the revision says how often the keyring changed: of the same keyring the same package
    /// is made, and of a later one a newer package. Without `maintainer` it is the user of
    /// the key that signs the repository.
    pub fn new(
        charter: &Charter,
        version: Option<Version>,
        maintainer: Option<&str>,
    ) -> Result<Self, KeyringPackageError> {
        let date = newest(charter);
        let user = charter.keyring.of_index().first().and_then(|one| one.users().next()).unwrap_or_default();
        let maintainer = maintainer.map_or(user, str::to_owned);
        if !is_maintainer(&maintainer) {
            return Err(KeyringPackageError::Maintainer(maintainer.escape_default().to_string()));
        }
        let name = package_name(charter);
        let mut entries = Vec::new();
        let (all, apt) = (&charter.keyring, charter.keyring.for_apt());
        for (format, path, bytes) in [
            (Format::Rpm, rpm_key(charter), all.to_armor()?.into_bytes()),
            (Format::Deb, format!("{KEYRINGS}/{name}.asc"), apt.to_armor()?.into_bytes()),
            (Format::Deb, format!("{KEYRINGS}/{name}.gpg"), apt.to_bytes()?),
        ] {
            entries.push(entry(format, path.parse()?, bytes));
        }
        Ok(Self(PackageImage {
            metadata: metadata(charter, &name, version.unwrap_or_else(|| day(date)), maintainer)?,
            relations: Vec::new(),
            services: Vec::new(),
            scripts: Vec::new(),
            lint_overrides: vec![LintOverride {
                format: Format::Rpm,
                tag: "non-conffile-in-etc".to_owned(),
                reason: "certificates are replaced and not edited".to_owned(),
            }],
            entries,
            date,
        }))
    }

    /// Returns its file's name.
    pub fn file_name(&self, format: Format) -> String {
        self.0.file_name(format)
    }

    /// Writes it to a folder, signed by a key that clients know already, and returns its path.
    pub fn write(
        &self,
        format: Format,
        templates: &Templates,
        signer: &dyn Signer,
        folder: &Path,
    ) -> Result<PathBuf, KeyringPackageError> {
        let file_name = self.file_name(format);
        let failed = |source| KeyringPackageError::Write { file: file_name.clone(), source };
        fs_err::create_dir_all(folder)?;
        let scratch = tempfile::Builder::new().prefix(".kubepkg-").tempdir_in(folder)?;
        let (unsigned, signed) = (scratch.path().join("unsigned"), scratch.path().join("signed"));
        let blocks = Blocks::open(scratch.path(), scratch.path(), u64::MAX, Arc::new(Silent))?;
        let packer = Packer::new(COMPRESSION, Code::Any, &blocks, NonZero::<u32>::MIN);
        let texts = writer(format).render(&self.0, templates).map_err(failed)?;
        let mut options = fs_err::OpenOptions::new();
        let mut file = options.read(true).write(true).create_new(true).open(&unsigned)?.into_parts().0;
        writer(format).write(&self.0, &texts, &packer, &mut file).map_err(failed)?;
        let sign = |source| KeyringPackageError::Sign { file: file_name.clone(), source };
        let file = signing::sign(&unsigned, signer, &signed).map_err(sign)?;
        file.sync_all()?;
        let path = folder.join(&file_name);
        fs_err::rename(&signed, &path)?;
        Ok(path)
    }
}

/// Returns the name of a repository's package of certificates.
pub fn package_name(charter: &Charter) -> String {
    format!("{}-archive-keyring", charter.word())
}

/// The time at which the newest certificate began, or was last renewed.
fn newest(charter: &Charter) -> SourceDate {
    let certificates = charter.keyring.certificates();
    let times = certificates.iter().flat_map(|one| one.keys(u32::MAX)).map(|key| key.bound.max(key.created));
    SourceDate::from_epoch(times.max().unwrap_or_default())
}

/// `2026.11.26`, without zeros in front, which versions do not have.
#[expect(clippy::expect_used, reason = "days are numbers")]
fn day(date: SourceDate) -> Version {
    let text: String = date.to_string().chars().take("2026-11-26".len()).collect();
    let numbers: Vec<String> = text.split('-').map(|number| number.trim_start_matches('0').to_owned()).collect();
    numbers.join(".").parse().expect("three numbers")
}

fn entry(format: Format, path: InstallPath, bytes: Vec<u8>) -> Entry {
    let (mode, owner, role) = (Mode::REGULAR, Owner::root(), Role::Plain);
    Entry { path, mode, owner, role, content: Content::Text(bytes), formats: Formats::Only(format) }
}

#[expect(clippy::expect_used, reason = "numbers are revisions")]
fn metadata(
    charter: &Charter,
    name: &str,
    version: Version,
    maintainer: String,
) -> Result<Metadata, KeyringPackageError> {
    let revision: Revision = charter.number().to_string().parse().expect("a number");
    let year = newest(charter).to_string().chars().take(4).collect::<String>();
    let settings = &charter.settings;
    Ok(Metadata {
        name: name.parse()?,
        channel: version.channel(),
        version,
        deb_revision: revision.clone(),
        rpm_revision: revision,
        arch: Arch::Independent,
        summary: "OpenPGP certificates of a package repository".to_owned(),
        description: format!(
            "Repositories sign their indices, and RPM packages, with keys of their own.\n\
             This package holds the certificates by which package managers check the\n\
             signatures of the repository {}. With it they get new certificates as\n\
             they get everything else, before the old keys go.",
            charter.name
        ),
        license: "Apache-2.0".to_owned(),
        homepage: settings.url.as_ref().map_or_else(|| HOMEPAGE.to_owned(), ToString::to_string),
        copyright: vec![format!("{year} {maintainer}")],
        maintainer,
        vendor: None,
        section: "misc".to_owned(),
        priority: "optional".to_owned(),
    })
}
