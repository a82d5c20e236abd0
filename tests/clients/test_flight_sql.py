"""What ODBC drivers, Grafana and DBeaver send, command by command, replayed with pyarrow.flight."""

import re
import unittest

import pyarrow as pa
from pyarrow import flight

from test_pyarrow import connect, message, varint

# The child of the union that each SqlInfo must be: clients cast without looking.
KINDS = {
    "string_value": {0, 1, 2, 6, 7, 504, 513, 514, 529, 530, 531},
    "bool_value": {3, 4, 5, 9, 10, 11, 500, 501, 502, 506, 515, 516, *range(518, 522), 523, 524, 527, 532, 536, 537, 539,
                   556, 563, 565, 566, *range(572, 577)},
    "bigint_value": {503, 505, 507, *range(541, 556), *range(557, 563)},
    "int32_bitmask": {8, 100, 101, 522, 525, 526, 528, 533, 534, 535, 538, 540, 564, *range(567, 572)},
    "string_list": set(range(508, 513)),
    "int32_to_int32_list_map": {517},
}
COMMANDS = ["CommandGetCatalogs", "CommandGetDbSchemas", "CommandGetTables", "CommandGetTableTypes", "CommandGetSqlInfo",
            "CommandGetXdbcTypeInfo"]
KEYS = ["CommandGetPrimaryKeys", "CommandGetImportedKeys", "CommandGetExportedKeys"]


def text(field, value):
    """One field of a message that holds a text."""
    return message(field, value.encode())


def command(name, body=b""):
    """A command of Flight SQL as a descriptor."""
    url = f"type.googleapis.com/arrow.flight.protocol.sql.{name}"
    return flight.FlightDescriptor.for_command(text(1, url) + message(2, body))


class BearerLogin(flight.ClientAuthHandler):
    """ODBC's handshake with a token: the header, and one empty payload."""

    def authenticate(self, outgoing, incoming):
        outgoing.write(b"")
        self.answer = incoming.read()

    def get_token(self):
        return b""


