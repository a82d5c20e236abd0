"""Delta tables in emulators of Azure and of Google, written by Python, read by the gateway."""

import datetime
import json
import os
import tempfile
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

import pyarrow as pa
from adbc_driver_flightsql import dbapi
from azure.storage.blob import AccountSasPermissions, BlobServiceClient, ResourceTypes, generate_account_sas
from deltalake import write_deltalake

from processes import ROOT, Process, eventually, free_port, meshgate, serve
from test_foreign import contract

# What Azurite calls its only account, and its public key.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
RSA = ROOT / "connectors" / "src" / "testing" / "tls" / "service_account.pem"
COLUMNS = {"id": "bigint", "name": "text"}
ROWS = pa.table({"id": pa.array(range(100), pa.int64()), "name": [f"name-{number}" for number in range(100)]})


def azurite():
    """A running Azurite with the container `lake`, and the address of its account."""
    port = free_port()
    process = Process(os.environ["MESHGATE_AZURITE"], "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence",
                      "--blobHost", "127.0.0.1", "--blobPort", port)
    url = f"http://127.0.0.1:{port}/{ACCOUNT}"
    service = BlobServiceClient(url, credential=KEY, retry_total=0, api_version="2023-11-03")
    try:
        eventually("the container", 60, lambda: service.create_container("lake"))
    except AssertionError:
        process.stop()
        raise
    return process, url


def fake_gcs():
    """A running fake-gcs-server with the bucket `lake`, and its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = Process(os.environ["MESHGATE_FAKE_GCS"], "-scheme", "http", "-host", "127.0.0.1", "-port", port,
                      "-backend", "memory", "-public-host", f"127.0.0.1:{port}", "-external-url", url)
    request = urllib.request.Request(f"{url}/storage/v1/b?project=p", json.dumps({"name": "lake"}).encode(),
                                     {"Content-Type": "application/json"})
    try:
        eventually("the bucket", 60, lambda: urllib.request.urlopen(request, timeout=5).status)
    except AssertionError:
        process.stop()
        raise
    return process, url


def sas():
    """A token that may read and list for an hour."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return generate_account_sas(ACCOUNT, KEY, ResourceTypes(container=True, object=True),
                                AccountSasPermissions(read=True, list=True), end)


class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.folder = Path(place.name)
        process, cls.azure = azurite()
        cls.addClassCleanup(process.stop)
        process, cls.gcs = fake_gcs()
        cls.addClassCleanup(process.stop)
        cls.write()
        cls.mesh = cls.folder / "mesh"
        cls.write_mesh()
        process, cls.address = serve(cls.mesh)
        cls.addClassCleanup(process.stop)

    @classmethod
    def write(cls):
        """Writes the table into Azurite, and a copy for Google, whose emulator the library cannot write into."""
        account = {"account_name": ACCOUNT, "account_key": KEY, "endpoint": cls.azure, "allow_http": "true"}
        copy = cls.folder / "copy"
        for part in range(2):
            rows = ROWS.slice(part * 50, 50)
            write_deltalake("az://lake/shop/orders", rows, mode="append", storage_options=account)
            write_deltalake(str(copy), rows, mode="append")
        for path in filter(Path.is_file, copy.rglob("*")):
            name = urllib.parse.quote(f"shop/orders/{path.relative_to(copy)}", safe="")
            url = f"{cls.gcs}/upload/storage/v1/b/lake/o?uploadType=media&name={name}"
            urllib.request.urlopen(urllib.request.Request(url, path.read_bytes()), timeout=30).close()

    @classmethod
    def write_mesh(cls):
        """Writes a mesh with one table for each form of a credential."""
        secrets = {
            "by_key": f"{ACCOUNT}:{KEY}",
            "by_sas": sas(),
            "by_wrong_key": f"{ACCOUNT}:aHVudGVyMg==",
            "at_google": json.dumps({"type": "service_account", "client_email": "a@example", "private_key_id": "1",
                                     "private_key": RSA.read_text()}),
        }
        for name, secret in secrets.items():
            cls.file(f"secrets/{name}", secret)
            place = f"    location: az://lake/shop/orders\n    account: {ACCOUNT}\n    endpointUrl: {cls.azure}"
            if name == "at_google":
                place = f"    location: gs://lake/shop/orders\n    endpointUrl: {cls.gcs}"
            server = (f"    type: custom\n{place}\n    format: delta\n    customProperties:\n"
                      f"      - {{property: credentialRef, value: 'file:secrets/{name}'}}")
            cls.file(f"catalog/shop/{name}.odcs.yaml", contract("shop", name, server, COLUMNS))
        cls.file("policies/rules.csv", "p, user:sam, shop, *, select, allow\n")
        cls.file("mesh.toml", 'name = "stores"\n')
        meshgate("user", "add", "sam", "--mesh", cls.mesh, MESHGATE_PASSWORD="sam")

    @classmethod
    def file(cls, path, text):
        (cls.mesh / path).parent.mkdir(parents=True, exist_ok=True)
        (cls.mesh / path).write_text(text)

    def ask(self, sql):
        """The rows of an answer."""
        login = {"username": "sam", "password": "sam"}
        with dbapi.connect(self.address, db_kwargs=login, autocommit=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

    def test_a_table_is_read_with_each_form_of_a_credential(self):
        for name in ["by_key", "by_sas", "at_google"]:
            with self.subTest(name):
                self.assertEqual(self.ask(f"SELECT count(*), sum(id), max(name) FROM shop.{name}"), [(100, 4950, "name-99")])
                self.assertEqual(self.ask(f"SELECT name FROM shop.{name} WHERE id = 77"), [("name-77",)])

    def test_tables_of_different_stores_are_joined(self):
        sql = "SELECT count(*) FROM shop.by_sas a JOIN shop.at_google b ON a.id = b.id WHERE b.id >= 90"
        self.assertEqual(self.ask(sql), [(10,)])

    def test_a_wrong_key_is_an_error_without_address_and_secret(self):
        with self.assertRaises(Exception) as raised:
            self.ask("SELECT count(*) FROM shop.by_wrong_key")
        text = str(raised.exception)
        self.assertIn("shop.by_wrong_key", text)
        for hidden in ["127.0.0.1:" + self.azure.split(":")[2].split("/")[0], "aHVudGVyMg", "lake"]:
            self.assertNotIn(hidden, text)


if __name__ == "__main__":
    unittest.main()
