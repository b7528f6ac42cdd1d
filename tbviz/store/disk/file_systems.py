"""Open the file system of a URI with fsspec, and say which package is missing if that fails."""

from __future__ import annotations

from typing import Any

from tbviz.store.errors import StoreError

# The common ones, for error messages; fsspec's own message names the others.
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs"}
_PACKAGES |= dict.fromkeys(("abfs", "abfss", "adl"), "adlfs")


def open_uri(uri: str) -> tuple[Any, str]:
    """Open the file system of a URI, without a request.

    Args:
        uri: Such as `s3://bucket/logs`.

    Returns:
        The file system, and the path in it.

    Raises:
        StoreError: If fsspec, or the package for this kind of store, is not installed, or if
            fsspec cannot open the URI.
    """
    protocol = uri.partition("://")[0].rpartition("::")[2]
    package = _PACKAGES.get(protocol)
    install = " ".join(filter(None, ["pip install 'tbviz[remote]'", package]))
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise StoreError(
            f"received {uri}; expected the package fsspec to be installed; {install}"
        ) from error
    try:
        fs, root = url_to_fs(uri)
    except (ImportError, ValueError) as error:
        raise StoreError(
            f"received {uri}; expected a kind of store that fsspec supports, and its package to be "
            f"installed ({error}); {install}"
        ) from error
    except Exception as error:
        raise StoreError(
            f"received {uri}, which fsspec cannot open ({type(error).__name__}: {error}); "
            "expected a URI such as s3://bucket/logs"
        ) from error
    return fs, str(root)
