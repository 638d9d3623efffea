//! The modules of Go programs, in versions that databases of vulnerabilities know.

use crate::image::elf::{GoBuild, Module};

/// What a linker writes that does not know the version.
const UNKNOWN: &str = "(devel)";
/// The module whose own packages upstream publishes as further modules.
const KUBERNETES: &str = "k8s.io/kubernetes";

/// A module that went into a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GoModule {
    pub(super) path: String,
    /// The version; nothing where it cannot be told.
    pub(super) version: Option<String>,
    /// The version that the program names, where it is another.
    pub(super) recorded: Option<String>,
    /// What it stands in place of.
    pub(super) replaces: Option<String>,
}

/// Returns the modules of a program that was released as `version`: the main module, those that it uses, and the
/// standard library. Programs of the oldest linkers, and of some packagers, name none but the last.
pub(super) fn modules(build: &GoBuild, version: &str) -> Vec<GoModule> {
    let main = build.module.as_ref().map(|module| {
        let is_released = !matches!(module.version.as_str(), UNKNOWN | "");
        let known = if is_released { module.version.clone() } else { format!("v{version}") };
        of(module, Some(known))
    });
    let staging = main.as_ref().filter(|main| main.path == KUBERNETES).and_then(|main| main.version.as_deref());
    let staging = staging.and_then(staging_version);
    let used = build.dependencies.iter().map(|module| dependency(module, staging.as_deref()));
    main.into_iter().chain(used).chain(standard_library(&build.go_version)).collect()
}

fn dependency(module: &Module, staging: Option<&str>) -> GoModule {
    let has_version = !matches!(module.version.as_str(), UNKNOWN | "" | "v0.0.0");
    if has_version {
        return of(module, Some(module.version.clone()));
    }
    // A `replace` by a folder: what it stands for is the module, and the folder is how the builder had it.
    let mut module = module.clone();
    let is_folder = module.path.starts_with(['.', '/']);
    if let Some((path, version)) = module.replaces.take_if(|_| is_folder) {
        module.path = path;
        if module.version.is_empty() {
            module.version = version;
        }
    }
    let known = staging.filter(|_| module.path.starts_with("k8s.io/")).map(str::to_owned);
    of(&module, known)
}

fn of(module: &Module, version: Option<String>) -> GoModule {
    let recorded = Some(module.version.clone()).filter(|recorded| version.as_ref() != Some(recorded));
    let replaces = module.replaces.as_ref().map(|(path, version)| match version.as_str() {
        "" => path.clone(),
        version => format!("{path}@{version}"),
    });
    GoModule { path: module.path.clone(), version, recorded: recorded.filter(|text| !text.is_empty()), replaces }
}

/// Kubernetes publishes the modules of its folder `staging` as `v0.Y.Z` with its own `v1.Y.Z`
/// (kubernetes/kubernetes, `staging/README.md`); inside its own programs they have no version. Of CI builds it publishes
/// none.
fn staging_version(kubernetes: &str) -> Option<String> {
    let rest = kubernetes.strip_prefix("v1.").filter(|rest| !rest.contains('+'))?;
    rest.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("v0.{rest}"))
}

/// The standard library as databases of vulnerabilities call it: `stdlib`, with the version of Go.
fn standard_library(go_version: &str) -> Option<GoModule> {
    let first = go_version.split_whitespace().next()?;
    let version = first.strip_prefix("go").filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let recorded =
        Some(go_version.to_owned()).filter(|text| version.is_none_or(|version| *text != format!("go{version}")));
    Some(GoModule { path: "stdlib".to_owned(), version: version.map(str::to_owned), recorded, replaces: None })
}
