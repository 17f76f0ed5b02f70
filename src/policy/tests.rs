//! Compiling whole policies: what shipped packs become, and what is said about broken ones.

use super::testing::ShippedNames;
use super::*;

fn compiled(sources: &PolicySources<'_>) -> Compilation {
    match build(sources, &ShippedNames) {
        Ok(compilation) => compilation,
        Err(errors) => panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>()),
    }
}

#[test]
fn the_shipped_policy_compiles() {
    let compilation = compiled(&shipped());
    let cases = |pack: &str| compilation.cases.iter().filter(|case| &*case.pack == pack).count();
    let packs: Vec<String> = compilation
        .packs
        .iter()
        .map(|pack| format!("{}: {} rules, {} cases", pack.id, pack.rules.len(), cases(&pack.id)))
        .collect();
    insta::assert_snapshot!(packs.join("\n"));
}
