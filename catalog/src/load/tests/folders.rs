//! Which files are read, and which are refused unread.

use std::os::unix::fs::symlink;

use super::{Mesh, ORDERS};

#[test]
fn an_empty_catalog_is_an_empty_registry() {
    assert_eq!(Mesh::new().load().unwrap().tables().count(), 0);
}

#[test]
fn a_missing_catalog_is_a_mistake() {
    let mesh = Mesh::new();
    std::fs::remove_dir(mesh.path().join("catalog")).unwrap();
    mesh.refused(&["catalog: it cannot be read"]);
}

#[test]
fn other_files_and_hidden_ones_are_ignored() {
    let mesh = Mesh::new()
        .with("catalog/README.md", "x")
        .with("catalog/sales/README.md", "x")
        .with("catalog/sales/.draft.odcs.yaml", "x")
        .with("catalog/.git/x.odcs.yaml", "x")
        .with("catalog/sales/orders.odcs.yaml", ORDERS);
    assert_eq!(mesh.load().unwrap().tables().count(), 1);
}

#[test]
fn a_file_that_would_be_overlooked_is_a_mistake() {
    Mesh::new()
        .with("catalog/orders.odcs.yaml", ORDERS)
        .refused(&["catalog/orders.odcs.yaml: the file is in no domain"]);
    Mesh::new().with("catalog/sales/a.odcs.yml", ORDERS).refused(&["catalog/sales: \"a.odcs.yml\" is not read"]);
    Mesh::new().with("catalog/Sales/a.odcs.yaml", ORDERS).refused(&["catalog/Sales: the name of a domain is wrong"]);
}

#[test]
fn a_link_that_leaves_the_mesh_folder_is_not_followed() {
    let outside = Mesh::new().with("sales/secret.odcs.yaml", "password: hunter2");
    let refused = |target: &str, link: &str| {
        let mesh = Mesh::new().with("catalog/crm/README.md", "");
        symlink(outside.path().join(target), mesh.path().join(link)).unwrap();
        mesh.refused(&["the link leads out of the mesh folder"]);
    };
    refused("sales/secret.odcs.yaml", "catalog/crm/a.odcs.yaml");
    refused("sales", "catalog/sales");
    let mesh = Mesh::new();
    std::fs::remove_dir(mesh.path().join("catalog")).unwrap();
    symlink(outside.path(), mesh.path().join("catalog")).unwrap();
    mesh.refused(&["the link leads out of the mesh folder"]);
}

#[test]
fn a_link_within_the_mesh_folder_is_followed() {
    let mesh = Mesh::new().with("catalog/..data/orders.odcs.yaml", ORDERS).with("catalog/sales/README.md", "");
    symlink("../..data/orders.odcs.yaml", mesh.path().join("catalog/sales/orders.odcs.yaml")).unwrap();
    assert_eq!(mesh.load().unwrap().tables().count(), 1);
}

#[test]
fn a_file_that_is_too_large_or_no_text_or_no_file_is_refused() {
    Mesh::new()
        .with("catalog/sales/a.odcs.yaml", "#".repeat(4 * 1024 * 1024 + 1))
        .refused(&["is larger than 4194304 bytes"]);
    Mesh::new().with("catalog/sales/a.odcs.yaml", [0xff, 0xfe]).refused(&["is not UTF-8 text"]);
    let mesh = Mesh::new();
    std::fs::create_dir_all(mesh.path().join("catalog/sales")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(mesh.path().join("catalog/sales/a.odcs.yaml")).unwrap();
    mesh.refused(&["is not a regular file"]);
}

#[test]
fn a_mesh_folder_that_does_not_exist_is_a_mistake() {
    let mesh = Mesh::new();
    let missing = mesh.path().join("nowhere");
    assert!(super::load(&"retail".parse().unwrap(), &missing).is_err());
}
