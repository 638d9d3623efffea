//! What the fuzzers are seeded with, and what they have found, through the same functions.

use std::path::Path;

#[path = "../../fuzz/harness.rs"]
mod harness;

/// How many changed copies of each file are tried: few, since fuzzers try millions.
const MUTATIONS: usize = 20;

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Changes, drops, adds or repeats bytes at some places.
fn mutated(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, b'0'),
            2 => drop(bytes.drain(at..bytes.len().min(at + 4))),
            3 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte |= 0x80),
            4 => bytes.extend_from_within(at..),
            _ => bytes[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
        }
        bytes.truncate(1 << 20);
    }
    bytes
}

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
            let mut numbers = Numbers(1);
            (0..MUTATIONS).for_each(|_| target(&mutated(&bytes, &mut numbers)));
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
