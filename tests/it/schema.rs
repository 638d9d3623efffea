//! The JSON Schemas against a validator that is not ours (python3-jsonschema), and every file that should pass.

use std::path::Path;

use crate::program::{kubepkg, root, tool};

/// Validates YAML files against a schema; prints the faults of each, `FILE: PATH`.
const VALIDATE: &str = "
import json, sys, jsonschema, yaml
class Loader(yaml.SafeLoader):
    pass
# As YAML 1.2 has it: a date is a text.
Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in rows if tag != 'tag:yaml.org,2002:timestamp']
    for key, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
for name in sys.argv[2:]:
    for fault in validator(schema).iter_errors(yaml.load(open(name), Loader)):
        print(name.rsplit('/', 1)[-1] + ': ' + fault.message)
";

fn faults(of: &str, files: &[String]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.json");
    fs_err::write(&schema, kubepkg(&["spec", "schema", "--of", of])).unwrap();
    let schema = schema.display().to_string();
    tool("python3", ["-c", VALIDATE, &schema].into_iter().map(str::to_owned).chain(files.iter().cloned()))
}

fn specs(folder: &str) -> Vec<String> {
    let files = fs_err::read_dir(root(folder)).unwrap().map(|entry| entry.unwrap().path());
    let is_spec =
        |path: &Path| path.extension().is_some_and(|end| end == "yaml") && !path.ends_with("distribution.yaml");
    let mut files: Vec<String> = files.filter(|path| is_spec(path)).map(|path| path.display().to_string()).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder}");
    files
}

#[test]
fn all_specs_pass_their_schema() {
    let all = ["specs", "fixtures/vendor/helm", "fixtures/vendor/agent/specs"].into_iter().flat_map(specs);
    assert_eq!(faults("component", &all.collect::<Vec<_>>()), "");
    assert_eq!(faults("distribution", &[root("specs/distribution.yaml")]), "");
    assert_eq!(faults("configuration", &[root("fixtures/vendor/kubepkg.yaml")]), "");
}

#[test]
fn the_schema_refuses_what_no_spec_may_hold() {
    for (fixture, words) in [
        ("unknown-key", "('sektion' was unexpected)"),
        ("unknown-key-in-condition", "('version' was unexpected)"),
        ("missing-key", "'section' is a required property"),
        ("text-for-a-list", "is not of type 'array'"),
        ("list-for-a-text", "is not of type 'string'"),
        ("text-for-a-number", "'plenty' is not of type"),
        ("unknown-choice", "'configuration' is not"),
    ] {
        let found = faults("component", &[root(&format!("fixtures/errors/{fixture}/agent.yaml"))]);
        assert!(found.contains(words), "{fixture}: {found}");
    }
    let found = faults("distribution", &[root("fixtures/errors/unknown-key-of-distribution/distribution.yaml")]);
    assert!(found.contains("('mirrors' was unexpected)"), "{found}");
}
