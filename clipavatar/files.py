"""Writing files so that nothing is ever half written and nothing is lost by accident."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path` in one step.

    Folders are made as needed. After an exception the temporary file is gone, `path` untouched.
    Raises FileExistsError when `path` exists and `force` is false, OSError when the disk refuses.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    if not force and path.exists():
        raise FileExistsError(f"{path} exists already; nothing was overwritten")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:80]}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:  # name the file that was asked for, not the temporary one
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    finally:
        part.unlink(missing_ok=True)
