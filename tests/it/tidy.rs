//! Rules of the repository that no compiler knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates, and the crates of the workspace that each may know.
const ARROWS: [(&str, &[&str]); 6] = [
    ("catalog", &[]),
    ("proto", &[]),
    ("connectors", &["catalog"]),
    ("policies", &["catalog"]),
    ("gateway", &["catalog", "connectors", "policies", "proto"]),
    ("tests", &["catalog", "connectors", "gateway", "policies", "proto"]),
];

/// Every Rust file of the workspace with its text, by path from the root.
pub(crate) fn rust_files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (name, _) in ARROWS {
        collect(&root().join(name), &mut files);
    }
    assert!(files.len() > 20, "the search for Rust files has gone wrong");
    files
}

fn collect(folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, files);
            }
        } else if name.ends_with(".rs") {
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            files.insert(relative, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// What git tracks or would track, as text; binary files are left out.
fn tracked_files() -> BTreeMap<String, String> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let names = String::from_utf8(listing.stdout).unwrap();
    let text = |name: &str| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?));
    names.lines().filter_map(text).collect()
}

#[test]
fn crates_know_only_the_crates_below_them() {
    for (name, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = manifest.get(section).and_then(toml::Value::as_table).cloned().unwrap_or_default();
            for (other, _) in ARROWS {
                let known = dependencies.contains_key(other);
                assert!(!known || allowed.contains(&other), "{name} must not know {other}: see ARCHITECTURE.md");
            }
        }
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for (path, text) in rust_files() {
        assert!(text.starts_with("//! "), "{path} must start with `//!` and one sentence");
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        assert!(lines <= 400, "{path} has {lines} lines: split it by concept");
    }
}

#[test]
fn only_the_gateway_and_the_flight_connectors_know_a_wire_protocol() {
    let knows = |path: &str| {
        ["gateway/", "proto/", "tests/", "connectors/src/flight", "connectors/src/testing/"]
            .iter()
            .any(|known| path.starts_with(known))
    };
    for (path, text) in rust_files().iter().filter(|(path, _)| !knows(path)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            for word in ["tonic", "prost", "arrow_flight", "pgwire", "axum"] {
                let used = code.contains(&format!("{word}::")) || code.contains(&format!("use {word}"));
                assert!(!used, "{path}:{} uses {word}: wire protocols belong to the gateway", number + 1);
            }
        }
    }
}

#[test]
fn every_kind_of_error_is_in_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for kind in gateway::ErrorKind::ALL {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {kind} |")));
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {kind}"));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[2], crate::errors::code_name(kind.grpc()), "{row}");
        assert!(cells[3].starts_with(kind.sqlstate()), "{row}");
    }
}

#[test]
fn every_connector_has_the_same_core_files() {
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in rust_files().into_keys() {
        let Some(rest) = path.strip_prefix("connectors/src/") else { continue };
        let Some((folder, file)) = rest.split_once('/') else { continue };
        if folder == "delta" || folder.starts_with("flight") {
            files.entry(folder.to_owned()).or_default().insert(file.to_owned());
        }
    }
    assert!(files.len() >= 2, "{files:?}");
    for (folder, files) in files {
        for core in ["mod.rs", "provider.rs"] {
            assert!(files.contains(core), "connectors/src/{folder} has no {core}, but {files:?}");
        }
    }
}

#[test]
fn no_tracked_file_names_a_machine() {
    // In parts, so that this file does not name one either.
    let words =
        [["/ro", "ot/"], ["/work/", "main"], ["/work/", "shared"], ["static.crates", ".io"], ["pypi", ".org/simple"]];
    for (path, text) in tracked_files() {
        for word in words.map(|parts| parts.concat()) {
            assert!(!text.contains(&word), "{path} contains {word}");
        }
    }
}

#[test]
fn crates_whose_types_cross_borders_come_in_one_version() {
    let lock: toml::Table = std::fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions.entry(text("name")).or_default().insert(text("version"));
    }
    let single = [
        "arrow",
        "arrow-flight",
        "datafusion",
        "deltalake-core",
        "object_store",
        "parquet",
        "prost",
        "tonic",
        "rustls",
    ];
    for name in single {
        assert_eq!(versions[name].len(), 1, "{name}: {:?}", versions[name]);
    }
    for name in versions.keys() {
        let unwanted =
            name.starts_with("aws-sdk-") || ["aws-config", "native-tls", "openssl-sys"].contains(&name.as_str());
        assert!(!unwanted, "{name} must not be in Cargo.lock: see deny.toml");
    }
}
