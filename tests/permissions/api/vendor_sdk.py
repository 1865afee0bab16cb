"""The vendor's SDK, loaded so that the id it keeps in the home folder is not left there."""

from tempfile import TemporaryDirectory

import pytest


with TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
    patch.setenv("HOME", home)
    from huaweicloudsdkcodeartsbuild.v3 import (
        BatchUpdateJobRolePermissionRequest,
        CodeArtsBuildClient,
        JobRolePermission,
        ListJobRequest,
        RolePermissionsRequestBody,
        ShowJobListByProjectIdRequest,
    )
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import (
        ClientRequestException,
        ServerResponseException,
        ServiceResponseException,
    )
    from huaweicloudsdkcore.http.http_config import HttpConfig

__all__ = [
    "BasicCredentials",
    "BatchUpdateJobRolePermissionRequest",
    "ClientRequestException",
    "CodeArtsBuildClient",
    "HttpConfig",
    "JobRolePermission",
    "ListJobRequest",
    "RolePermissionsRequestBody",
    "ServerResponseException",
    "ServiceResponseException",
    "ShowJobListByProjectIdRequest",
]
