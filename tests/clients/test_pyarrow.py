"""pyarrow.flight: plain Arrow Flight, without any knowledge of Flight SQL."""

import threading
import time
import unittest

import pyarrow as pa
from pyarrow import flight

import queries
from shop import gateway, orders

SOON = 60
LONG = b"SELECT a.value FROM generate_series(1, 1000000000) a"


def connect(**options):
    """A client without a login."""
    return flight.FlightClient(gateway().uri, tls_root_certs=gateway().pem("ca.pem"), **options)


def varint(number):
    """A whole number as protobuf has it."""
    octets = b""
    while number > 127:
        number, octets = number >> 7, octets + bytes([number & 127 | 128])
    return octets + bytes([number])


def message(field, body):
    """One field of a protobuf message that holds bytes."""
    return bytes([field << 3 | 2]) + varint(len(body)) + body


class OldLogin(flight.ClientAuthHandler):
    """The handshake of old: name and password in its payload, the token from its answer."""

    def __init__(self, user, password):
        super().__init__()
        self.basic, self.token = flight.BasicAuth(user, password), None

    def authenticate(self, outgoing, incoming):
        outgoing.write(self.basic.serialize())
        self.token = incoming.read()

    def get_token(self):
        return self.token


class Plain(unittest.TestCase):
    def login(self, user, **options):
        client = self.enterContext(connect())
        token = client.authenticate_basic_token(user, user)
        return client, flight.FlightCallOptions(headers=[token], **options)

    def rows(self, user, descriptor):
        client, options = self.login(user)
        info = client.get_flight_info(descriptor, options)
        self.assertEqual([endpoint.locations for endpoint in info.endpoints], [[]])
        self.assertEqual((info.total_records, info.total_bytes), (-1, -1))
        table = client.do_get(info.endpoints[0].ticket, options).read_all()
        self.assertEqual(table.schema, info.schema)
        self.assertEqual(client.get_schema(descriptor, options).schema, info.schema)
        return table

    def test_shared_queries_as_raw_sql(self):
        asked = [query for query in queries.QUERIES if "parameters" not in query]
        self.assertGreater(len(asked), 15)

        def ask(sql, parameters):
            table = self.rows(user, flight.FlightDescriptor.for_command(sql.encode()))
            return list(zip(*(column.to_pylist() for column in table.columns)))
        for user in ["ann", "sam"]:
            for query in asked:
                queries.check_one(self, query, user, ask)

    def test_a_path_is_a_table(self):
        table = self.rows("ann", flight.FlightDescriptor.for_path("sales", "orders"))
        self.assertEqual(table.num_rows, 750)
        self.assertNotIn("margin", table.column_names)
        self.assertEqual(self.rows("sam", flight.FlightDescriptor.for_path("shop", "sales", "orders")).num_rows, 3_000)
        for path in [("sales", "no_such_table"), ("a", "b", "c", "d"), ('sales"."orders" --', "x"), ("",)]:
            with self.subTest(path=path), self.assertRaisesRegex(KeyError, "(?i)not in the catalog|does not exist"):
                self.rows("sam", flight.FlightDescriptor.for_path(*path))

    def test_flights_are_the_readers_own_and_their_descriptors_work(self):
        def names(user):
            client, options = self.login(user)
            return {b".".join(info.descriptor.path).decode(): info for info in client.list_flights(options=options)}
        self.assertEqual(set(names("sam")), {"sales.orders", "sales.customers", "types.values", "insights.regions", "parts.orders"})
        self.assertNotIn("margin", names("ann")["sales.orders"].schema.names)
        self.assertEqual(names("eve"), {})
        for name, info in names("ann").items():
            with self.subTest(flight=name):
                self.assertEqual(self.rows("ann", info.descriptor).schema, info.schema)

    def test_actions_are_listed(self):
        client, options = self.login("sam")
        self.assertLessEqual({"CreatePreparedStatement", "ClosePreparedStatement", "CancelFlightInfo", "RenewFlightEndpoint",
                              "SetSessionOptions", "GetSessionOptions", "CloseSession"},
                             {action.type for action in client.list_actions(options)})
        with self.assertRaises(NotImplementedError):
            list(client.do_action(flight.Action("NoSuchAction", b""), options))

    def test_the_login_of_old_clients(self):
        client = self.enterContext(connect())
        client.authenticate(OldLogin("ann", "ann"))
        info = client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT count(*) AS n FROM sales.orders"))
        self.assertEqual(client.do_get(info.endpoints[0].ticket).read_all().to_pylist(), [{"n": 750}])
        with self.assertRaises(flight.FlightUnauthenticatedError):
            self.enterContext(connect()).authenticate(OldLogin("ann", "wrong"))

    def test_nothing_without_a_login(self):
        descriptor = flight.FlightDescriptor.for_command(b"SELECT 1")
        client = self.enterContext(connect())
        for credential in [None, b"Bearer None", b"Bearer", b"nonsense"]:
            options = flight.FlightCallOptions(headers=[(b"authorization", credential)] if credential else [])
            for call in [lambda: client.get_flight_info(descriptor, options), lambda: client.get_schema(descriptor, options),
                         lambda: list(client.list_flights(options=options)), lambda: list(client.list_actions(options)),
                         lambda: client.do_get(flight.Ticket(b"x"), options).read_all(),
                         lambda: list(client.do_action(flight.Action("GetSessionOptions", b""), options))]:
                # Not by type: for a schema it raises OSError.
                with self.assertRaisesRegex(Exception, "(?i)unauthenticated"):
                    call()
        with self.assertRaises(flight.FlightUnauthenticatedError):
            client.authenticate_basic_token("sam", "wrong")

    def test_a_ticket_is_its_users_own(self):
        client, options = self.login("sam")
        info = client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT order_id FROM sales.orders"), options)
        other, others = self.login("ann")
        for ticket in [info.endpoints[0].ticket, flight.Ticket(b"SELECT 1"), flight.Ticket(b"")]:
            with self.assertRaisesRegex(pa.ArrowInvalid, "ticket"):
                other.do_get(ticket, others).read_all()

    def test_a_renewed_endpoint_is_good(self):
        client, options = self.login("sam")
        info = client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT 7 AS n"), options)
        [renewed] = client.do_action(flight.Action("RenewFlightEndpoint", message(1, info.endpoints[0].serialize())), options)
        endpoint = flight.FlightEndpoint.deserialize(renewed.body.to_pybytes())
        self.assertEqual(client.do_get(endpoint.ticket, options).read_all().to_pylist(), [{"n": 7}])
        self.assertGreaterEqual(endpoint.expiration_time.value, info.endpoints[0].expiration_time.value)

    def test_a_cancelled_flight_ends(self):
        client, options = self.login("sam")
        info = client.get_flight_info(flight.FlightDescriptor.for_command(LONG), options)
        stream = client.do_get(info.endpoints[0].ticket, options)
        self.assertGreater(stream.read_chunk().data.num_rows, 0)
        begun = time.monotonic()
        cancel = flight.Action("CancelFlightInfo", message(1, info.serialize()))
        [answer] = client.do_action(cancel, options)
        self.assertEqual(answer.body.to_pybytes(), b"\x08\x01", "status: cancelled")
        with self.assertRaisesRegex(Exception, "(?i)cancel"):
            while True:
                stream.read_chunk()
        self.assertLess(time.monotonic() - begun, SOON)
        self.assertTrue(list(client.do_action(cancel, options)), "may be repeated")

    def test_a_stream_is_cancelled_from_another_thread(self):
        client, options = self.login("sam")
        info = client.get_flight_info(flight.FlightDescriptor.for_command(LONG), options)
        stream, begun = client.do_get(info.endpoints[0].ticket, options), time.monotonic()
        cancel = threading.Timer(1, stream.cancel)
        cancel.start()
        with self.assertRaisesRegex(Exception, "(?i)cancel"):
            while True:
                stream.read_chunk()
        cancel.join()
        self.assertLess(time.monotonic() - begun, SOON)

    def test_a_deadline_ends_a_stream(self):
        client, options = self.login("sam", timeout=2)
        info = client.get_flight_info(flight.FlightDescriptor.for_command(LONG), options)
        begun = time.monotonic()
        with self.assertRaises(flight.FlightTimedOutError):
            client.do_get(info.endpoints[0].ticket, options).read_all()
        self.assertLess(time.monotonic() - begun, SOON)

    def test_options_of_the_session(self):
        client, options = self.login("sam")

        def act(name, body=b""):
            [answer] = client.do_action(flight.Action(name, body), options)
            return answer.body.to_pybytes()

        def setting(name, value):
            return message(1, message(1, name.encode()) + message(2, message(1, value.encode())))
        self.assertEqual(act("SetSessionOptions", setting("schema", "sales")), b"")
        self.assertIn(b"sales", act("GetSessionOptions"))
        info = client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT count(*) AS n FROM orders"), options)
        self.assertEqual(client.do_get(info.endpoints[0].ticket, options).read_all().to_pylist(), [{"n": 3_000}])
        self.assertIn(b"no_such_option", act("SetSessionOptions", setting("no_such_option", "x")))
        self.assertEqual(act("CloseSession"), b"\x08\x01", "status: closed")
        self.assertNotIn(b"sales", act("GetSessionOptions"))

    def test_a_put_and_an_exchange_are_refused(self):
        client, options = self.login("sam")
        rows = pa.table({"a": [1]})
        for descriptor in [flight.FlightDescriptor.for_path("sales", "orders"), flight.FlightDescriptor.for_command(b"x")]:
            with self.assertRaises(NotImplementedError):
                writer, _ = client.do_put(descriptor, rows.schema, options)
                writer.write_table(rows)
                writer.close()
            with self.assertRaises(NotImplementedError):
                writer, reader = client.do_exchange(descriptor, options)
                writer.done_writing()
                reader.read_all()

    def test_a_whole_table_is_the_raw_table(self):
        table = self.rows("sam", flight.FlightDescriptor.for_path("sales", "orders"))
        self.assertEqual(table.sort_by("order_id").combine_chunks(), orders().combine_chunks())

    def test_a_million_rows_come_in_messages_of_moderate_size(self):
        client, options = self.login("sam")
        info = client.get_flight_info(flight.FlightDescriptor.for_command(
            b"SELECT a.value AS n, repeat('x', 20) AS t FROM generate_series(1, 1000000) a"), options)
        count = total = 0
        for chunk in client.do_get(info.endpoints[0].ticket, options):
            self.assertLess(chunk.data.nbytes, 4 << 20)
            count += chunk.data.num_rows
            total += sum(chunk.data["n"].to_numpy())
        self.assertEqual((count, total), (1_000_000, 500_000_500_000))


if __name__ == "__main__":
    unittest.main()
