"""Hair that ends above the shoulders, and none at all."""

from __future__ import annotations

import math

from clipavatar.chibi.hair_fringe import fringe_of
from clipavatar.chibi.hair_shine import stray_hairs
from clipavatar.chibi.hair_strokes import (
    FRONT,
    RIM,
    SIDES,
    curls,
    filled,
    gloss,
    lock,
    shadow,
    strands,
    swirls,
    wisp,
)
from clipavatar.chibi.palette import Tones, skin_tones
from clipavatar.chibi.sample import Figure


def nothing(figure: Figure, colours: Tones) -> str:
    return ""


def bald_front(figure: Figure, colours: Tones) -> str:
    """A gentle shine on the skull."""
    light, x = skin_tones(figure).light, 3 * figure.shapes["strand_a"]
    return (
        f'<path d="M{-46 + x:.1f} -38Q{-38 + x:.1f} -57 {-16 + x:.1f} -62Q{-10 + x:.1f} -60 {-14 + x:.1f} -55'
        f'Q{-30 + x:.1f} -50 {-38 + x:.1f} -36Q{-43 + x:.1f} -32 {-46 + x:.1f} -38Z" fill="{light}" fill-opacity=".9"/>'
        f'<ellipse cx="{-1 + x:.1f}" cy="-60" rx="5.5" ry="3" transform="rotate(4 {-1 + x:.1f} -60)" '
        f'fill="{light}" fill-opacity=".9"/>'
        f'<path d="M{-39 + x:.1f} -42Q{-34 + x:.1f} -52 {-22 + x:.1f} -56" fill="none" '
        'stroke="#fff" stroke-width="5" stroke-linecap="round" stroke-opacity=".8"/>'
    )


def short_back(figure: Figure, colours: Tones) -> str:
    """Close to the skull, tapering into the nape."""
    v = 2 * figure.shapes["hair_volume"]
    y = 34 + 3 * figure.shapes["hair_length"]
    return filled(
        f"M{-66 - v:.1f} -20C{-70 - v:.1f} 6 {-64 - v:.1f} 22 -56 {y:.1f}L-48 {y + 12:.1f}H48L56 {y:.1f}"
        f"C{64 + v:.1f} 22 {70 + v:.1f} 6 {66 + v:.1f} -20Z",
        colours,
    )


def short_front(figure: Figure, colours: Tones) -> str:
    return ""


def bob_back(figure: Figure, colours: Tones) -> str:
    """A round bell."""
    v, y = 3 * figure.shapes["hair_volume"], 62 + 4 * figure.shapes["hair_length"]
    return filled(
        f"M0 -80C{-70 - v:.1f} -84 {-108 - v:.1f} 30 {-80 - v:.1f} {y:.1f}"
        f"C-70 {y + 10:.1f} -56 {y + 8:.1f} -44 {y - 2:.1f}H44C56 {y + 8:.1f} 70 {y + 10:.1f} {80 + v:.1f} {y:.1f}"
        f"C{108 + v:.1f} 30 {70 + v:.1f} -84 0 -80Z",
        colours,
    ) + strands(colours, *(wisp(s * 60, y, s * 76, y - 6, s * 84, 34, 1.5) for s in SIDES))


def bob_front(figure: Figure, colours: Tones) -> str:
    """Full sides whose ends turn in under the chin."""
    v, y = 3 * figure.shapes["hair_volume"], 60 + 4 * figure.shapes["hair_length"]
    b = 2 * figure.shapes["strand_b"]
    return (
        stray_hairs(figure, colours)
        + "".join(
            lock(
                f"{s * 52} -16C{s * 60} -44 {s * (78 + v):.1f} -44 {s * (83 + v):.1f} 12",
                f"C{s * (90 + v):.1f} 40 {s * 76} {y + 2:.1f} {s * (40 + b):.1f} {y + 1:.1f}"
                f"C{s * 56} {y - 12:.1f} {s * 62} 22 {s * 52} -16",
                colours,
                3,
            )
            + strands(
                colours,
                wisp(s * 66, -8, s * 80, 30, s * 56, y - 6, 1.6),
                wisp(s * 74, -10, s * 88, 30, s * 68, y - 12, 1.2),
            )
            for s in SIDES
        )
        + shadow(
            f"M83 8C88 40 72 {y + 2:.1f} {40 + b:.1f} {y + 1:.1f}C66 {y - 6:.1f} 76 34 83 8Z",
            colours,
        )
        + gloss(colours, wisp(-72, -6, -82, 10, -77, 30, 3.2), wisp(62, 0, 70, 12, 68, 26, 2))
    )


