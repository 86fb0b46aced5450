"""The official connector's own PUT and GET: `connector.py SERVICE STORE put|get FOLDER`.

It knows cloud storage only under the clouds' own https hosts, so requests to these are led to STORE on the way out. Nothing
else of it is touched: it signs, encrypts, decrypts and compares digests with its own code.
"""

import hashlib
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import snowflake.connector
from snowflake.connector.vendored.requests import Session

HOSTS = [
    (re.compile(r"https://([^./]+)\.s3[^/]*\.amazonaws\.com/"), r"STORE/\1/"),
    (re.compile(r"https://([^./]+)\.blob\.core\.windows\.net/"), r"STORE/\1/"),
]


def lead_to(store):
    send = Session.send

    def led(self, request, **settings):
        for host, place in HOSTS:
            request.url = host.sub(place.replace("STORE", store), request.url)
        if request.url.startswith(store):
            request.headers.pop("Host", None)
            settings["proxies"] = {}
        return send(self, request, **settings)

    Session.send = led


def main():
    service, store, act, folder = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
    lead_to(store)
    address = urlsplit(service)
    connection = snowflake.connector.connect(
        user="sync", password="p4ssw0rd", account="myorg-acct", protocol="http", host=address.hostname,
        port=address.port, login_timeout=30, network_timeout=60,
    )
    cursor = connection.cursor()
    if act == "put":
        for file in sorted(folder.iterdir()):
            [row] = cursor.execute(f"PUT 'file://{file}' '@~/run 42/' AUTO_COMPRESS=FALSE OVERWRITE=TRUE").fetchall()
            assert row[6] == "UPLOADED", row
    else:
        for row in cursor.execute(f"GET '@~/run 42/' 'file://{folder}'").fetchall():
            assert row[2] == "DOWNLOADED", row
        for file in sorted(folder.iterdir()):
            print(file.name, hashlib.sha256(file.read_bytes()).hexdigest())


main()
