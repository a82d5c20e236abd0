//! Tests of the comparison of two meshes.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use tempfile::TempDir;

use super::*;

const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A mesh with the tables `sales.orders` and, where it is asked for, `sales.items`.
async fn mesh(rules: &str, users: &[(&str, &str)], items: bool) -> Mesh {
    let folder = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("mesh.toml", "name = \"shop\"\n");
    for table in if items { &["orders", "items"][..] } else { &["orders"] } {
        let property =
            |name: &str| format!("      - name: {name}\n        logicalType: string\n        physicalType: text\n");
        let contract = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {table}\nname: {table}\nversion: 1.0.0\nstatus: active\n\
             domain: sales\nservers:\n  - server: source\n    type: local\n    path: data/{table}\n    format: delta\n    \
             customProperties:\n      - property: meshRole\n        value: source\nschema:\n  - name: {table}\n    \
             physicalType: table\n    properties:\n{}{}{}",
            property("id"),
            property("region"),
            property("email")
        );
        write(&format!("catalog/sales/{table}.odcs.yaml"), &contract);
    }
    write("policies/sales.csv", rules);
    let sections = users.iter().map(|(name, region)| {
        format!("[users.{name}]\npassword = \"{HASH}\"\nattributes = {{ region = \"{region}\" }}\n")
    });
    write("users.toml", &sections.collect::<String>());
    load(folder.path()).await.unwrap()
}

fn compared(user: Option<&str>, old: &Mesh, new: &Mesh) -> Vec<(Who, Differences)> {
    let all = asked(user, old, new).unwrap().into_iter().map(|who| {
        let differences = differences(&who, old, new);
        (who, differences)
    });
    all.filter(|(_, differences)| !differences.is_empty()).collect()
}

const READER: &str = "p, role:reader, sales, orders, select, allow\ng, user:ann, role:reader, sales\n";

#[tokio::test]
async fn the_same_mesh_twice_makes_no_difference() {
    let users = [("ann", "EU"), ("bob", "US")];
    let (old, new) = (mesh(READER, &users, false).await, mesh(READER, &users, true).await);
    assert_eq!(text(&compared(None, &old, &new)), "no difference: nobody gains or loses anything");
    assert_eq!(in_json(&compared(None, &old, &new)), json!([]));
}

#[tokio::test]
async fn users_are_told_with_their_values_and_roles_as_the_rules_are_written() {
    let old = mesh(READER, &[("ann", "EU"), ("bob", "US")], false).await;
    let rules = format!(
        "{READER}p2, role:reader, sales, orders, permissive, \"region = attribute('region')\"\n\
         p3, role:reader, sales, orders.email, show_last_4\np, user:zoe, sales, items, discover, allow\n"
    );
    let new = mesh(&rules, &[("ann", "EU"), ("bob", "US")], true).await;
    let expected = "user ann
  sales.orders
    column email is now masked as show_last_4(email)
    rows before: every row
    rows now:    WHERE (\"region\" = 'EU')
user zoe
  sales.items
    gains the table
    may now discover
    gains column id
    gains column region
    gains column email
role reader
  sales.orders
    column email is now masked as show_last_4(email)
    rows before: every row
    rows now:    WHERE (\"region\" = attribute('region'))
changed: users 2, roles 1, tables 2";
    assert_eq!(text(&compared(None, &old, &new)), expected);
    let ann = json!([{ "user": "ann", "table": "sales.orders", "changes": [
        { "change": "mask changed", "column": "email", "was": null, "is": "show_last_4(email)" },
        { "change": "rows changed", "was": "every row", "is": "WHERE (\"region\" = 'EU')" },
    ]}]);
    assert_eq!(in_json(&compared(Some("ann"), &old, &new)), ann);
    assert!(asked(Some("nobody"), &old, &new).is_err());
}

#[tokio::test]
async fn a_table_or_a_role_that_is_no_more_is_lost() {
    let rules = format!("{READER}p, role:reader, sales, items, select, allow\n");
    let old = mesh(&rules, &[("ann", "EU")], true).await;
    let new = mesh("p, role:reader, sales, orders, select, allow\n", &[], false).await;
    let expected = "user ann
  sales.items
    loses the table
  sales.orders
    loses the table
role reader
  sales.items
    loses the table
changed: users 1, roles 1, tables 2";
    assert_eq!(text(&compared(None, &old, &new)), expected);
}

#[tokio::test]
async fn an_attribute_alone_makes_a_difference() {
    let rules = format!("{READER}p2, role:reader, sales, orders, permissive, \"region = attribute('region')\"\n");
    let (old, new) = (mesh(&rules, &[("ann", "EU")], false).await, mesh(&rules, &[("ann", "US")], false).await);
    let found = text(&compared(None, &old, &new));
    assert!(found.contains("WHERE (\"region\" = 'EU')\n    rows now:    WHERE (\"region\" = 'US')"), "{found}");
    assert!(!found.contains("role reader"), "{found}");
}
