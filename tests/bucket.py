"""A bucket on this computer: moto's S3 server on loopback, for tests of stores."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator

import fsspec
import pytest


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of an empty bucket; the environment, that of processes to come included, leads there.

    What moto's servers hold is the process's, so each bucket has a name of its own.
    """
    server_of = pytest.importorskip("moto.server", reason="moto's server needs moto, flask and flask-cors")
    pytest.importorskip("s3fs", reason="buckets need s3fs")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        fsspec.filesystem("s3").clear_instance_cache()
        fsspec.filesystem("s3", skip_instance_cache=False).mkdir(name := f"box-{uuid.uuid4()}")
        yield f"s3://{name}"
        fsspec.filesystem("s3").clear_instance_cache()
    server.stop()
