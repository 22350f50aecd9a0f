"""The strokes of the pen: paths as SVG, filled, outlined or both, and their mirror image."""

from __future__ import annotations


def filled(path: str, fill: str, line: str, width: float = 3.2) -> str:
    """A shape with its outline."""
    return (
        f'<path d="{path}" fill="{fill}" stroke="{line}" stroke-width="{width}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def flat(path: str, fill: str, opacity: float = 1) -> str:
    """A shape of light, shadow or colour without an outline."""
    faint = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<path d="{path}" fill="{fill}"{faint}/>'


def stroke(path: str, line: str, width: float = 2.2) -> str:
    """A line."""
    return (
        f'<path d="{path}" fill="none" stroke="{line}" stroke-width="{width}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def mirrored(drawn: str) -> str:
    """What is drawn on the right side, on both sides."""
    return f'{drawn}<g transform="scale(-1 1)">{drawn}</g>'


def blend(first: str, second: str, share: float) -> str:
    """The hex colour that lies `share` of the way from the first to the second."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
