import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.driver.jdbc.shaded.com.fasterxml.jackson.databind.JsonNode;
import org.apache.arrow.driver.jdbc.shaded.com.fasterxml.jackson.databind.ObjectMapper;

/** Statements, prepared and not. */
final class Statements {
    private static final String LONG = "SELECT a.value FROM generate_series(1, 1000000000) a";
    private static final String ENDLESS =
            "SELECT sum(a.value % (b.value + 1)) FROM generate_series(1, 100000000) a, generate_series(1, 1000000) b";

    private Statements() {}

    static void sharedQueries() throws Exception {
        JsonNode queries = new ObjectMapper().readTree(Shop.read(Shop.QUERIES));
        List<String> failed = new ArrayList<>();
        for (String user : List.of("ann", "sam")) {
            try (Connection connection = Shop.connect(user)) {
                for (JsonNode query : queries) {
                    try {
                        shared(connection, query, query.has(user) ? query.get(user) : query);
                    } catch (AssertionError | Exception error) {
                        failed.add("\n" + user + ", " + query.get("name") + ": " + error);
                    }
                }
            }
        }
        Shop.holds(failed.isEmpty(), "shared queries: " + failed);
    }

    private static void shared(Connection connection, JsonNode query, JsonNode answer) throws Exception {
        List<Object> parameters = new ArrayList<>();
        for (JsonNode value : query.path("parameters")) {
            parameters.add(value.isNull() ? null : value.isNumber() ? (Object) value.asLong() : value.asText());
        }
        String sql = query.get("sql").asText();
        if (answer.has("error")) {
            String told = Shop.fails(sql, () -> Shop.ask(connection, sql, parameters.toArray()));
            Shop.holds(told.contains(answer.get("text").asText()), told);
            Shop.holds(told.contains(answer.get("error").asText()), "the code " + answer.get("error") + " in " + told);
            return;
        }
        List<List<String>> expected = new ArrayList<>();
        answer.get("rows").forEach(row -> {
            List<String> cells = new ArrayList<>();
            row.forEach(cell -> cells.add(cell.isNull() ? null : cell.asText()));
            expected.add(cells);
        });
        List<List<String>> actual = new ArrayList<>();
        for (List<Object> row : Shop.ask(connection, sql, parameters.toArray())) {
            List<String> cells = new ArrayList<>();
            for (Object cell : row) {
                cells.add(cell instanceof BigDecimal number ? number.toPlainString() : cell == null ? null : cell.toString());
            }
            actual.add(cells);
        }
        Shop.equal(actual, expected, sql);
    }

    static void parametersOfEveryKind() throws SQLException {
        String sql = "SELECT count(*), min(order_id) FROM sales.orders WHERE order_id > ? AND region = ? AND order_date = ?"
                + " AND order_ts < ? AND total > ? AND (email = ? OR ? IS NULL)";
        try (Connection connection = Shop.connect("sam"); PreparedStatement statement = connection.prepareStatement(sql)) {
            Shop.equal(statement.getParameterMetaData().getParameterCount(), 7, "parameters");
            statement.setInt(1, 10);
            statement.setString(2, "EU");
            statement.setDate(3, Date.valueOf("2024-01-04"));
            statement.setTimestamp(4, Timestamp.valueOf("2030-01-01 00:00:00"));
            statement.setBigDecimal(5, new BigDecimal("0.50"));
            statement.setNull(6, Types.VARCHAR);
            statement.setNull(7, Types.NULL);
            try (ResultSet rows = statement.executeQuery()) {
                Shop.holds(rows.next(), "there is a row");
                Shop.equal(rows.getLong(1), 32L, "count");
                Shop.equal(rows.getLong(2), 96L, "least");
            }
        }
    }

    static void aMomentAsParameterIsThatMoment() throws SQLException {
        Timestamp moment = Timestamp.from(java.time.Instant.parse("2024-01-02T00:00:00Z"));
        try (Connection connection = Shop.connect("sam")) {
            String sql = "SELECT count(*) FROM sales.orders WHERE order_ts < ?";
            Shop.equal(Shop.ask(connection, sql, moment), List.of(List.of(1_439L)), "orders before");
            sql = "SELECT count(*) FROM types.values WHERE wall_clock > ?";
            Shop.equal(Shop.ask(connection, sql, moment), List.of(List.of(1L)), "wall clocks after");
        }
    }

    /** The driver binds nothing but NULL where it is told that a parameter has the type Null. */
    static void parametersOfWhichNothingButTheirPlaceIsKnown() throws SQLException {
        try (Connection connection = Shop.connect("sam")) {
            Shop.equal(Shop.ask(connection, "SELECT CAST(? AS BIGINT)", 7L), List.of(List.of(7L)), "a cast");
            Shop.equal(Shop.ask(connection, "SELECT CAST(? AS text)", "x"), List.of(List.of("x")), "a cast");
            Shop.equal(Shop.ask(connection, "SELECT order_id FROM sales.orders ORDER BY order_id LIMIT ? OFFSET ?", 1L, 2L),
                    List.of(List.of(3L)), "LIMIT and OFFSET");
            Shop.equal(Shop.ask(connection, "SELECT count(*) FROM sales.orders WHERE upper(region) = upper(?)", "eu"),
                    List.of(List.of(1_000L)), "the argument of a function");
            Shop.equal(Shop.ask(connection, "SELECT ?", "x"), List.of(List.of("x")), "a column");
        }
    }

