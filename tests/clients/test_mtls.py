"""A gateway that asks its clients for certificates: ADBC and pyarrow.flight with one, and without."""

import tempfile
import unittest
from pathlib import Path

from adbc_driver_flightsql import DatabaseOptions, dbapi
import trustme
from pyarrow import flight

import shop

CONFIG = '\nclient_ca = "tls/ca.pem"\n'


class MutualTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        folder = Path(cls.place.name) / "shop"
        folder.mkdir()
        shop.write(folder)
        with open(folder / "mesh.toml", "a", encoding="utf-8") as file:
            file.write(CONFIG)
        cls.gateway = shop.Gateway(folder)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.process.stop()
        cls.place.cleanup()

    def adbc(self, **options):
        login = {"username": "sam", "password": "sam",
                 DatabaseOptions.TLS_ROOT_CERTS.value: self.gateway.pem("ca.pem").decode()}
        with dbapi.connect(self.gateway.uri, db_kwargs={**login, **options}, autocommit=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                return cursor.fetchall()

    def plain(self, **options):
        with flight.FlightClient(self.gateway.uri, tls_root_certs=self.gateway.pem("ca.pem"), **options) as client:
            return client.authenticate_basic_token("sam", "sam")

    def test_with_a_certificate(self):
        chain, key = self.gateway.pem("client.pem"), self.gateway.pem("client.key")
        self.assertEqual(self.adbc(**{DatabaseOptions.MTLS_CERT_CHAIN.value: chain.decode(),
                                      DatabaseOptions.MTLS_PRIVATE_KEY.value: key.decode()}), [(1,)])
        self.assertTrue(self.plain(cert_chain=chain, private_key=key)[1].startswith(b"Bearer "))

    def test_without_a_certificate_or_with_one_of_another_authority(self):
        stranger = trustme.CA().issue_cert("client@shop.example")
        chain, key = stranger.cert_chain_pems[0].bytes(), stranger.private_key_pem.bytes()
        certificate = {DatabaseOptions.MTLS_CERT_CHAIN.value: chain.decode(), DatabaseOptions.MTLS_PRIVATE_KEY.value: key.decode()}
        for options in [{}, certificate]:
            with self.assertRaisesRegex(Exception, "(?i)certificate|tls|handshake|unavailable|reset|broken pipe"):
                self.adbc(**options)
        for options in [{}, {"cert_chain": chain, "private_key": key}]:
            with self.assertRaises(flight.FlightError) as raised:
                self.plain(**options)
            self.assertNotIsInstance(raised.exception, flight.FlightUnauthenticatedError)

    def test_a_password_is_asked_for_all_the_same(self):
        chain, key = self.gateway.pem("client.pem"), self.gateway.pem("client.key")
        authority = self.gateway.pem("ca.pem")
        with flight.FlightClient(self.gateway.uri, tls_root_certs=authority, cert_chain=chain, private_key=key) as client:
            with self.assertRaises(flight.FlightUnauthenticatedError):
                client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT 1"))


if __name__ == "__main__":
    unittest.main()
