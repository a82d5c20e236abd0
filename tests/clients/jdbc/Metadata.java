import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What tools read before they show anything. */
final class Metadata {
    private Metadata() {}

    private static List<String> names(ResultSet rows, String... columns) throws SQLException {
        try (rows) {
            List<String> names = new ArrayList<>();
            while (rows.next()) {
                List<String> name = new ArrayList<>();
                for (String column : columns) {
                    name.add(rows.getString(column));
                }
                names.add(String.join(".", name));
            }
            return names;
        }
    }

    static void everyGetterAnswers() throws SQLException, IllegalAccessException {
        List<String> failed = new ArrayList<>();
        try (Connection connection = Shop.connect("ann")) {
            DatabaseMetaData metadata = connection.getMetaData();
            int asked = 0;
            for (Method method : DatabaseMetaData.class.getMethods()) {
                boolean getter = method.getParameterCount() == 0 && method.getDeclaringClass() == DatabaseMetaData.class;
                if (!getter) {
                    continue;
                }
                try {
                    Object answer = method.invoke(metadata);
                    asked++;
                    if (answer instanceof ResultSet rows) {
                        Shop.all(rows);
                        rows.close();
                    }
                } catch (InvocationTargetException error) {
                    failed.add(method.getName() + ": " + error.getCause());
                }
            }
            Shop.holds(asked > 100, "there are many getters");
            Shop.equal(failed, List.of(), "getters that fail");
        }
    }

    static void whatTheGatewayIs() throws SQLException {
        try (Connection connection = Shop.connect("ann")) {
            DatabaseMetaData metadata = connection.getMetaData();
            Shop.equal(metadata.getDatabaseProductName(), "meshgate", "product");
            Shop.holds(metadata.isReadOnly(), "read only");
            Shop.equal(metadata.getIdentifierQuoteString(), "\"", "quote");
            Shop.equal(metadata.getSearchStringEscape(), "\\", "escape");
            Shop.equal(metadata.getCatalogTerm(), "catalog", "catalog term");
            Shop.holds(!metadata.supportsTransactions(), "no transactions");
            Shop.equal(metadata.getDefaultTransactionIsolation(), Connection.TRANSACTION_NONE, "isolation");
            Shop.holds(!metadata.supportsBatchUpdates(), "no batches");
            Shop.holds(metadata.supportsGroupBy() && metadata.supportsUnionAll() && metadata.supportsOuterJoins(), "SQL");
            Shop.equal(metadata.getMaxStatements(), 0, "statements");
        }
    }

    static void catalogsSchemasAndTables() throws SQLException {
        try (Connection connection = Shop.connect("ann")) {
            DatabaseMetaData metadata = connection.getMetaData();
            Shop.equal(names(metadata.getCatalogs(), "TABLE_CAT"), List.of("shop"), "catalogs");
            Shop.equal(names(metadata.getSchemas(), "TABLE_SCHEM"), List.of("insights", "sales", "types"), "schemas");
            Shop.equal(names(metadata.getSchemas("shop", "s%"), "TABLE_SCHEM"), List.of("sales"), "schemas like s%");
            Shop.equal(names(metadata.getTableTypes(), "TABLE_TYPE"), List.of("TABLE", "VIEW"), "types of tables");
            List<String> all = List.of("insights.regions", "sales.customers", "sales.orders", "types.values");
            Shop.equal(names(metadata.getTables(null, null, null, null), "TABLE_SCHEM", "TABLE_NAME"), all, "tables");
            Shop.equal(names(metadata.getTables("shop", "%", "%", new String[] {"VIEW"}), "TABLE_NAME"),
                    List.of("regions"), "views");
            Shop.equal(names(metadata.getTables(null, "sales", "ord%", new String[] {"TABLE", "BASE TABLE"}), "TABLE_NAME"),
                    List.of("orders"), "tables like ord%");
            Shop.equal(names(metadata.getTables("elsewhere", null, null, null), "TABLE_NAME"), List.of(), "elsewhere");
        }
        try (Connection connection = Shop.connect("eve")) {
            Shop.equal(names(connection.getMetaData().getTables(null, null, null, null), "TABLE_NAME"), List.of(), "Eve's");
            Shop.equal(names(connection.getMetaData().getSchemas(), "TABLE_SCHEM"), List.of(), "Eve's schemas");
        }
    }

    static void columns() throws SQLException {
        try (Connection connection = Shop.connect("ann")) {
            DatabaseMetaData metadata = connection.getMetaData();
            Shop.equal(names(metadata.getColumns(null, null, null, null), "TABLE_NAME", "COLUMN_NAME").size(), 2 + 3 + 8 + 18,
                    "columns of all tables");
            Shop.equal(names(metadata.getColumns(null, "sales", "orders", "%"), "COLUMN_NAME"),
                    List.of("order_id", "customer_id", "order_date", "order_ts", "region", "status", "total", "email"),
                    "Ann's columns of orders");
            try (ResultSet total = metadata.getColumns("shop", "sales", "orders", "total")) {
                Shop.holds(total.next(), "there is the column");
                Shop.equal(total.getInt("DATA_TYPE"), java.sql.Types.DECIMAL, "its type");
                Shop.equal(total.getInt("COLUMN_SIZE"), 12, "its precision");
                Shop.equal(total.getInt("DECIMAL_DIGITS"), 2, "its scale");
                Shop.equal(total.getString("REMARKS"), "The total of it.", "its remarks");
                Shop.equal(total.getInt("ORDINAL_POSITION"), 7, "its place");
                Shop.holds(!total.next(), "there is no other");
            }
        }
    }

    static void keys() throws SQLException {
        try (Connection connection = Shop.connect("ann")) {
            DatabaseMetaData metadata = connection.getMetaData();
            Shop.equal(names(metadata.getPrimaryKeys(null, "sales", "orders"), "TABLE_NAME", "COLUMN_NAME"),
                    List.of("orders.order_id"), "primary key");
            Shop.equal(names(metadata.getPrimaryKeys("shop", "insights", "regions"), "COLUMN_NAME"), List.of(), "a view has none");
            Shop.equal(names(metadata.getImportedKeys(null, "sales", "orders"), "FKTABLE_NAME"), List.of(), "imported");
            Shop.equal(names(metadata.getExportedKeys(null, "sales", "orders"), "FKTABLE_NAME"), List.of(), "exported");
            Shop.equal(names(metadata.getCrossReference(null, "sales", "customers", null, "sales", "orders"), "FKTABLE_NAME"),
                    List.of(), "cross reference");
        }
        try (Connection connection = Shop.connect("eve")) {
            Shop.equal(names(connection.getMetaData().getPrimaryKeys(null, "sales", "orders"), "COLUMN_NAME"), List.of(),
                    "Eve's primary key");
        }
    }

    static void aResultDescribesItself() throws SQLException {
        try (Connection connection = Shop.connect("ann");
                var statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT order_id AS \"Order No\", total, email FROM sales.orders LIMIT 1")) {
            var metadata = rows.getMetaData();
            Shop.equal(metadata.getColumnLabel(1), "Order No", "label");
            Shop.equal(metadata.getColumnName(2), "total", "name");
            Shop.equal(metadata.getColumnType(1), java.sql.Types.BIGINT, "type");
            Shop.equal(metadata.getColumnType(2), java.sql.Types.DECIMAL, "type");
            Shop.holds(rows.next() && rows.getLong("Order No") == rows.getLong(1), "by label");
        }
    }
}
