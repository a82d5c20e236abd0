//! Reads one data product (Bitol ODPS).

use super::fields::Fields;
use super::files::File;
use super::node::Node;
use super::report::Report;
use super::standard::{PRODUCT, PRODUCT_VERSIONS};
use super::{head, keys, team};
use crate::product::Product;

/// What was read of one product file, however wrong it is.
#[derive(Debug, Default)]
pub(super) struct ProductFile {
    /// `id`, with its line.
    pub(super) id: Option<(String, u64)>,
    /// Ids of the contracts of its output ports, with their lines.
    pub(super) contracts: Vec<(String, u64)>,
    /// The product, still without tables, unless it is wrong.
    pub(super) product: Option<Product>,
}

/// Reads a product file.
pub(super) fn read(file: &File, root: &Node, report: &mut Report<'_>) -> ProductFile {
    let Some(fields) = Fields::of(root, "the product", report) else { return ProductFile::default() };
    keys::check(root, &PRODUCT, "ODPS", report);
    head::standard(&fields, "DataProduct", &PRODUCT_VERSIONS, report);
    let id = fields.required("id", "write `id: …`, unique in the mesh", report);
    let name = fields.words("name", report);
    let version = fields.words("version", report);
    let status = head::status(&fields, report);
    let domain = head::domain(&fields, &file.domain, report);
    let description = head::description(&fields, report);
    let owner = team::owner(&fields, report);
    let contracts = contracts(&fields, report);
    let id = id.map(|id| (id.text.to_owned(), id.line));
    let product = id.as_ref().zip(status).zip(domain).map(|(((id, _), status), domain)| Product {
        id: id.clone(),
        name: name.unwrap_or_else(|| id.clone()),
        version,
        status,
        domain,
        description,
        owner,
        tables: Vec::new(),
        file: file.path.clone(),
    });
    ProductFile { id, contracts, product }
}

fn contracts(product: &Fields<'_>, report: &mut Report<'_>) -> Vec<(String, u64)> {
    let mut contracts = Vec::new();
    for port in product.list("outputPorts", report) {
        let Some(port) = Fields::of(port, "an output port", report) else { continue };
        port.required("name", "write `name: …`", report);
        contracts.extend(port.text("contractId", report).map(|id| (id.text.to_owned(), id.line)));
    }
    contracts
}
