"""The WSGI application: a request is read whatever it says of itself."""

from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from config.wsgi import Utf8Request


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "rot13", "undefined", "punycode", "zlib"])
def test_a_request_is_read_as_utf_8_whatever_charset_it_names(charset: str) -> None:
    environ: dict[str, Any] = {"QUERY_STRING": "dry_run=true&name=%C3%A9"}
    environ["CONTENT_TYPE"] = f"application/json; charset={charset}"
    setup_testing_defaults(environ)
    request = Utf8Request(environ)
    assert request.GET.dict() == {"dry_run": "true", "name": "é"}
    assert (request.content_type, request.content_params) == (
        "application/json",
        {"charset": charset},
    )
