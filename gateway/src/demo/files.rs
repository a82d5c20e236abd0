//! The text files of the demo's mesh. They lie in `files/`, as a reader of the written mesh finds them, but for
//! `{{name}}` where a value is filled in.

use std::collections::BTreeMap;

/// What stands for `{{name}}`, by name.
pub(super) type Values = BTreeMap<&'static str, String>;

/// Paths in the mesh folder, and the texts before values are filled in.
const FILES: [(&str, &str); 19] = [
    ("README.md", include_str!("files/README.md")),
    ("mesh.toml", include_str!("files/mesh.toml")),
    ("users.toml", include_str!("files/users.toml")),
    ("catalog/customers/customers.odps.yaml", include_str!("files/catalog/customers/customers.odps.yaml")),
    ("catalog/customers/profiles.odcs.yaml", include_str!("files/catalog/customers/profiles.odcs.yaml")),
    (
        "catalog/insights/customer_segmentation.odcs.yaml",
        include_str!("files/catalog/insights/customer_segmentation.odcs.yaml"),
    ),
    ("catalog/insights/insights.odps.yaml", include_str!("files/catalog/insights/insights.odps.yaml")),
    (
        "catalog/insights/order_forecasting.odcs.yaml",
        include_str!("files/catalog/insights/order_forecasting.odcs.yaml"),
    ),
    ("catalog/sales/order_items.odcs.yaml", include_str!("files/catalog/sales/order_items.odcs.yaml")),
    ("catalog/sales/orders.odcs.yaml", include_str!("files/catalog/sales/orders.odcs.yaml")),
    ("catalog/sales/sales.odps.yaml", include_str!("files/catalog/sales/sales.odps.yaml")),
    ("policies/customers.csv", include_str!("files/policies/customers.csv")),
    ("policies/insights.csv", include_str!("files/policies/insights.csv")),
    ("policies/sales.csv", include_str!("files/policies/sales.csv")),
    ("policies/tests.yaml", include_str!("files/policies/tests.yaml")),
    ("crm/mesh.toml", include_str!("files/crm/mesh.toml")),
    ("crm/users.toml", include_str!("files/crm/users.toml")),
    ("crm/catalog/customers/profiles.odcs.yaml", include_str!("files/crm/catalog/customers/profiles.odcs.yaml")),
    ("crm/policies/customers.csv", include_str!("files/crm/policies/customers.csv")),
];

/// The files with every value filled in: path in the mesh folder, and text.
pub(super) fn filled(values: &Values) -> impl Iterator<Item = (&'static str, String)> {
    FILES.iter().map(|(path, text)| (*path, fill(text, values)))
}

fn fill(text: &str, values: &Values) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_name_in_braces_is_replaced_wherever_it_stands() {
        let values = Values::from([("crm", "host:1".to_owned()), ("ann", "x".to_owned())]);
        assert_eq!(fill("grpc://{{crm}} {{crm}} {{ann}} {crm}", &values), "grpc://host:1 host:1 x {crm}");
    }

    #[test]
    fn every_file_of_the_folder_is_written() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/files");
        let mut folders = vec![folder.clone()];
        let mut found = Vec::new();
        while let Some(next) = folders.pop() {
            for entry in next.read_dir().into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.extend(entry.path().strip_prefix(&folder).ok().map(|path| path.display().to_string()));
                }
            }
        }
        let mut listed = FILES.map(|(path, _)| path.to_owned());
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
    }
}
