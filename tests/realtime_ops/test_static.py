"""Imports of our ES modules are rewritten to hashed names: the storage stands on a private name of Django's."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.storage import FileSystemStorage

from realtime_ops.static import ModuleManifestStorage

IMPORT = re.compile(r"""(?:from|import)\s*["'](\.[^"']+)["']""")


def test_every_relative_import_names_a_hashed_file_that_exists(tmp_path):
    storage = ModuleManifestStorage(location=str(tmp_path), base_url=settings.STATIC_URL)
    source = FileSystemStorage(location=Path(finders.find("calls/js/main.js")).parents[2])
    paths = {}
    for file in Path(source.location).rglob("*"):
        if file.is_file() and "calls" in file.parts:
            name = file.relative_to(source.location).as_posix()
            paths[name] = (source, name)
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())

    done = [result for result in storage.post_process(paths) if isinstance(result[2], Exception)]
    assert done == []

    hashed_modules = [
        file for file in (tmp_path / "calls/js").rglob("*.js") if re.search(r"\.[0-9a-f]{12}\.js$", file.name)
    ]
    imports = [(file, found) for file in hashed_modules for found in IMPORT.findall(file.read_text())]
    assert imports, "the modules import one another"
    for file, found in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", found), f"{file.name} imports {found}"
        assert (file.parent / found).resolve().exists()
