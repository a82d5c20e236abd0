import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.List;
import java.util.TimeZone;

/** Values of every type, edges included: `types.values`, and types that only expressions have. */
final class Values {
    private Values() {}

    /** The four values of a column. The third is NULL, `wasNull` included. */
    private static void column(Connection connection, String name, int type, Object first, Object second, Object fourth)
            throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT " + name + " FROM types.values ORDER BY id")) {
            Shop.equal(rows.getMetaData().getColumnType(1), type, "type of " + name);
            List<Object> expected = Arrays.asList(first, second, null, fourth);
            List<Object> actual = new ArrayList<>();
            while (rows.next()) {
                Object value = rows.getObject(1);
                Shop.equal(rows.wasNull(), value == null, "wasNull of " + name);
                rows.getString(1);
                boolean nested = value instanceof java.sql.Array || value instanceof java.util.Map;
                actual.add(nested ? value.toString() : value instanceof byte[] bytes ? Arrays.toString(bytes) : value);
            }
            Shop.equal(actual, expected, "values of " + name);
        }
    }

    static void columnsOfEveryType() throws SQLException {
        byte[] octets = new byte[256];
        for (int octet = 0; octet < octets.length; octet++) {
            octets[octet] = (byte) octet;
        }
        try (Connection shop = Shop.connect("sam")) {
            column(shop, "truth", java.sql.Types.BOOLEAN, true, false, true);
            column(shop, "tiny", java.sql.Types.SMALLINT, (short) 127, (short) -128, (short) 0);
            column(shop, "small", java.sql.Types.SMALLINT, Short.MAX_VALUE, Short.MIN_VALUE, (short) 0);
            column(shop, "whole", java.sql.Types.INTEGER, Integer.MAX_VALUE, Integer.MIN_VALUE, 0);
            column(shop, "big", java.sql.Types.BIGINT, Long.MAX_VALUE, Long.MIN_VALUE, 0L);
            column(shop, "single", java.sql.Types.FLOAT, 1.5, -0.25, 0.0);
            column(shop, "double", java.sql.Types.DOUBLE, Double.MAX_VALUE, Double.NaN, -0.0);
            column(shop, "money", java.sql.Types.DECIMAL, new BigDecimal("9999999.99"), new BigDecimal("-9999999.99"),
                    new BigDecimal("0.00"));
            column(shop, "long_decimal", java.sql.Types.DECIMAL, new BigDecimal("9".repeat(28) + "." + "9".repeat(10)),
                    new BigDecimal("-1E-10"), new BigDecimal("0E-10"));
            column(shop, "words", java.sql.Types.VARCHAR, "äöü 東京 🦀 'quoted' \"twice\"", "line\nbreak\ttab", "");
            column(shop, "octets", java.sql.Types.VARBINARY, Arrays.toString(octets), "[0]", "[]");
            column(shop, "day", java.sql.Types.DATE, Date.valueOf("2024-02-29"), Date.valueOf("1582-10-15"), new Date(0));
            column(shop, "wall_clock", java.sql.Types.TIMESTAMP, Timestamp.valueOf("2024-03-31 02:30:00.000001"),
                    Timestamp.valueOf("1901-12-13 00:00:00"), new Timestamp(0));
            column(shop, "numbers", java.sql.Types.ARRAY, "[1,null,3]", "[-1]", "[]");
            column(shop, "point", java.sql.Types.JAVA_OBJECT, "{\"x\":1,\"label\":\"a\"}", "{}", "{\"x\":0,\"label\":\"\"}");
            column(shop, "points", java.sql.Types.ARRAY, "[{\"x\":1,\"label\":\"a\"},null]", "[]", "[{\"label\":\"b\"}]");
        }
    }

    /** `getObject` of a moment is "not implemented" in the driver; `getTimestamp` and `getString` are. */
    static void moments() throws SQLException {
        try (Connection shop = Shop.connect("sam");
                Statement statement = shop.createStatement();
                ResultSet rows = statement.executeQuery("SELECT moment FROM types.values ORDER BY id")) {
            List<Instant> actual = new ArrayList<>();
            while (rows.next()) {
                Timestamp moment = rows.getTimestamp(1, Calendar.getInstance(TimeZone.getTimeZone("UTC")));
                Shop.equal(rows.wasNull(), moment == null, "wasNull");
                Shop.equal(rows.getString(1) == null, moment == null, "text");
                actual.add(moment == null ? null : moment.toInstant());
            }
            Shop.equal(actual, Arrays.asList(Instant.parse("2024-02-29T23:59:59.999999Z"),
                    Instant.parse("1901-12-13T20:45:52Z"), null, Instant.parse("1970-01-01T00:00:00Z")), "moments");
        }
    }

    /** With this property moments have no zone, and the driver has an object for them. */
    static void momentsWithoutAZone() throws SQLException {
        try (Connection shop = java.sql.DriverManager.getConnection(Shop.URL,
                Shop.properties("user", "sam", "password", "sam", "meshgate-types", "utc"))) {
            column(shop, "moment", java.sql.Types.TIMESTAMP, Timestamp.valueOf("2024-02-29 23:59:59.999999"),
                    Timestamp.valueOf("1901-12-13 20:45:52"), new Timestamp(0));
        }
    }

    /** A decimal number that does not say how large it may be is cut to 38 digits with 18 of them after the point, by Spark. */
    static void aDecimalColumnSaysItsDigits() throws SQLException {
        try (Connection shop = Shop.connect("sam");
                Statement statement = shop.createStatement();
                ResultSet rows = statement.executeQuery("SELECT money, long_decimal FROM types.values")) {
            Shop.equal(rows.getMetaData().getPrecision(1), 9, "digits of money");
            Shop.equal(rows.getMetaData().getScale(1), 2, "digits of money after the point");
            Shop.equal(rows.getMetaData().getPrecision(2), 38, "digits of long_decimal");
            Shop.equal(rows.getMetaData().getScale(2), 10, "digits of long_decimal after the point");
        }
    }

    private static void expression(Connection connection, String sql, String text) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT " + sql + " AS x, NULL AS y")) {
            Shop.holds(rows.next(), sql);
            Shop.equal(rows.getString(1), text, sql);
            Shop.equal(rows.getObject(2), null, "NULL");
        }
    }

    static void typesThatOnlyExpressionsHave() throws SQLException {
        try (Connection shop = Shop.connect("sam")) {
            expression(shop, "arrow_cast('large', 'LargeUtf8')", "large");
            expression(shop, "arrow_cast('view', 'Utf8View')", "view");
            expression(shop, "arrow_cast('word', 'Dictionary(Int32, Utf8)')", "word");
            expression(shop, "arrow_cast('word', 'LargeBinary')", "word");
            expression(shop, "arrow_cast('word', 'BinaryView')", "word");
            expression(shop, "make_array(arrow_cast('view', 'Utf8View'))", "[\"view\"]");
            expression(shop, "arrow_cast(make_array(1, 2), 'LargeList(Int32)')", "[1,2]");
            expression(shop, "arrow_cast(make_array(1, 2), 'FixedSizeList(2, Int32)')", "[1,2]");
            expression(shop, "map(['a', 'b'], [1, NULL])", "{\"a\":1,\"b\":null}");
            expression(shop, "arrow_cast(18446744073709551615, 'UInt64')", "18446744073709551615");
            expression(shop, "arrow_cast(65535, 'UInt16')", "65535");
            expression(shop, "arrow_cast(-128, 'Int8')", "-128");
            expression(shop, "arrow_cast('23:59:59', 'Time64(Nanosecond)')", "23:59:59");
            expression(shop, "arrow_cast('23:59:59', 'Time64(Microsecond)')", "23:59:59");
            expression(shop, "INTERVAL '1 month 2 days 3 hours'", "P1M2DT3H");
            expression(shop, "arrow_cast(90, 'Duration(Second)')", "PT1M30S");
            expression(shop, "arrow_cast('2024-03-31T01:30:00', 'Timestamp(Second, None)')", "2024-03-31 01:30:00.0");
            expression(shop, "arrow_cast('2024-02-29', 'Date64')", "2024-02-29");
            expression(shop, "arrow_cast('1.5', 'Decimal32(5, 1)')", "1.5");
            expression(shop, "arrow_cast(1.5, 'Float16')", "1.5");
            expression(shop, "arrow_cast('1.5', 'Decimal256(50, 3)')", "1.500");
        }
    }
}
