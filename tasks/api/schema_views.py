"""The OpenAPI document and the page that shows it; both for everybody, as they tell no secret."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.opsera import OpseraView


@cache
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document, made once per process."""
    document: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return document


class SchemaView(OpseraView):
    """The OpenAPI document, as JSON or YAML."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (OpenApiJsonRenderer2, OpenApiYamlRenderer2)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Answer with the document."""
        del request
        return Response(openapi_document())


class DocsView(OpseraView, SpectacularSwaggerSplitView):
    """The page on which the interface can be read and tried."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = [TemplateHTMLRenderer]
