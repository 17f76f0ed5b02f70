//! What lies in packaging/, held against the program and the repository: files, names, rights. Needs no Docker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "daemon")]

#[path = "support/files.rs"]
mod files;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use files::{list, root, text, yaml};
use serde_json::Value;

fn words(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_compose_file_mounts_what_there_is() {
    let compose = yaml("packaging/compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let names: Vec<&str> = services.keys().map(String::as_str).collect();
    for service in ["kafka", "topics", "contactwatch", "prometheus", "alertmanager", "grafana"] {
        assert!(names.contains(&service), "{service} among {names:?}");
    }
    let mut mounted = 0;
    for (name, service) in services {
        for volume in list(service, "volumes").iter().filter_map(Value::as_str) {
            let (source, rest) = volume.split_once(':').unwrap();
            if source.starts_with('.') {
                assert!(root().join("packaging").join(source).exists(), "{name} mounts {source}");
                assert!(rest.ends_with(":ro"), "{name} may write to {source}");
                mounted += 1;
            } else {
                assert!(compose["volumes"].get(source).is_some(), "{name}: volume {source}");
            }
        }
        for other in service["depends_on"].as_object().into_iter().flat_map(|map| map.keys()) {
            assert!(services.contains_key(other), "{name} depends on {other}");
        }
        for port in list(service, "ports").iter().filter_map(Value::as_str) {
            assert!(port.starts_with("127.0.0.1:"), "{name} is open to the world: {port}");
        }
    }
    assert!(mounted >= 5);
    // What is configured there is a configuration.
    let configuration = text("packaging/contactwatch.yaml");
    let path = Path::new("packaging/contactwatch.yaml");
    let loaded = contactwatch::config::load(Some((path, &configuration)), std::iter::empty(), &[]).unwrap();
    assert_eq!(loaded.config.kafka.brokers, ["kafka:9092"]);
    assert!(loaded.config.alertmanager.urls.iter().all(|url| url.starts_with("http://alertmanager:")));
}

/// Commands of the program in the compose file and the unit are commands.
#[test]
fn the_program_knows_what_it_is_told_to_do() {
    let compose = yaml("packaging/compose.yaml");
    let image = text("packaging/Dockerfile");
    let default = image.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let default: Value = serde_json::from_str(default).unwrap();
    let unit = text("packaging/contactwatch.service");
    let mut commands: Vec<Vec<&str>> = unit
        .lines()
        .filter_map(|line| line.split_once("=/usr/bin/contactwatch "))
        .map(|(_, args)| args.split_whitespace().collect())
        .collect();
    commands.extend([words(&compose["services"]["topics"]["command"]), words(&default)]);
    assert_eq!(commands.len(), 4);
    for command in commands {
        let told =
            Command::cargo_bin("contactwatch").unwrap().args(&command).arg("--help").assert().success();
        let told = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
        assert!(told.contains(&format!("contactwatch {} ", command[0])), "{command:?}: {told}");
    }
    for service in ["topics", "contactwatch"] {
        let volumes = words(&compose["services"][service]["volumes"]);
        assert!(
            volumes.iter().any(|volume| volume.contains(":/etc/contactwatch/contactwatch.yaml:")),
            "{service}: {volumes:?}"
        );
    }
}

/// The first folder of a path, or the file.
fn top(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_string_lossy().into_owned()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// Everything that a build reads reaches it: what the manifest names, and what sources include.
#[test]
fn the_image_is_built_from_everything_that_is_needed() {
    let image = text("packaging/Dockerfile");
    let mut copied = BTreeSet::new();
    for line in image.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        if line.contains("--from") {
            continue;
        }
        let (names, _) = line.trim().rsplit_once(' ').unwrap();
        for name in names.split_whitespace() {
            assert!(root().join(name).exists(), "COPY {name}");
            copied.insert(name.to_owned());
        }
    }
    let sent: BTreeSet<String> = text("packaging/Dockerfile.dockerignore")
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .map(str::to_owned)
        .collect();
    assert_eq!(copied, sent, "what is copied, and what the ignore file lets through");

    let mut files = vec![root().join("build.rs")];
    sources(&root().join("src"), &mut files);
    let mut included = 0;
    for file in files {
        let code = fs::read_to_string(&file).unwrap();
        for part in code.split("include_str!(\"").chain(code.split("include_bytes!(\"")).skip(1) {
            let Some((name, _)) = part.split_once("\")").filter(|(name, _)| !name.contains([' ', '\n']))
            else {
                continue;
            };
            let path = file.parent().unwrap().join(name).canonicalize();
            let path = path.unwrap_or_else(|error| panic!("{} includes {name}: {error}", file.display()));
            let path = path.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
            assert!(copied.contains(&top(&path)), "{} includes {}", file.display(), path.display());
            included += 1;
        }
    }
    assert!(included >= 6, "{included}");
    for name in ["Cargo.toml", "Cargo.lock", "build.rs", "src", "config"] {
        assert!(copied.contains(name), "{name}");
    }
    let manifest = text("Cargo.toml");
    for kind in ["bench", "example", "test"] {
        assert!(
            manifest.contains(&format!("[[{kind}]]")) && copied.iter().any(|name| name.starts_with(kind))
        );
    }
}

#[test]
fn the_image_and_the_unit_run_without_rights() {
    let image = text("packaging/Dockerfile");
    let last = image.rsplit_once("\nFROM ").unwrap().1;
    assert!(last.starts_with("scratch\n"), "the final image holds more than the program: {last}");
    let user = last.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    let number = user.split(':').next().unwrap();
    assert!(number.parse::<u32>().is_ok_and(|number| number > 0), "{user}");
    // An empty image has no C library: only on musl is a Rust program static by itself.
    let first = image.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let version = first.split_once("-alpine ").expect("an image of Alpine").0;
    let minor =
        |version: &str| version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok()).unwrap();
    let needed = text("Cargo.toml");
    let needed = needed.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    assert!(minor(version) >= minor(needed.trim_matches('"')), "{version} builds what needs {needed}");
    let unit = text("packaging/contactwatch.service");
    for line in ["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict"] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}

/// What Grafana loads: data source and dashboards, from where the compose file mounts them.
#[test]
fn grafana_is_given_its_dashboards() {
    let compose = yaml("packaging/compose.yaml");
    let volumes = words(&compose["services"]["grafana"]["volumes"]);
    let provider = yaml("packaging/grafana/dashboards.yaml");
    let place = provider["providers"][0]["options"]["path"].as_str().unwrap();
    let mount = volumes.iter().find(|volume| volume.contains(&format!(":{place}:"))).unwrap();
    let (source, _) = mount.split_once(':').unwrap();
    let mut dashboards = 0;
    for entry in fs::read_dir(root().join("packaging").join(source)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "json") {
            let dashboard: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            assert!(
                dashboard["uid"].as_str().is_some_and(|uid| uid.starts_with("contactwatch")),
                "{}",
                path.display()
            );
            dashboards += 1;
        }
    }
    assert!(dashboards >= 5, "{dashboards}");
    let source = &yaml("packaging/grafana/datasources.yaml")["datasources"][0];
    assert_eq!((&source["type"], &source["isDefault"]), (&"prometheus".into(), &true.into()));
    assert_eq!(source["url"], "http://prometheus:9090");
}

/// The rules of the repository are the rules that the compose file's Prometheus loads, and the ports those that are told.
#[test]
fn prometheus_loads_the_rules_and_reaches_everybody() {
    let compose = yaml("packaging/compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let configuration = yaml("packaging/prometheus.yml");
    for file in words(&configuration["rule_files"]) {
        let name = file.strip_prefix("/etc/prometheus/rules/").unwrap();
        assert!(root().join("dashboards/prometheus").join(name).exists(), "{file}");
    }
    assert_eq!(
        yaml("dashboards/prometheus/prometheus.yml")["rule_files"].as_array().unwrap().len(),
        words(&configuration["rule_files"]).len()
    );
    for job in list(&configuration, "scrape_configs") {
        for target in words(&job["static_configs"][0]["targets"]) {
            let (host, port) = target.split_once(':').unwrap();
            let known = host == "localhost" || services.contains_key(host);
            assert!(known && port.parse::<u16>().is_ok(), "{target}");
        }
    }
    for (name, service) in services {
        let image = service["image"].as_str().unwrap_or("built:here");
        assert!(image.contains(':') && !image.ends_with(":latest"), "{name}: {image} is no version");
    }
}
