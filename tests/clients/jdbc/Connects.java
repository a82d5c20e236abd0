import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/** Ways to connect. */
final class Connects {
    private Connects() {}

    private static void works(String... properties) throws SQLException {
        try (Connection connection = DriverManager.getConnection(Shop.URL, Shop.properties(properties))) {
            Shop.holds(connection.isValid(10), "the connection is valid");
            Shop.equal(Shop.ask(connection, "SELECT count(*) FROM sales.customers"), List.of(List.of(100L)), "rows");
        }
    }

    static void byPassword() throws SQLException {
        works("user", "sam", "password", "sam");
        works("user", "ab", "password", "c");
    }

    static void byToken() throws SQLException {
        works("token", System.getenv("SHOP_TOKEN"));
    }

    /** The driver closes such a connection twice, and the second time fails whatever the server says. */
    static void withCatalog() throws SQLException {
        Connection connection = DriverManager.getConnection(Shop.URL,
                Shop.properties("user", "sam", "password", "sam", "catalog", "shop"));
        Shop.equal(Shop.ask(connection, "SELECT count(*) FROM sales.customers"), List.of(List.of(100L)), "rows");
        try {
            connection.close();
        } catch (SQLException error) {
            Shop.equal(error.getMessage(), "Channel shutdown invoked", "the driver's own mistake");
        }
        String told = Shop.fails("another catalog", () -> works("user", "sam", "password", "sam", "catalog", "elsewhere"));
        Shop.holds(!told.contains("Channel shutdown"), told);
    }

    static void withCookiesAndWithout() throws SQLException {
        for (String retain : new String[] {"true", "false"}) {
            works("user", "sam", "password", "sam", "retainCookies", retain, "retainAuth", retain);
        }
    }

    static void withPropertiesThatBecomeHeaders() throws SQLException {
        works("user", "sam", "password", "sam", "SomeUnknownProperty", "value", "x-note", "n".repeat(20_000));
    }

    static void byUrlAlone() throws SQLException {
        String authority = java.net.URLEncoder.encode(Shop.AUTHORITY, java.nio.charset.StandardCharsets.UTF_8);
        try (Connection connection = DriverManager.getConnection(
                Shop.URL + "?user=sam&password=sam&useEncryption=true&tlsRootCerts=" + authority)) {
            Shop.equal(Shop.ask(connection, "SELECT 1"), List.of(List.of(1L)), "one");
        }
    }

    static void aWrongPasswordIsRefused() {
        for (String[] login : new String[][] {{"user", "sam", "password", "wrong"}, {"token", "nonsense"}}) {
            String told = Shop.fails("a wrong credential", () -> works(login));
            Shop.holds(told.contains("UNAUTHENTICATED") || told.toLowerCase().contains("no credential"), told);
        }
    }

    static void nothingWithoutALogin() {
        Shop.fails("no credential", () -> works());
    }

    static void aServerOfAnotherAuthorityIsNotTrusted() {
        Shop.fails("the system's authorities", () -> {
            try (Connection connection = DriverManager.getConnection(Shop.URL + "?user=sam&password=sam")) {
                Shop.ask(connection, "SELECT 1");
            }
        });
    }

    static void setCatalog() throws SQLException {
        try (Connection connection = Shop.connect("sam")) {
            connection.setCatalog("shop");
            Shop.equal(Shop.ask(connection, "SELECT count(*) FROM sales.orders"), List.of(List.of(3_000L)), "rows");
        }
    }
}
