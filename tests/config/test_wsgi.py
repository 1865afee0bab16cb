"""The WSGI application: a request is read whatever it says of itself."""

from contextlib import closing
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from config.wsgi import Application, Utf8Request


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


def answered(method: str, path: str) -> tuple[str, str | None, bytes]:
    """Return what a server would be given: the status, the length that is stated, and the body."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path}
    setup_testing_defaults(environ)
    said: list[Any] = []
    application: Any = Application()
    answer = application(environ, lambda *head: said.extend(head))
    with closing(answer):
        body = b"".join(answer)
    return said[0], dict(said[1]).get("Content-Length"), body


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/admin/login/", "/api/schema", "/static/bulkhead/admin.css", "/x"]
)
def test_an_answer_to_head_says_all_but_the_body(path: str) -> None:
    *said, body = answered("GET", path)
    assert body
    assert answered("HEAD", path) == (*said, b"")
