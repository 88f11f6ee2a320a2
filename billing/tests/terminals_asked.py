"""Asking as a terminal does: HTTP with the network's user and password, and the XML read back."""

import base64
from xml.etree import ElementTree

PASSWORDS = {"osmp": b"osmp:osmp-only-for-tests", "sber": b"sber:sber-only-for-tests"}


def signed(gateway):
    return {"Authorization": "Basic " + base64.b64encode(PASSWORDS[gateway]).decode()}


def ask(client, gateway, asked, *, method="get", **extra):
    """The answer as a dictionary of its elements."""
    response = getattr(client, method)(f"/pay/{gateway}/", asked, headers=signed(gateway), **extra)
    assert response.status_code == 200
    return read(response)


def read(response):
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert response.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    root = ElementTree.fromstring(response.content)
    assert root.tag == "response"
    return {element.tag: element.text or "" for element in root}
