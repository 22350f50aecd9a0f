"""Head, ears, eyes, brows, mouth, blush and glasses: SVG in head coordinates (chin down)."""

from __future__ import annotations

from clipavatar.chibi.palette import BLUSH, EYES, SKIN
from clipavatar.chibi.sample import Figure

FACE_WIDTH = 63.0  # half width at the temples
CHIN = 62.0


def head(figure: Figure) -> str:
    """Ears and the face itself, with a soft shade along the jaw and blush on the cheeks."""
    skin = SKIN[figure.attributes["skin"]]
    w = FACE_WIDTH + 2.5 * figure.shapes["head_width"]
    boy = figure.attributes["character"] == "boy"
    jaw = (0.62 if boy else 0.5) + 0.06 * figure.shapes["chin"]
    y = CHIN + (1 if boy else 0) + 2 * figure.shapes["chin"]
    outline = (
        f"M{-w:.1f} -6C{-w:.1f} -52 {-w * 0.6:.1f} -72 0 -72C{w * 0.6:.1f} -72 {w:.1f} -52 {w:.1f} -6"
        f"C{w:.1f} 28 {w * jaw:.1f} {y:.1f} 0 {y:.1f}C{-w * jaw:.1f} {y:.1f} {-w:.1f} 28 {-w:.1f} -6Z"
    )
    ear = (
        f'<path d="M{{0}} 4C{{1}} -4 {{2}} 0 {{2}} 13C{{2}} 26 {{1}} 30 {{0}} 24Z" '
        f'fill="{skin.base}" stroke="{skin.line}" stroke-width="2.6"/>'
    )
    ears = "".join(ear.format(s * (w - 3), s * (w + 6), s * (w + 10)) for s in (-1, 1))
    blush = BLUSH[figure.attributes["skin"]]
    opacity = (0.42 if not boy else 0.26) + 0.14 * figure.shapes["blush"]
    if figure.attributes["expression"] in ("smiling", "laughing", "winking"):
        opacity += 0.12
    cheeks = "".join(
        f'<ellipse cx="{s * 41}" cy="31" rx="11.5" ry="7" fill="{blush}" opacity="{opacity:.2f}"/>'
        for s in (-1, 1)
    )
    return (
        ears
        + f'<path d="{outline}" fill="url(#skin)" stroke="{skin.line}" stroke-width="3"/>'
        + cheeks
        + f'<path d="M-2.5 27q2.5 2.5 5 0" fill="none" stroke="{skin.line}" stroke-width="2.2" '
        'stroke-linecap="round" opacity=".75"/>'
    )


def eyes(figure: Figure) -> str:
    """Both eyes as the expression wants them."""
    expression = figure.attributes["expression"]
    x, y = _eye_place(figure)
    if expression == "laughing":
        both = closed_eye(figure, -x, y) + closed_eye(figure, x, y)
    elif expression == "winking":
        both = open_eye(figure, -x, y) + closed_eye(figure, x, y)
    else:
        both = open_eye(figure, -x, y) + open_eye(figure, x, y)
    return both


def _eye_place(figure: Figure) -> tuple[float, float]:
    """Distance of each eye from the middle, and height."""
    return 30.5 + 2 * figure.shapes["eye_distance"], 8.5 + 2 * figure.shapes["eye_height"]


