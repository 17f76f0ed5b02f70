//! Compiling whole policies: what shipped packs become, and what is said about broken ones.

use super::testing::ShippedNames;
use super::*;

const OZON: &str = include_str!("../../config/policies/ozon/seed-2024-07.yaml");

#[test]
fn a_shipped_pack_compiles() {
    let sources = PolicySources { packs: vec![("seed.yaml", OZON)], ..PolicySources::default() };
    let compilation = match build(&sources, &ShippedNames) {
        Ok(compilation) => compilation,
        Err(errors) => panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>()),
    };
    assert_eq!(compilation.packs[0].rules.len(), 29);
}