    static void aPreparedStatementMayRunAgain() throws SQLException {
        try (Connection connection = Shop.connect("sam");
                PreparedStatement statement = connection.prepareStatement("SELECT region FROM sales.orders WHERE order_id = ?")) {
            for (int number : new int[] {1, 2, 3, 1}) {
                statement.setLong(1, number);
                try (ResultSet rows = statement.executeQuery()) {
                    Shop.equal(Shop.all(rows), List.of(List.of(List.of("EU", "US", "APAC").get(number % 3))), "order " + number);
                }
            }
        }
    }

    static void writesAreRefused() throws SQLException {
        try (Connection connection = Shop.connect("sam")) {
            try (Statement statement = connection.createStatement()) {
                for (String sql : new String[] {"DELETE FROM sales.orders", "INSERT INTO sales.orders (order_id) VALUES (1)",
                        "CREATE TABLE x (a int)", "DROP TABLE sales.orders", "SET x = 1"}) {
                    Shop.fails(sql, () -> statement.executeUpdate(sql));
                    Shop.fails(sql, () -> statement.execute(sql));
                }
            }
            Shop.fails("a batch", () -> {
                try (PreparedStatement statement = connection.prepareStatement("DELETE FROM sales.orders WHERE order_id = ?")) {
                    for (int number = 1; number < 3; number++) {
                        statement.setInt(1, number);
                        statement.addBatch();
                    }
                    statement.executeBatch();
                }
            });
            Shop.equal(Shop.ask(connection, "SELECT count(*) FROM sales.orders"), List.of(List.of(3_000L)), "all rows");
        }
    }

    static void aMillionRowsStream() throws SQLException {
        try (Connection connection = Shop.connect("sam");
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT a.value AS n, CAST(a.value AS text) AS t FROM generate_series(1, 1000000) a")) {
            long count = 0;
            long sum = 0;
            while (rows.next()) {
                count++;
                sum += rows.getLong(1);
                Shop.holds(count % 100_000 != 0 || rows.getString(2).equals(Long.toString(rows.getLong(1))), "texts fit");
            }
            Shop.equal(count, 1_000_000L, "rows");
            Shop.equal(sum, 500_000_500_000L, "sum");
        }
    }

    static void aLongQueryIsCancelledFromAnotherThread() throws SQLException {
        try (Connection connection = Shop.connect("sam"); Statement statement = connection.createStatement()) {
            long begun = System.nanoTime();
            long count = 0;
            String told = "";
            try (ResultSet rows = statement.executeQuery(LONG)) {
                while (rows.next()) {
                    if (++count == 1_000) {
                        new Thread(() -> cancel(statement)).start();
                    }
                }
            } catch (SQLException | RuntimeException error) {
                told = Shop.told(error);
            }
            Shop.holds(told.toLowerCase().contains("cancel"), "the reader is told: " + told);
            Shop.holds(System.nanoTime() - begun < Shop.SOON * 1_000_000_000L, "the query ends soon");
            Shop.equal(Shop.ask(connection, "SELECT 1"), List.of(List.of(1L)), "the connection goes on");
        }
    }

    private static void cancel(Statement statement) {
        try {
            statement.cancel();
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
    }

    static void aQueryTimeoutEndsALongQuery() throws SQLException {
        try (Connection connection = Shop.connect("sam"); Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(2);
            long begun = System.nanoTime();
            // The driver bounds the wait for rows, not the time that all of them take.
            Shop.fails("a query with a timeout", () -> statement.executeQuery(ENDLESS).close());
            Shop.holds(System.nanoTime() - begun < Shop.SOON * 1_000_000_000L, "the query ends soon");
        }
    }

    static void mostRowsOfAStatement() throws SQLException {
        try (Connection connection = Shop.connect("sam"); Statement statement = connection.createStatement()) {
            statement.setMaxRows(7);
            try (ResultSet rows = statement.executeQuery("SELECT order_id FROM sales.orders")) {
                Shop.equal(Shop.all(rows).size(), 7, "rows");
            }
        }
    }

    static void manyStatementsAtATime() throws SQLException {
        try (Connection connection = Shop.connect("sam")) {
            List<ResultSet> open = new ArrayList<>();
            for (int number = 1; number <= 8; number++) {
                String sql = "SELECT order_id FROM sales.orders WHERE order_id <= " + number;
                open.add(connection.createStatement().executeQuery(sql));
            }
            for (int number = 1; number <= 8; number++) {
                Shop.equal(Shop.all(open.get(number - 1)).size(), number, "rows");
            }
        }
    }
}