def open_eye(figure: Figure, x: float, y: float) -> str:
    """Sclera, iris with depth, pupil, two highlights, a heavy upper lid and, on girls, lashes."""
    s, expression = figure.shapes, figure.attributes["expression"]
    girl = figure.attributes["character"] == "girl"
    tones = EYES[figure.attributes["eye_colour"]]
    side = 1 if x > 0 else -1
    rx = 14.5 + 1.2 * s["eye_size"]
    ry = (20 if girl else 15.5) + 1.6 * s["eye_size"]
    iris = 0.86
    if expression == "surprised":
        ry, iris = ry + 3, 0.6
    cx, cy = x + 1.8 * s["gaze_x"], y + 1.5 + 1.2 * s["gaze_y"]
    ix, iy = rx * iris, ry * (iris if expression == "surprised" else 0.92)
    lid = {"angry": -0.34, "sad": 0.28}.get(expression, 0.0) * side
    cut = 0.0 if lid == 0 else 5.0
    clip = f"e{'r' if side > 0 else 'l'}"
    top = y - ry
    left, right = top + cut - lid * rx, top + cut + lid * rx
    if lid:  # the lid cuts the eye along a slanted line
        shape = (
            f"M{x - rx - 3:.1f} {left + lid * -3:.1f}L{x + rx + 3:.1f} {right + lid * 3:.1f}"
            f"V{y + ry + 2:.1f}H{x - rx - 3:.1f}Z"
        )
        clip_path = (
            f'<clipPath id="{clip}c"><path d="{shape}"/></clipPath><clipPath id="{clip}" '
            f'clip-path="url(#{clip}c)"><ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" '
            f'ry="{ry:.1f}"/></clipPath>'
        )
        lash = (
            f"M{x - rx:.1f} {left + 1:.1f}Q{x:.1f} {top + cut - 3:.1f} {x + rx:.1f} {right + 1:.1f}"
        )
    else:
        clip_path = (
            f'<clipPath id="{clip}"><ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" '
            f'ry="{ry:.1f}"/></clipPath>'
        )
        lash = (
            f"M{x - rx - 0.5:.1f} {y - ry * 0.35:.1f}C{x - rx * 0.8:.1f} {top - 3:.1f} "
            f"{x + rx * 0.8:.1f} {top - 3:.1f} {x + rx + 0.5:.1f} {y - ry * 0.35:.1f}"
        )
    wings = ""
    if girl:
        wx = x + side * (rx - 0.5)
        wy = y - ry * 0.38 if not lid else (right if side > 0 else left) + 1
        wings = (
            f'<path d="M{wx - side * 3:.1f} {wy - 6:.1f}L{wx + side * 8:.1f} {wy - 7:.1f}'
            f"L{wx:.1f} {wy:.1f}L{wx + side * 8:.1f} {wy + 1.5:.1f}L{wx - side * 1.5:.1f} "
            f'{wy + 7:.1f}Z" fill="{tones.line}"/>'
        )
    tear = ""
    if expression == "sad" and side < 0:
        tear = (
            f'<path d="M{x - 4:.1f} {y + ry + 1:.1f}q-5.5 9 0 11.5q5.5 -2.5 0 -11.5Z" '
            'fill="#8fd4ff" stroke="#3d8fd0" stroke-width="1.4"/>'
        )
    return (
        f'{clip_path}<g clip-path="url(#{clip})">'
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="#fffdfb"/>'
        f'<ellipse cx="{cx:.1f}" cy="{cy:.1f}" rx="{ix:.1f}" ry="{iy:.1f}" fill="url(#iris)" '
        f'stroke="{tones.line}" stroke-width="1.6"/>'
        f'<ellipse cx="{cx:.1f}" cy="{cy - 1:.1f}" rx="{ix * 0.45:.1f}" ry="{iy * 0.46:.1f}" '
        f'fill="{tones.line}"/>'
        f'<ellipse cx="{cx:.1f}" cy="{cy + iy * 0.62:.1f}" rx="{ix * 0.55:.1f}" '
        f'ry="{iy * 0.26:.1f}" fill="{tones.light}" opacity=".85"/>'
        f'<rect x="{x - 20:.1f}" y="{top - 4:.1f}" width="40" height="{cut + 9:.1f}" '
        'fill="#3a2440" opacity=".22"/>'
        f'<ellipse cx="{cx - ix * 0.36:.1f}" cy="{cy - iy * 0.42:.1f}" rx="{ix * 0.33:.1f}" '
        f'ry="{iy * 0.27:.1f}" fill="#fff"/>'
        f'<circle cx="{cx + ix * 0.4:.1f}" cy="{cy + iy * 0.4:.1f}" r="{ix * 0.17:.1f}" fill="#fff"/>'
        "</g>"
        f'<path d="{lash}" fill="none" stroke="{tones.line}" '
        f'stroke-width="{5 if girl else 4.4}" stroke-linecap="round"/>'
        f'<path d="M{x - rx * 0.55:.1f} {y + ry - 0.5:.1f}q{rx * 0.55:.1f} 2.6 {rx * 1.1:.1f} 0" '
        f'fill="none" stroke="{tones.line}" stroke-width="1.8" stroke-linecap="round"/>'
        f"{wings}{tear}"
    )


