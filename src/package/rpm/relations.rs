//! Relations as a header holds them.

use std::collections::BTreeSet;

use rpm::{Dependency, PackageBuilder};

use crate::format::Format;
use crate::image::PackageImage;
use crate::package::Compression;
use crate::relation::{Operator, Relation, RelationKind};

/// Returns the relations of a kind, each once.
pub(super) fn dependencies(image: &PackageImage, kind: RelationKind) -> Vec<Dependency> {
    let relations: BTreeSet<&Relation> =
        image.relations(Format::Rpm).filter(|relation| relation.kind == kind).collect();
    relations.into_iter().map(dependency).collect()
}

/// Translates one relation. A rich dependency stands as text where others have their name.
fn dependency(relation: &Relation) -> Dependency {
    let [one] = &relation.alternatives[..] else { return Dependency::any(relation.to_string()) };
    match &one.constraint {
        None => Dependency::any(&one.name),
        Some((Operator::Below, version)) => Dependency::less(&one.name, version),
        Some((Operator::Exactly, version)) => Dependency::eq(&one.name, version),
        Some((Operator::AtLeast, version)) => Dependency::greater_eq(&one.name, version),
    }
}

/// Adds the relations and the `rpmlib` features that the crate does not name by itself.
pub(super) fn add(builder: &mut PackageBuilder, image: &PackageImage, compression: Compression) {
    for kind in RelationKind::ALL {
        for dependency in dependencies(image, kind) {
            match kind {
                RelationKind::Requires => builder.requires(dependency),
                RelationKind::Recommends => builder.recommends(dependency),
                RelationKind::Suggests => builder.suggests(dependency),
                RelationKind::Conflicts | RelationKind::Breaks => builder.conflicts(dependency),
                RelationKind::Replaces => builder.obsoletes(dependency),
                RelationKind::Provides => builder.provides(dependency),
            };
        }
    }
    if orders_after_systemd(image) {
        builder.order_with_requires(Dependency::any("systemd"));
    }
    if matches!(compression, Compression::Xz(_)) {
        builder.requires(Dependency::rpmlib("PayloadIsXz", "5.2-1"));
    }
    if has_tilde(image) {
        builder.requires(Dependency::rpmlib("TildeInVersions", "4.10.0-1"));
    }
}

/// Whether systemd, where one transaction installs both, must come first, lest a preset find no systemctl
/// (`RPMTAG_ORDERNAME`; Fedora's `%systemd_ordering`).
pub(super) fn orders_after_systemd(image: &PackageImage) -> bool {
    image.has_systemd_files(Format::Rpm)
}

/// Whether some version, the package's own among them, has a `~`, which rpm before 4.10 orders wrongly.
fn has_tilde(image: &PackageImage) -> bool {
    let versions = image
        .relations(Format::Rpm)
        .flat_map(|relation| &relation.alternatives)
        .filter_map(|dependency| dependency.constraint.as_ref());
    image.metadata.full_version(Format::Rpm).contains('~') || versions.into_iter().any(|(_, v)| v.contains('~'))
}
