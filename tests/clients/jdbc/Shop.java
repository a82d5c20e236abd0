import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** The gateway of this run, and what every check needs: a connection, rows, assertions. */
final class Shop {
    static final String URL = "jdbc:arrow-flight-sql://localhost:" + System.getenv("SHOP_PORT") + "/";
    static final String AUTHORITY = System.getenv("SHOP_AUTHORITY");
    static final Path QUERIES = Path.of(System.getenv("SHOP_QUERIES"));

    /** Seconds that no check takes unless something hangs. */
    static final int SOON = 60;

    /** Work that may fail. */
    interface Work {
        void run() throws Exception;
    }

    private Shop() {}

    /** Properties that trust the shop's authority; names and values follow one another. */
    static Properties properties(String... more) {
        Properties properties = new Properties();
        properties.put("tlsRootCerts", AUTHORITY);
        for (int place = 0; place < more.length; place += 2) {
            properties.put(more[place], more[place + 1]);
        }
        return properties;
    }

    static Connection connect(String user) throws SQLException {
        return DriverManager.getConnection(URL, properties("user", user, "password", user));
    }

    /** All rows of a statement; parameters are bound by `setObject` and `setNull`. */
    static List<List<Object>> ask(Connection connection, String sql, Object... parameters) throws SQLException {
        if (parameters.length == 0) {
            try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
                return all(rows);
            }
        }
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int place = 0; place < parameters.length; place++) {
                if (parameters[place] == null) {
                    statement.setNull(place + 1, statement.getParameterMetaData().getParameterType(place + 1));
                } else {
                    statement.setObject(place + 1, parameters[place]);
                }
            }
            try (ResultSet rows = statement.executeQuery()) {
                return all(rows);
            }
        }
    }

    static List<List<Object>> all(ResultSet rows) throws SQLException {
        List<List<Object>> all = new ArrayList<>();
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            List<Object> row = new ArrayList<>();
            for (int column = 1; column <= columns; column++) {
                row.add(rows.getObject(column));
            }
            all.add(row);
        }
        return all;
    }

    static void equal(Object actual, Object expected, String what) {
        if (!java.util.Objects.equals(actual, expected)) {
            throw new AssertionError(what + "\n  expected: " + expected + "\n  actual:   " + actual);
        }
    }

    static void holds(boolean truth, String what) {
        if (!truth) {
            throw new AssertionError(what);
        }
    }

    /** Text and gRPC code of the SQLException that the work must end with, its causes included. */
    static String fails(String what, Work work) {
        try {
            work.run();
        } catch (SQLException error) {
            return told(error);
        } catch (Exception error) {
            throw new AssertionError(what + ": no SQLException", error);
        }
        throw new AssertionError(what + ": no error");
    }

    /** Texts of an error and its causes, with the gRPC code where one has it. */
    static String told(Throwable error) {
        StringBuilder told = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            told.append(cause).append('\n');
            try {
                told.append(cause.getClass().getMethod("status").invoke(cause)).append('\n');
            } catch (ReflectiveOperationException none) {
                // An error without a status.
            }
        }
        return told.toString();
    }

    static String read(Path path) throws java.io.IOException {
        return Files.readString(path);
    }
}
