"""School, street and office: T-shirt, hoodie, sailor uniform, blazer, suit (see tailoring)."""

from __future__ import annotations

from clipavatar.chibi.tailoring import (
    BUTTON,
    CREAM,
    GOLD,
    HEM,
    NAVY,
    ROSE,
    Cut,
    bare_arms,
    both,
    bow,
    disc,
    shape,
    silhouette,
    stroke,
    torso,
)

STAR = "M0 14l5.3 10.6 11.7 1.7 -8.500 8.200 2 11.600 -10.500 -5.500 -10.500 5.500 2 -11.600 -8.500 -8.200 11.700 -1.700Z"


def t_shirt(c: Cut) -> str:
    """Round ribbed neckline, short sleeves, a big star."""
    w, t = c.width, c.cloth
    pale = c.colour in ("white", "yellow")
    fill, line = (c.accent.base, c.accent.line) if pale else ("#fffaf0", t.line)
    sleeve = (
        f"M{-w + 17:.1f} {HEM}L{-w + 17:.1f} 48Q{-w + 8:.1f} 45 {-w - 3:.1f} 38"
        f"C{-w + 1:.1f} {c.slope - 4:.1f} {-0.8 * w:.1f} 6 -26 -3"
    )
    shirt = (
        f"{sleeve}Q0 31 26 -3C{0.8 * w:.1f} 6 {w - 1:.1f} {c.slope - 4:.1f} {w + 3:.1f} 38"
        f"Q{w - 8:.1f} 45 {w - 17:.1f} 48L{w - 17:.1f} {HEM}Z"
    )
    f = 3 * c.fold
    light = f"M{-w + 2:.1f} 36C{-w + 4:.1f} {c.slope:.1f} {-0.72 * w:.1f} 9 -38 4C{-0.6 * w:.1f} 13 {-w + 12:.1f} 20 {-w + 9:.1f} 40Z"
    side = f"M{w - 3:.1f} 38C{w - 2:.1f} {c.slope - 2:.1f} {0.8 * w:.1f} 9 36 2Q{w - 20:.1f} 24 {w - 30:.1f} {HEM}L{w - 17:.1f} {HEM}L{w - 17:.1f} 46Z"
    return (
        bare_arms(c, 46)
        + shape(shirt, "url(#cloth)")
        + shape(light, t.light, more='opacity=".8"')
        + shape(side, t.shade, more='opacity=".7"')
        + shape(shirt, "none", t.line, 3.2)
        + both(stroke(f"M{-w + 17:.1f} 48q0 {-9 + f:.1f} 5 {-17 + f:.1f}", t.line, 2.2))
        + stroke("M-28 -3Q0 37 28 -3", t.line, 9.5)
        + stroke("M-28 -3Q0 37 28 -3", t.shade, 5)
        + f'<g transform="translate({1.5 * c.fold:.1f} 5)">'
        + shape(STAR, fill, line, 2.4)
        + "</g>"
    )


def hoodie(c: Cut) -> str:
    """A thick hood around the neck, its dark lining, and two long cords."""
    t = c.cloth
    cord = CREAM if c.colour not in ("white", "yellow", "grey") else c.accent
    s = 3 * c.fold
    lobe = "M-3 33C-30 30 -58 14 -55 -6C-54 -17 -42 -22 -31 -16C-25 -2 -14 10 0 15L4 31Z"
    roll = "M-10 23C-30 18 -43 8 -45 -5"
    lining = "M-34 -14Q0 4 34 -14L30 8L0 30L-30 8Z"
    end = f"M-11 29q{-4 + s:.1f} 9 {-2 + s:.1f} 17"
    return (
        torso(c, "Q0 24 26 -3")
        + shape(lining, t.line)
        + shape("M-16 -8Q0 2 16 -8Q12 14 0 18Q-12 14 -16 -8Z", c.skin.shade)
        + both(shape(lobe, t.base, t.line, 3.2) + stroke(roll, t.shade, 6.5))
        + stroke("M-47 -11q4 -4 10 -2", t.light, 4)
        + stroke("M0 34L0 84", t.line, 2.4)
        + both(stroke(end, cord.line, 6.4) + stroke(end, cord.base, 3.6))
        + disc(-13 + s, 46, 3.8, cord.base, cord.line)
        + disc(13 - s, 46, 3.8, cord.base, cord.line)
    )


