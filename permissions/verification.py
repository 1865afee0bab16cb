"""What verification of the trail looks at here besides history: what answers to who may do what rest on.

Interned matrices have no history of their rows; their digest, which is under seal with the matrix,
names them. Which permission a flag stands for is in no history, because the program says it.
"""

import hashlib
from contextlib import closing

from django.db import connection

from audit.proof.verification.present import leave_unrecorded, register_check
from audit.proof.verification.tampered import Tampered
from permissions import verification_queries as queries
from permissions.flags import Flag


_AT_ONCE = 2_000


def check_matrices() -> None:
    """Compute the digests of interned matrices anew, and compare rows with the roles that they are of.

    Raises:
        Tampered: a matrix does not hold what it is named by; it is named.
    """
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(queries.READ_ALL_MATRICES)
        while found := cursor.fetchmany(_AT_ONCE):
            for key, digest, rows, are_of_roles in found:
                if digest and hashlib.sha256(rows.encode()).hexdigest() != digest:
                    raise Tampered(f"matrix {key} does not hold what its digest names")
                if not are_of_roles:
                    raise Tampered(f"matrix {key} has a row of another project's role, or code")


def check_bits() -> None:
    """Compare which permission each flag stands for with what the program says.

    Raises:
        Tampered: it differs.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_BITS)
        found = set(cursor.fetchall())
    if found != {(flag.codename, flag.bit) for flag in Flag}:
        raise Tampered("flags of roles stand for other permissions than they should")


leave_unrecorded(
    table="permissions_rolepermission",
    where=(
        "live.matrix_id IN (SELECT id FROM permissions_permissionmatrix WHERE digest IS NOT NULL)"
    ),
)
register_check(check_matrices)
register_check(check_bits)
