//! Tags of RPM headers that rpm-md is made of (rpm's `rpmtag.h`).

/// Of the header.
pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const SUMMARY: u32 = 1004;
pub(super) const DESCRIPTION: u32 = 1005;
pub(super) const BUILDTIME: u32 = 1006;
pub(super) const BUILDHOST: u32 = 1007;
pub(super) const SIZE: u32 = 1009;
pub(super) const VENDOR: u32 = 1011;
pub(super) const LICENSE: u32 = 1014;
pub(super) const PACKAGER: u32 = 1015;
pub(super) const GROUP: u32 = 1016;
pub(super) const URL: u32 = 1020;
pub(super) const ARCH: u32 = 1022;
pub(super) const OLDFILENAMES: u32 = 1027;
pub(super) const FILEMODES: u32 = 1030;
pub(super) const FILEFLAGS: u32 = 1037;
pub(super) const SOURCERPM: u32 = 1044;
pub(super) const ARCHIVESIZE: u32 = 1046;
pub(super) const CHANGELOGTIME: u32 = 1080;
pub(super) const CHANGELOGNAME: u32 = 1081;
pub(super) const CHANGELOGTEXT: u32 = 1082;
pub(super) const SOURCEPACKAGE: u32 = 1106;
pub(super) const DIRINDEXES: u32 = 1116;
pub(super) const BASENAMES: u32 = 1117;
pub(super) const DIRNAMES: u32 = 1118;
pub(super) const LONGSIZE: u32 = 5009;

/// Of the signature header.
pub(super) const SIG_LONGARCHIVESIZE: u32 = 271;
pub(super) const SIG_PAYLOADSIZE: u32 = 1007;
/// Signatures of the header, and older ones of header and payload.
pub(super) const SIGNATURES: [u32; 4] = [268, 267, 1002, 1005];
/// Signatures of format 6, in base64.
pub(super) const OPENPGP: u32 = 278;

/// Names, flags and versions of one kind of relation.
#[derive(Debug, Clone, Copy)]
pub(super) struct RelationTags {
    pub(super) names: u32,
    pub(super) flags: u32,
    pub(super) versions: u32,
}

const fn relation(names: u32, flags: u32, versions: u32) -> RelationTags {
    RelationTags { names, flags, versions }
}

pub(super) const PROVIDES: RelationTags = relation(1047, 1112, 1113);
pub(super) const REQUIRES: RelationTags = relation(1049, 1048, 1050);
pub(super) const CONFLICTS: RelationTags = relation(1054, 1053, 1055);
pub(super) const OBSOLETES: RelationTags = relation(1090, 1114, 1115);
pub(super) const SUGGESTS: RelationTags = relation(5049, 5051, 5050);
pub(super) const ENHANCES: RelationTags = relation(5055, 5057, 5056);
pub(super) const RECOMMENDS: RelationTags = relation(5046, 5048, 5047);
pub(super) const SUPPLEMENTS: RelationTags = relation(5052, 5054, 5053);

/// `RPMFILE_GHOST`.
pub(super) const GHOST: u64 = 64;