def sailor_uniform(c: Cut) -> str:
    """A wide white collar with two stripes (navy on white cloth) and a big bow with tails."""
    white = c.colour == "white"
    collar = NAVY if white else CREAM
    stripe = "#ffffff" if white else c.cloth.shade if c.colour != "yellow" else "#c07a1a"
    flap = "M-25 -8C-40 -3 -48 4 -52 14Q-53 18 -49 20Q-26 28 0 35L2 25Q-16 14 -25 -8Z"
    tail = f"M-2 30L{-13 - 2 * c.fold:.1f} 56L-4 52L3 58L4 30Z"
    bright = ROSE if c.colour not in ("red", "pink", "orange") else GOLD
    ribbon = c.accent if c.colour in ("white", "black", "grey", "blue") else bright
    return (
        torso(c, "L0 30L26 -3")
        + shape("M-15 4L15 4L0 26Z", CREAM.base, c.cloth.line, 2)
        + both(
            shape(flap, collar.base, collar.line, 2.8)
            + stroke("M-45 15Q-25 22 0 29", stripe, 3.4)
            + stroke("M-45 15Q-41 7 -32 1", stripe, 3.4)
        )
        + both(shape(tail, ribbon.shade, ribbon.line, 2.4))
        + bow(30, 22, ribbon)
    )


def _jacket(c: Cut, shirt: str, lapels: str, opening: float) -> str:
    """A jacket over a shirt that shows down to `opening`."""
    white_collar = "M-15 -9L-26 -3L-17 15L0 3L0 -1Z"
    return (
        shape(silhouette(c, "L0 2L26 -3"), CREAM.base)
        + shape("M-22 2L0 10L26 -6L22 10L0 20L-22 14Z", CREAM.shade)
        + shirt
        + torso(c, f"L-30 4L0 {opening}L30 4L26 -3")
        + both(lapels + shape(white_collar, CREAM.base, CREAM.line, 2.4))
    )


def blazer(c: Cut) -> str:
    """School: piped round lapels, gold buttons, an emblem, and a ribbon bow."""
    t = c.cloth
    piping = (
        BUTTON.base
        if c.colour in ("red", "brown", "black", "blue", "purple", "green")
        else CREAM.base
    )
    if c.colour in ("white", "yellow"):
        piping = c.accent.base
    edge = "M-25 -4C-36 0 -38 8 -37 19Q-26 32 0 47"
    lapel = edge + "L0 36L-24 8Z"
    crest = "M-10 -8h20v9q-1 8 -10 12q-9 -4 -10 -12Z"
    ribbon = c.accent if c.accent.base != piping else ROSE
    if c.colour in ("red", "orange"):
        ribbon = NAVY
    lapels = shape(lapel, t.base, t.line, 2.4) + stroke(edge, t.line, 6) + stroke(edge, piping, 3.6)
    return (
        _jacket(c, "", lapels, 46)
        + stroke("M0 46L0 84", t.line, 2.4)
        + f'<g transform="translate({0.62 * c.width:.1f} 33)">'
        + shape(crest, BUTTON.base, BUTTON.line, 2.2)
        + shape("M-5 -3h10v4q-1 4 -5 6.500q-4 -2.500 -5 -6.500Z", ribbon.base)
        + "</g>"
        + bow(17, 19, ribbon)
        + disc(-6.5, 50, 4.2, BUTTON.base, BUTTON.line)
        + disc(8, 50, 4.2, BUTTON.base, BUTTON.line)
    )


def suit(c: Cut) -> str:
    """Office: sharp dark lapels, a white shirt and a long tie."""
    t = c.cloth
    tie = ROSE if c.colour in ("black", "blue", "brown", "green", "purple") else NAVY
    half = 7 + 0.8 * c.fold
    long = f"M-4.500 12L{-half:.1f} 42L0 60L{half:.1f} 42L4.500 12Z"
    shirt = (
        shape(long, tie.base, tie.line, 2.4)
        + stroke("M-6 31L5 22M-7 43L7 31", tie.light, 2.6)
        + shape("M-7.500 1H7.500L4.800 13H-4.800Z", tie.shade, tie.line, 2.4)
    )
    lapel = shape("M-25 -5L-40 13L-48 17L-35 26L0 64L0 58Q-20 30 -25 -5Z", t.shade, t.line, 2.8)
    square = (
        f'<g transform="translate({0.62 * c.width:.1f} 37)">'
        + shape("M-9 0L-6 -8L-1 -3L4 -9L9 0Z", CREAM.base, t.line, 2)
        + stroke("M-11 1H11", t.line, 2.8)
        + "</g>"
    )
    return _jacket(c, shirt, lapel, 62) + square
