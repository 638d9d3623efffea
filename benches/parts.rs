//! The inner parts on a stand-in for a program: what compresses, what hashes, what plans.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kubepkg::arch::Arch;
use kubepkg::block::{Code, Recipe};
use kubepkg::compression::Compression;
use kubepkg::digest::Hasher;
use kubepkg::spec::Catalog;
use kubepkg::tree::Tree;

const SIZE: usize = 1 << 20;

/// Bytes that compress about as well as a program: numbers of few bits between zeros.
fn program() -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(SIZE);
    while bytes.len() < SIZE {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend(((state >> 40) as u32 & 0x0fff_ffff).to_le_bytes());
        bytes.extend([0, 0, 0, (state >> 60) as u8]);
    }
    bytes
}

fn blocks(criterion: &mut Criterion) {
    let raw = program();
    let mut group = criterion.benchmark_group("block");
    group.sample_size(10).throughput(Throughput::Bytes(raw.len() as u64));
    for name in ["fast", "default", "gzip"] {
        let compression: Compression = name.parse().expect("a compression");
        let recipe = Recipe::new(compression, Code::of(Arch::Amd64)).expect("one that has blocks");
        group.bench_function(name, |bencher| bencher.iter(|| recipe.compress(black_box(&raw)).expect("a block")));
        let block = recipe.compress(&raw).expect("a block");
        let file = [recipe.head(), &block.bytes, &recipe.tail(&[block.record])].concat();
        group.bench_function(format!("{name}, back"), |bencher| {
            bencher.iter(|| std::io::copy(&mut recipe.unpack(black_box(&file[..])), &mut std::io::sink()));
        });
    }
}

fn digests(criterion: &mut Criterion) {
    let raw = program();
    let mut group = criterion.benchmark_group("digests");
    group.throughput(Throughput::Bytes(raw.len() as u64));
    group.bench_function("all in one reading", |bencher| {
        bencher.iter(|| {
            let mut hasher = Hasher::default();
            hasher.update(black_box(&raw));
            hasher.finish()
        });
    });
}

fn specs(criterion: &mut Criterion) {
    criterion.bench_function("load the specs", |bencher| {
        bencher.iter(|| Catalog::load(black_box(&Tree::embedded_specs())).expect("good specs"));
    });
}

criterion_group!(parts, blocks, digests, specs);
criterion_main!(parts);
