"""Static files with hashed names, in our ES modules' imports too."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):
    """Rewrites relative imports in our own modules only: switched on for everything, third-party comments break it."""

    # A private name of Django's: tests/test_static.py notices when it goes.
    _imports: ClassVar = ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]  # type: ignore[attr-defined]
    patterns: ClassVar = (*ManifestStaticFilesStorage.patterns, ("calls/js/*.js", _imports))
