"""The parser of request bodies, on the reading of JSON that all interfaces share."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from tasks.strict_json import parse_object


class StrictJSONParser(BaseParser):
    """Reads a request's body; the size limit holds because Django reads it."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the object that is the body.

        Raises:
            Malformed: the body is no JSON object.
            RequestDataTooBig: it is larger than `DATA_UPLOAD_MAX_MEMORY_SIZE`.
        """
        del media_type
        request = (parser_context or {}).get("request")
        return parse_object(stream.read() if request is None else request.body)
