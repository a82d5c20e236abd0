//! The keys of the two standards: Bitol ODCS v3.0.0 to v3.2.0 and Bitol ODPS v1.0.0 and v1.1.0.
//!
//! One list serves all versions of a standard: a key of a later version does no harm in an earlier file.

use super::keys::Keys;

/// Versions of ODCS that can be read.
pub(super) const CONTRACT_VERSIONS: [&str; 5] = ["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"];
/// Versions of ODPS that can be read.
pub(super) const PRODUCT_VERSIONS: [&str; 2] = ["v1.0.0", "v1.1.0"];

/// A data contract.
pub(super) static CONTRACT: Keys = Keys {
    what: "the contract",
    plain: &[
        "apiVersion",
        "contractCreatedTs",
        "dataProduct",
        "domain",
        "id",
        "kind",
        "name",
        "slaDefaultElement",
        "status",
        "tags",
        "tenant",
        "version",
    ],
    nested: &[
        ("authoritativeDefinitions", &DEFINITION),
        ("context", &CONTEXT),
        ("customProperties", &CUSTOM),
        ("description", &DESCRIPTION),
        ("price", &PRICE),
        ("roles", &ROLE),
        ("schema", &TABLE),
        ("servers", &SERVER),
        ("slaProperties", &SERVICE_LEVEL),
        ("support", &SUPPORT),
        ("team", &TEAM),
    ],
};

/// A data product.
pub(super) static PRODUCT: Keys = Keys {
    what: "the product",
    plain: &[
        "apiVersion",
        "deprecated",
        "domain",
        "id",
        "kind",
        "name",
        "productCreatedTs",
        "status",
        "tags",
        "tenant",
        "type",
        "version",
    ],
    nested: &[
        ("authoritativeDefinitions", &DEFINITION),
        ("context", &CONTEXT),
        ("customProperties", &CUSTOM),
        ("description", &DESCRIPTION),
        ("inputPorts", &INPUT_PORT),
        ("managementPorts", &MANAGEMENT_PORT),
        ("outputPorts", &OUTPUT_PORT),
        ("support", &SUPPORT),
        ("synonyms", &SYNONYM),
        ("team", &TEAM),
    ],
};

static TABLE: Keys = Keys {
    what: "an item of `schema`",
    plain: &[
        "businessName",
        "dataGranularityDescription",
        "deprecated",
        "description",
        "id",
        "logicalType",
        "name",
        "physicalName",
        "physicalType",
        "tags",
    ],
    nested: &[
        ("authoritativeDefinitions", &DEFINITION),
        ("context", &CONTEXT),
        ("customProperties", &CUSTOM),
        ("properties", &COLUMN),
        ("quality", &QUALITY),
        ("relationships", &RELATIONSHIP),
        ("synonyms", &SYNONYM),
    ],
};

static COLUMN: Keys = Keys {
    what: "a column",
    plain: &[
        "businessName",
        "classification",
        "criticalDataElement",
        "deprecated",
        "description",
        "encryptedName",
        "examples",
        "id",
        "logicalType",
        "name",
        "partitionKeyPosition",
        "partitioned",
        "physicalName",
        "physicalType",
        "primaryKey",
        "primaryKeyPosition",
        "required",
        "semanticType",
        "tags",
        "transformDescription",
        "transformLogic",
        "transformSourceObjects",
        "unique",
    ],
    nested: &[
        ("authoritativeDefinitions", &DEFINITION),
        ("customProperties", &CUSTOM),
        ("enum", &ENUM_VALUE),
        ("items", &COLUMN),
        ("logicalTypeOptions", &TYPE_OPTIONS),
        ("map", &MAP),
        ("properties", &COLUMN),
        ("quality", &QUALITY),
        ("relationships", &RELATIONSHIP),
        ("synonyms", &SYNONYM),
    ],
};

static MAP: Keys = Keys { what: "a map", plain: &[], nested: &[("key", &COLUMN), ("value", &COLUMN)] };

static TYPE_OPTIONS: Keys = Keys {
    what: "`logicalTypeOptions`",
    plain: &[
        "defaultTimezone",
        "dimensions",
        "distanceMetric",
        "elementType",
        "embeddingModel",
        "embeddingModelVersion",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "normalized",
        "pattern",
        "required",
        "timezone",
        "uniqueItems",
    ],
    nested: &[],
};

static SERVER: Keys = Keys {
    what: "a server",
    plain: &[
        "account",
        "catalog",
        "catalogUrl",
        "database",
        "dataset",
        "delimiter",
        "description",
        "encoding",
        "endpointUrl",
        "environment",
        "format",
        "host",
        "id",
        "location",
        "namespace",
        "path",
        "port",
        "project",
        "region",
        "regionName",
        "schema",
        "server",
        "serviceName",
        "stagingDir",
        "stream",
        "type",
        "warehouse",
        "workgroup",
    ],
    nested: &[("customProperties", &CUSTOM), ("roles", &ROLE)],
};

