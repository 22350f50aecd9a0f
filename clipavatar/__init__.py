"""Type a sentence in Chinese or English, get a cute chibi avatar.

>>> from clipavatar import generate
>>> generate("cute girl, twin tails").save("girl.png")

Names are imported when they are first used, so `import clipavatar` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipavatar.avatars import Avatar
    from clipavatar.pipeline import AvatarPipeline, generate, generate_batch
    from clipavatar.prompts import expand

__version__ = "0.1.0"
__all__ = ["Avatar", "AvatarPipeline", "__version__", "expand", "generate", "generate_batch"]

_HOMES = {
    "Avatar": "clipavatar.avatars",
    "AvatarPipeline": "clipavatar.pipeline",
    "generate": "clipavatar.pipeline",
    "generate_batch": "clipavatar.pipeline",
    "expand": "clipavatar.prompts",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clipavatar' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
