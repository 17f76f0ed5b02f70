//! The lines of the design, held over the sources: what the core must not touch, and what may know what.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the core, in the order in which they may use each other: each one only those before it.
const CORE: [&str; 9] = ["time", "hash", "event", "text", "state", "policy", "score", "engine", "trial"];

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(dir: &Path, into: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                into.insert(path, text);
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 20, "the sources were not found");
    files
}

/// First folder or file name below `src`.
fn module(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file: no comments, no tests.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]").next().unwrap();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn core() -> impl Iterator<Item = (PathBuf, String, String)> {
    sources()
        .into_iter()
        .map(|(path, text)| (path.clone(), module(&path), code(&text)))
        .filter(|(_, module, _)| CORE.contains(&module.as_str()))
        .filter(|(path, _, _)| !path.ends_with("tests.rs") && !path.ends_with("testing.rs"))
        .filter(|(path, _, _)| path.components().all(|part| part.as_os_str() != "tests"))
}

/// Invariant 1: core modules do no I/O and read no clock.
#[test]
fn the_core_touches_nothing_outside() {
    const FORBIDDEN: [&str; 17] = [
        "std::fs",
        "std::io",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "ToSocketAddrs",
        "std::env::",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "tokio",
        "tracing::",
        "prometheus",
        "println!",
        "eprintln!",
        "async fn",
    ];
    for (path, _, code) in core() {
        for word in FORBIDDEN {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}

/// Dependencies point one way.
#[test]
fn every_core_module_uses_only_those_before_it() {
    for (path, module, code) in core() {
        let rank = CORE.iter().position(|name| *name == module).unwrap();
        for later in &CORE[rank + 1..] {
            for (at, _) in code.match_indices(&format!("crate::{later}")) {
                let rest = &code[at + "crate::".len()..];
                let ends =
                    rest[later.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                assert!(!ends, "{} uses crate::{later}", path.display());
            }
        }
    }
}

/// Invariant 6: platform names occur only where native formats are read, in `config/` and in test data.
#[test]
fn platforms_are_data() {
    for (path, _, code) in core() {
        if path.components().any(|part| part.as_os_str() == "native") {
            continue;
        }
        let code = code.to_lowercase();
        for name in ["ozon", "wildberries", "yandex"] {
            assert!(!code.contains(name), "{} names {name}", path.display());
        }
    }
}

/// Invariant 7: metrics are named in one table, and nobody else speaks to the library that keeps them.
#[test]
fn metrics_are_named_in_one_place() {
    for (path, text) in sources() {
        let code = code(&text);
        let place = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
        assert!(
            place.starts_with("metrics") || !code.contains("prometheus::"),
            "{} speaks to the metrics library",
            path.display()
        );
        assert!(
            place == Path::new("metrics/families.rs") || !code.contains("\"contactwatch_"),
            "{} names a metric",
            path.display()
        );
    }
}

/// The shell meets in Kafka and in `daemon` alone: scoring knows no delivery, delivery no scoring.
#[test]
fn scoring_and_delivery_know_nothing_of_each_other() {
    const LINES: [(&str, &[&str]); 3] = [
        (
            "kafka",
            &[
                "crate::alert::relay",
                "crate::alert::book",
                "crate::alert::alertmanager",
                "crate::cli",
                "crate::demo",
            ],
        ),
        (
            "alert",
            &[
                "crate::kafka::desk",
                "crate::kafka::tasks",
                "crate::kafka::worker",
                "crate::cli",
                "crate::demo",
            ],
        ),
        ("http", &["crate::cli", "crate::demo", "crate::alert"]),
    ];
    for (path, text) in sources() {
        let code = code(&text);
        let of = module(&path);
        for word in LINES.iter().filter(|(module, _)| *module == of).flat_map(|(_, words)| *words) {
            assert!(!code.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// Files stay small enough to be read whole.
#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it by purpose", path.display());
    }
}