# Tips of spiky hair: base on the skull, and how far the tip stands off.
_SPIKES = (
    (-74, 22, 18),
    (-76, -18, 34),
    (-60, -56, 38),
    (-26, -80, 36),
    (16, -82, 38),
    (52, -62, 36),
    (74, -24, 25),
    (74, 20, 16),
)


def spiky_back(figure: Figure, colours: Tones) -> str:
    """Eight big sharp spikes, all leaning a little to one side."""
    lean = 8 + 5 * figure.shapes["strand_a"]
    far = 4 * figure.shapes["hair_volume"]
    path, before = "M-58 46", (0.0, 0.0)
    for i, (x, y, reach) in enumerate(_SPIKES):
        k = 1 + (reach + far) / math.hypot(x, y)
        tip = (x * k + lean * (1 if y < 0 else 0.3), y * k)
        if i:
            mx, my = (before[0] + x) / 2, (before[1] + y) / 2
            near = 76 / math.hypot(mx, my)
            path += f"L{mx * near:.1f} {my * near - 5:.1f}"
        path += f"Q{x * 1.22 - lean * 0.5:.1f} {y * 1.22:.1f} {tip[0]:.1f} {tip[1]:.1f}"
        before = (x, y)
    return filled(path + "L58 46Z", colours, RIM) + _under(figure, colours)


def _under(figure: Figure, colours: Tones) -> str:
    """The darker hair behind cheeks and neck."""
    return shadow("M-64 0L-60 34L-50 45H50L60 34L64 0Z", colours, 0.35)


def spiky_front(figure: Figure, colours: Tones) -> str:
    """Lines that lead from the crown into the spikes, and a pointed lock before each ear."""
    lean = 4 * figure.shapes["strand_a"]
    return strands(
        colours,
        wisp(-22, -70, -28, -82, -26 + lean, -94, 2.2),
        wisp(14, -70, 20, -82, 22 + lean, -96, 2.2),
        wisp(46, -54, 56, -64, 66 + lean, -72, 2.2),
        wisp(-52, -48, -62, -58, -66 + lean, -66, 2),
        wisp(-62, -14, -74, -18, -88, -20, 1.8),
        wisp(62, -18, 76, -24, 88, -28, 1.8),
    ) + _sharp_locks(figure, colours, 30)


def _sharp_locks(figure: Figure, colours: Tones, length: float) -> str:
    y = length + 4 * figure.shapes["strand_b"]
    return "".join(
        lock(
            f"{s * 53} -10Q{s * 62} -40 {s * 70} -6",
            f"Q{s * 71} {y * 0.6:.1f} {s * 58} {y:.1f}Q{s * 60} 12 {s * 53} -10",
            colours,
            2.6,
        )
        for s in SIDES
    )


# Locks of messy hair, clockwise: on the left each goes from its root to the tip and by a round
# back up to the next root (x, y, tip x, tip y, back x, back y); on the right the other way.
_LEFT_LOCKS = (
    (-44, 56, -80, 64, -80, 46),
    (-70, 42, -104, 38, -98, 16),
    (-84, 12, -103, 0, -100, -30),
    (-82, -30, -97, -44, -86, -66),
    (-66, -64, -76, -84, -54, -88),
)
_RIGHT_LOCKS = (
    (-14, -94, 14, -106, 46, -100),
    (38, -86, 66, -90, 86, -68),
    (74, -58, 100, -46, 101, -12),
    (86, -14, 104, 8, 102, 38),
    (84, 26, 96, 44, 80, 64),
)