class FlightSql(unittest.TestCase):
    def setUp(self):
        self.client = self.enterContext(connect())
        self.options = self.login("ann")

    def login(self, user):
        return flight.FlightCallOptions(headers=[self.client.authenticate_basic_token(user, user)])

    def rows(self, descriptor, options=None):
        """A result; told by the info, by GetSchema and with the rows, its schema is always the same."""
        options = options or self.options
        info = self.client.get_flight_info(descriptor, options)
        self.assertEqual([endpoint.locations for endpoint in info.endpoints], [[]], "one endpoint, for clients that read one")
        table = self.client.do_get(info.endpoints[0].ticket, options).read_all()
        self.assertTrue(table.schema.equals(info.schema, check_metadata=True), f"{table.schema}\n{info.schema}")
        schema = self.client.get_schema(descriptor, options).schema
        self.assertTrue(schema.equals(info.schema, check_metadata=True), f"{schema}\n{info.schema}")
        return table

    def test_every_command_about_what_there_is_has_one_schema(self):
        for name in COMMANDS:
            with self.subTest(command=name):
                self.assertGreater(self.rows(command(name)).num_rows, 0)
        for name in KEYS:
            with self.subTest(command=name):
                self.rows(command(name, text(3, "orders")))
        self.rows(command("CommandGetCrossReference", text(3, "customers") + text(6, "orders")))
        # The SQL of a statement, as Flight SQL has it.
        sql = "SELECT region, count(*) AS n FROM sales.orders GROUP BY region"
        statement = self.rows(command("CommandStatementQuery", text(1, sql)))
        self.assertEqual(statement.to_pylist(), [{"region": "EU", "n": 750}])

    def test_sql_info_has_the_types_that_clients_cast_to(self):
        table = self.rows(command("CommandGetSqlInfo"))
        found = {}
        for number, value in zip(table["info_name"].to_pylist(), table["value"].combine_chunks()):
            found.setdefault(table.schema.field("value").type.field(value.type_code).name, set()).add(number)
        # Nothing beyond: Java cannot keep an id that it does not know.
        self.assertEqual({kind: sorted(numbers) for kind, numbers in found.items()},
                         {kind: sorted(numbers) for kind, numbers in KINDS.items()})

    def test_some_sql_info_is_what_was_asked_for(self):
        for numbers in [[0], [8], [0, 3, 504], [0, 99_999]]:
            body = b"".join(b"\x08" + varint(number) for number in numbers)
            told = self.rows(command("CommandGetSqlInfo", body))["info_name"].to_pylist()
            self.assertEqual(told, [number for number in numbers if number < 1_000])

    def test_types_can_be_searched(self):
        table = self.rows(command("CommandGetXdbcTypeInfo"))
        self.assertEqual(set(table["searchable"].to_pylist()) - {1, 2, 3}, set())
        names = dict(zip(table["type_name"].to_pylist(), table["data_type"].to_pylist()))
        self.assertLessEqual({"bigint", "text", "boolean", "numeric", "date"}, set(names))
        number = names["bigint"] & (2**64 - 1)
        alone = self.rows(command("CommandGetXdbcTypeInfo", b"\x08" + varint(number)))
        self.assertEqual(set(alone["data_type"].to_pylist()), {names["bigint"]})

    def test_kinds_of_table_as_tools_call_them(self):
        def tables(*kinds):
            body = b"".join(text(4, kind) for kind in kinds)
            return self.rows(command("CommandGetTables", body))["table_name"].to_pylist()
        every = ["regions", "customers", "orders", "values"]
        self.assertEqual(tables(), every)
        self.assertEqual(tables("BASE TABLE", "table"), every[1:])
        self.assertEqual(tables("VIEW"), every[:1])
        self.assertEqual(tables("SYSTEM TABLE"), [])

    def test_a_listed_schema_is_that_of_the_table(self):
        # The flag `include_schema`.
        with_schema = self.rows(command("CommandGetTables", b"\x28\x01"))
        self.assertEqual(with_schema.num_columns, 5)
        for row in with_schema.to_pylist():
            name = f'{row["db_schema_name"]}.{row["table_name"]}'
            with self.subTest(table=name):
                listed = pa.ipc.open_stream(row["table_schema"]).schema
                sql = flight.FlightDescriptor.for_command(f"SELECT * FROM {name}".encode())
                info = self.client.get_flight_info(sql, self.options)
                self.assertEqual([(field.name, field.type) for field in info.schema],
                                 [(field.name, field.type) for field in listed])
                self.assertEqual(listed.field(0).metadata[b"ARROW:FLIGHT:SQL:TABLE_NAME"], row["table_name"].encode())
                # JDBC shows it in place of the name.
                self.assertFalse([field for field in info.schema if b"ARROW:FLIGHT:SQL:REMARKS" in (field.metadata or {})])

    def test_a_login_by_token_with_and_without_a_payload(self):
        token = self.client.authenticate_basic_token("sam", "sam")
        # Often: whether the server has answered before the payload is under way is a matter of luck.
        for _ in range(30):
            login = BearerLogin()
            with connect() as client:
                client.authenticate(login, flight.FlightCallOptions(headers=[token], timeout=20))
            self.assertTrue(login.answer)

    def test_an_update_is_answered_before_the_client_has_finished(self):
        for name, number in [("CommandStatementUpdate", 1), ("CommandPreparedStatementUpdate", 1)]:
            with self.subTest(command=name):
                writer, reader = self.client.do_put(command(name, text(number, "DELETE FROM sales.orders")), pa.schema([]),
                                                    flight.FlightCallOptions(headers=self.options.headers, timeout=20))
                with self.assertRaisesRegex(Exception, "(?i)read-only|prepare it again"):
                    reader.read()
                    writer.close()

    def test_a_cookie_carries_the_session_from_one_connection_to_another(self):
        factory = Cookies()
        basic = (b"authorization", b"Basic c2FtOnNhbQ==")
        setting = message(1, text(1, "schema") + message(2, text(1, "sales")))
        count = flight.FlightDescriptor.for_command(b"SELECT count(*) AS n FROM orders")
        options = flight.FlightCallOptions(headers=[basic])
        for place in range(2):
            client = self.enterContext(connect(middleware=[factory]))
            if place == 0:
                list(client.do_action(flight.Action("SetSessionOptions", setting), options))
                self.assertRegex(factory.cookie, r"^meshgate_session=[0-9a-f]{32}$")
            info = client.get_flight_info(count, options)
            self.assertEqual(client.do_get(info.endpoints[0].ticket, options).read_all().to_pylist(), [{"n": 3_000}])
        # Java writes it in a form of its own.
        factory.cookie = re.sub("=(.*)", r'="\1";$Path="/"', factory.cookie)
        self.enterContext(connect(middleware=[factory])).get_flight_info(count, options)
        # To another user the same cookie is another session.
        ann = flight.FlightCallOptions(headers=[(b"authorization", b"Basic YW5uOmFubg==")])
        with self.assertRaisesRegex(KeyError, "orders"):
            self.enterContext(connect(middleware=[factory])).get_flight_info(count, ann)


class Cookies(flight.ClientMiddlewareFactory):
    """Keeps the cookie that it is given, and sends it with every call."""

    cookie = None

    def start_call(self, info):
        return Cookie(self)


class Cookie(flight.ClientMiddleware):
    """One call."""

    def __init__(self, jar):
        super().__init__()
        self.jar = jar

    def sending_headers(self):
        return {"cookie": self.jar.cookie} if self.jar.cookie else {}

    def received_headers(self, headers):
        for value in headers.get("set-cookie", []):
            self.jar.cookie = value.split(";")[0]


if __name__ == "__main__":
    unittest.main()
