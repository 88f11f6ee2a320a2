"""Styles are written one file a component and sent as one file: local @imports are put in place at collectstatic."""

import re
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(r"""@import url\("(?P<file>[^":]+)"\)(?: layer\((?P<layer>[\w-]+)\))?;""")


class FlatStylesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no stubs
    """WhiteNoise's hashed and compressed files, with the style sheets flattened before they are hashed."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Any:
        for name in [] if dry_run else list(paths):
            if name.startswith("css/") and name.endswith(".css"):
                self._flatten(name)
        yield from super().post_process(self._with_flattened(paths), dry_run=dry_run, **options)

    def _with_flattened(self, paths: dict[str, Any]) -> dict[str, Any]:
        return {name: (self, name) if name.startswith("css/") else where for name, where in paths.items()}

    def _flatten(self, name: str) -> None:
        with self.open(name) as file:
            source = file.read().decode()
        folder = PurePosixPath(name).parent

        def put_in_place(found: re.Match[str]) -> str:
            with self.open(str(folder / found["file"])) as part:
                content = part.read().decode()
            return f"@layer {found['layer']} {{\n{content}\n}}" if found["layer"] else content

        flat = IMPORT.sub(put_in_place, source)
        if flat != source:
            self.delete(name)
            self.save(name, ContentFile(flat.encode()))