static QUALITY: Keys = Keys {
    what: "a quality rule",
    // `implementation` and `arguments` are whatever their engine wants.
    plain: &[
        "arguments",
        "businessImpact",
        "description",
        "dimension",
        "engine",
        "id",
        "implementation",
        "method",
        "metric",
        "mustBe",
        "mustBeBetween",
        "mustBeGreaterOrEqualTo",
        "mustBeGreaterThan",
        "mustBeLessOrEqualTo",
        "mustBeLessThan",
        "mustNotBe",
        "mustNotBeBetween",
        "name",
        "query",
        "rule",
        "schedule",
        "scheduler",
        "severity",
        "tags",
        "type",
        "unit",
    ],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static RELATIONSHIP: Keys =
    Keys { what: "a relationship", plain: &["from", "id", "to", "type"], nested: &[("customProperties", &CUSTOM)] };

static ENUM_VALUE: Keys = Keys {
    what: "an `enum` value",
    plain: &["description", "id", "label", "tags", "value"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static SYNONYM: Keys = Keys {
    what: "a synonym",
    plain: &["description", "id", "locale", "source", "status", "synonym"],
    nested: &[("customProperties", &CUSTOM)],
};

static TEAM: Keys = Keys {
    what: "the team",
    // A member's keys, because up to v3.0.x (ODPS: v1.0.0) the team is the list of members itself.
    plain: &["dateIn", "dateOut", "description", "id", "name", "replacedByUsername", "role", "tags", "username"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM), ("members", &TEAM_MEMBER)],
};

static TEAM_MEMBER: Keys = Keys {
    what: "a team member",
    plain: &["dateIn", "dateOut", "description", "id", "name", "replacedByUsername", "role", "tags", "username"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static ROLE: Keys = Keys {
    what: "a role",
    plain: &["access", "description", "firstLevelApprovers", "id", "role", "secondLevelApprovers"],
    nested: &[("customProperties", &CUSTOM)],
};

static SUPPORT: Keys = Keys {
    what: "a support channel",
    plain: &["channel", "description", "id", "invitationUrl", "scope", "tags", "tool", "url"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static SERVICE_LEVEL: Keys = Keys {
    what: "a service level",
    plain: &[
        "description",
        "driver",
        "element",
        "id",
        "property",
        "schedule",
        "scheduler",
        "unit",
        "value",
        "valueExt",
    ],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static PRICE: Keys =
    Keys { what: "the price", plain: &["id", "priceAmount", "priceCurrency", "priceUnit"], nested: &[] };

static DESCRIPTION: Keys = Keys {
    what: "the description",
    plain: &["limitations", "purpose", "usage"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static DEFINITION: Keys =
    Keys { what: "an authoritative definition", plain: &["description", "id", "type", "url"], nested: &[] };

static CUSTOM: Keys =
    Keys { what: "a custom property", plain: &["description", "id", "property", "value", "vendor"], nested: &[] };

static CONTEXT: Keys = Keys {
    what: "the context",
    plain: &["instructions"],
    nested: &[("constraints", &CONSTRAINT), ("verifiedStatements", &VERIFIED_STATEMENT)],
};

static CONSTRAINT: Keys = Keys {
    what: "a constraint",
    plain: &["constraint", "id", "tags"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static VERIFIED_STATEMENT: Keys = Keys {
    what: "a verified statement",
    plain: &["answer", "id", "question", "tags"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static INPUT_PORT: Keys = Keys {
    what: "an input port",
    plain: &["contractId", "deprecated", "id", "name", "tags", "version"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};

static OUTPUT_PORT: Keys = Keys {
    what: "an output port",
    plain: &["contractId", "deprecated", "description", "id", "name", "tags", "type", "version"],
    nested: &[
        ("authoritativeDefinitions", &DEFINITION),
        ("context", &CONTEXT),
        ("customProperties", &CUSTOM),
        ("inputContracts", &INPUT_CONTRACT),
        ("sbom", &SBOM),
        ("synonyms", &SYNONYM),
    ],
};

static INPUT_CONTRACT: Keys = Keys { what: "an input contract", plain: &["id", "version"], nested: &[] };

static SBOM: Keys = Keys { what: "a bill of materials", plain: &["id", "type", "url"], nested: &[] };

static MANAGEMENT_PORT: Keys = Keys {
    what: "a management port",
    plain: &["channel", "content", "deprecated", "description", "id", "name", "tags", "type", "url"],
    nested: &[("authoritativeDefinitions", &DEFINITION), ("customProperties", &CUSTOM)],
};