def closed_eye(figure: Figure, x: float, y: float) -> str:
    """A happy upward arc."""
    girl = figure.attributes["character"] == "girl"
    line = SKIN[figure.attributes["skin"]].line
    side = 1 if x > 0 else -1
    wing = (
        f"M{x + side * 14:.1f} {y + 6:.1f}l{side * 7} -1.5M{x + side * 12:.1f} {y:.1f}l{side * 8} -5"
        if girl
        else ""
    )
    return (
        f'<path d="M{x - 15:.1f} {y + 7:.1f}Q{x:.1f} {y - 15:.1f} {x + 15:.1f} {y + 7:.1f}{wing}" '
        f'fill="none" stroke="{line}" stroke-width="5" stroke-linecap="round" '
        'stroke-linejoin="round"/>'
    )


def brows(figure: Figure) -> str:
    """Thin on girls, thick on boys; slanted by the expression; drawn over the fringe."""
    x, y = _eye_place(figure)
    expression = figure.attributes["expression"]
    girl = figure.attributes["character"] == "girl"
    line = SKIN[figure.attributes["skin"]].line
    height = y - 29 - 2 * figure.shapes["brow_height"]
    inner, outer, lift = {
        "angry": (7.0, -6.0, 5.0),
        "sad": (-7.0, 5.0, 1.0),
        "surprised": (0.0, 0.0, -6.0),
        "laughing": (0.0, 1.0, -1.0),
    }.get(expression, (0.0, 1.0, 0.0))
    drawn = ""
    for side in (-1, 1):
        x0, x1 = side * (x - 11), side * (x + 11)
        drawn += (
            f"M{x0:.1f} {height + lift + inner:.1f}Q{side * x:.1f} {height + lift - 4:.1f} "
            f"{x1:.1f} {height + lift + outer:.1f}"
        )
    return (
        f'<path d="{drawn}" fill="none" stroke="{line}" stroke-width="{3 if girl else 6.4}" '
        'stroke-linecap="round"/>'
    )