def messy_back(figure: Figure, colours: Tones) -> str:
    """Tousled locks that fall over one another, no two alike."""
    path = ""
    a, v = 2 * figure.shapes["strand_a"], 1 + 0.03 * figure.shapes["hair_volume"]
    for i, (x, y, tip_x, tip_y, back_x, back_y) in enumerate(_LEFT_LOCKS):
        jut = a * (-1) ** i
        path += (
            f"{'' if path else 'M'}{x} {y}Q{(x + tip_x) / 2 + 4:.1f} {(y + tip_y) / 2 + 6:.1f} "
            f"{tip_x * v:.1f} {tip_y + jut:.1f}Q{back_x * v:.1f} {back_y} "
        )
    path += "-38 -84"
    for i, (x, y, back_x, back_y, tip_x, tip_y) in enumerate(_RIGHT_LOCKS):
        jut = a * (-1) ** i
        path += f"L{x} {y}Q{back_x * v:.1f} {back_y} {tip_x * v:.1f} {tip_y + jut:.1f}"
    return filled(path + "Q74 52 62 50L44 56Z", colours, RIM) + _under(figure, colours)


def messy_front(figure: Figure, colours: Tones) -> str:
    """The ahoge, tufts on the crown and ragged side locks."""
    a, b = 4 * figure.shapes["strand_a"], 3 * figure.shapes["strand_b"]
    ahoge = f"M-8 -84C-12 -104 {4 + a:.1f} -122 {30 + a:.1f} -114C{16 + a:.1f} -112 4 -102 6 -84"
    return (
        f'<path d="{ahoge}" fill="{RIM}" stroke="{colours.line}" stroke-width="3" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
        + strands(
            colours,
            wisp(-36, -66, -44 + b, -78, -34, -86, 2.2),
            wisp(30, -68, 44 + b, -80, 56, -76, 2.2),
            wisp(-62, -30, -76, -38, -76, -48, 2),
            wisp(62, -26, 80, -26, 86, -14, 2),
        )
        + _sharp_locks(figure, colours, 36)
    )


def curly_back(figure: Figure, colours: Tones) -> str:
    """A cloud of curls around head and neck."""
    r, a = 21 + 2 * figure.shapes["hair_volume"], 1.5 * figure.shapes["strand_a"]
    ring = [
        (80 * math.cos(angle) + a, -10 - 78 * math.sin(angle), r + 1.5 * math.sin(2.6 * i))
        for i, angle in enumerate(math.pi * (1.24 - 1.48 * i / 12) for i in range(13))
    ]
    low = [(s * x, y, r - less) for s in SIDES for x, y, less in ((70, 52, 1), (54, 70, 6))]
    return (
        curls([*ring, *low, (0, 0, 72)], colours)
        + shadow("M-66 0Q-64 44 -40 56Q0 74 40 56Q64 44 66 0Z", colours, 0.3)
        + swirls([*ring[::2], *low[::2]], colours)
        + gloss(
            colours, wisp(-94, -30, -92, -44, -80, -52, 3), wisp(-52, -76, -46, -86, -34, -87, 2.6)
        )
    )


def _curly_points(figure: Figure) -> list[tuple[float, float, float]]:
    s = figure.shapes
    return [
        (x + 3 * s["fringe_sweep"], y + 2 * s["strand_b"] * (-1) ** i + 2.5 * s["fringe_length"], r)
        for i, (x, y, r) in enumerate(fringe_of(figure).curls)
    ]


def curly_front(figure: Figure, colours: Tones) -> str:
    """Curls along the fringe, joined to the crown."""
    points = _curly_points(figure)
    return (
        curls(points, colours)
        + f'<path d="{_curly_crown(points)}" fill="{FRONT}"/>'
        + swirls(points, colours)
        + fringe_of(figure).light(figure, colours)
    )


def _curly_crown(points: list[tuple[float, float, float]]) -> str:
    """From the cloud down to the middles of the fringe's curls."""
    inner = "".join(f"L{x:.1f} {y:.1f}" for x, y, _ in reversed(points))
    return f"M-70 -30Q-58 -86 0 -88Q58 -86 70 -30{inner}Z"


def curly_outline(figure: Figure) -> str:
    """Of the shadow: crown and curls."""
    points = _curly_points(figure)
    rounds = "".join(
        f"M{x - r:.1f} {y:.1f}a{r} {r} 0 0 0 {2 * r} 0a{r} {r} 0 0 0 {-2 * r} 0Z"
        for x, y, r in points
    )
    return _curly_crown(points) + rounds
