//! What the fuzzers are seeded with, and what they have found, through the same functions.

use std::path::Path;

#[path = "../../fuzz/harness.rs"]
mod harness;

#[test]
fn the_corpus_harms_nobody() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in harness::TARGETS {
        let files = crate::mirror::files(&corpus.join(name));
        assert!(files.len() > 1, "{name} has no corpus");
        for file in files {
            let bytes = fs_err::read(&file).unwrap();
            target(&bytes);
            // Cut and doubled, as transfers leave files.
            target(&bytes[..bytes.len() / 2]);
            target(&bytes.repeat(2));
        }
    }
}

/// Every target has a program that cargo-fuzz finds.
#[test]
fn every_target_is_a_program() {
    let manifest = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
    for (name, _) in harness::TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n")), "{name}");
    }
}