def mouth(figure: Figure) -> str:
    """The mouth of each expression."""
    s = figure.shapes
    line = SKIN[figure.attributes["skin"]].line
    y = 41.5 + 1.5 * s["mouth_height"]
    k = 1 + 0.14 * s["mouth_width"]

    def stroke(path: str, width: float = 3.2) -> str:
        return (
            f'<path d="{path}" fill="none" stroke="{line}" stroke-width="{width}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )

    def opened(path: str, tongue: str) -> str:
        return (
            f'<path d="{path}" fill="#8e2338" stroke="{line}" stroke-width="2.6" '
            f'stroke-linejoin="round"/>{tongue}'
        )

    match figure.attributes["expression"]:
        case "smiling":
            return stroke(f"M{-11 * k:.1f} {y - 1:.1f}Q0 {y + 10:.1f} {11 * k:.1f} {y - 1:.1f}")
        case "laughing":
            return opened(
                f"M{-16 * k:.1f} {y - 5:.1f}Q0 {y - 1:.1f} {16 * k:.1f} {y - 5:.1f}"
                f"Q{13 * k:.1f} {y + 13:.1f} 0 {y + 13:.1f}Q{-13 * k:.1f} {y + 13:.1f} "
                f"{-16 * k:.1f} {y - 5:.1f}Z",
                f'<ellipse cx="0" cy="{y + 8.5:.1f}" rx="{7.5 * k:.1f}" ry="4" fill="#ff8f9a"/>',
            )
        case "winking":
            return opened(
                f"M{-9 * k:.1f} {y - 3:.1f}Q0 {y:.1f} {11 * k:.1f} {y - 4:.1f}"
                f"Q{8 * k:.1f} {y + 9:.1f} 0 {y + 9:.1f}Q{-7 * k:.1f} {y + 8:.1f} "
                f"{-9 * k:.1f} {y - 3:.1f}Z",
                f'<ellipse cx="1" cy="{y + 5.5:.1f}" rx="{4.5 * k:.1f}" ry="2.6" fill="#ff8f9a"/>',
            )
        case "surprised":
            return opened(
                f"M0 {y - 6:.1f}a{6.5 * k:.1f} 9 0 1 1 -.1 0Z",
                f'<ellipse cx="0" cy="{y + 8:.1f}" rx="{4 * k:.1f}" ry="2.6" fill="#ff8f9a"/>',
            )
        case "sad":
            return stroke(f"M{-9 * k:.1f} {y + 6:.1f}Q0 {y - 4:.1f} {9 * k:.1f} {y + 6:.1f}")
        case "angry":
            return stroke(
                f"M{-12 * k:.1f} {y + 7:.1f}Q{-7 * k:.1f} {y - 3:.1f} 0 {y + 1:.1f}"
                f"Q{7 * k:.1f} {y - 3:.1f} {12 * k:.1f} {y + 7:.1f}",
                3.6,
            )
    return stroke(f"M{-7.5 * k:.1f} {y + 2:.1f}h{15 * k:.1f}")


def anger_mark(figure: Figure) -> str:
    """The popping vein of comics, beside the brow of an angry face."""
    if figure.attributes["expression"] != "angry":
        return ""
    return (
        '<path d="M46 -46q1 8 -7 8M50 -46q-1 8 7 8M46 -28q1 -7 -7 -7M50 -28q-1 -7 7 -7" fill="none" '
        'stroke="#fff" stroke-width="7" stroke-linecap="round"/>'
        '<path d="M46 -46q1 8 -7 8M50 -46q-1 8 7 8M46 -28q1 -7 -7 -7M50 -28q-1 -7 7 -7" fill="none" '
        'stroke="#e0243c" stroke-width="3.6" stroke-linecap="round"/>'
    )


def glasses(figure: Figure) -> str:
    """Round glasses with a glint."""
    if figure.attributes["glasses"] == "none":
        return ""
    x, y = _eye_place(figure)
    y += 2.5
    frame = "#2a2436" if figure.attributes["skin"] in ("light", "tan") else "#f6e7c8"
    lens = "".join(
        f'<circle cx="{s * x:.1f}" cy="{y:.1f}" r="24.5" fill="#e8f6ff" fill-opacity=".1" '
        f'stroke="{frame}" stroke-width="4.6"/>'
        f'<path d="M{s * x - 15:.1f} {y - 10:.1f}q3 -6 9 -8.5" fill="none" stroke="#fff" '
        'stroke-width="3.4" stroke-linecap="round" opacity=".9"/>'
        for s in (-1, 1)
    )
    w = x + 24.5
    return (
        lens + f'<path d="M{-x + 24.5:.1f} {y - 2:.1f}Q0 {y - 8:.1f} {x - 24.5:.1f} {y - 2:.1f}'
        f'M{-w:.1f} {y - 4:.1f}l-9 -4M{w:.1f} {y - 4:.1f}l9 -4" fill="none" stroke="{frame}" '
        'stroke-width="4.2" stroke-linecap="round"/>'
    )
