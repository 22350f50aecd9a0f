"""An evaluation as one picture: bars of accuracies, wrong pictures, nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw
from torch import Tensor

from clipavatar.chibi.labels import VALUES
from clipavatar.images import font, has_chinese, to_pil
from clipavatar.metrics.attributes import Share
from clipavatar.metrics.judging import plain
from clipavatar.metrics.report import Trust, entropies, number, own_accuracies, own_heads
from clipavatar.metrics.results import Copy, Evaluation, Wrong
from clipavatar.metrics.texts import SETS
from clipavatar.prompts import CJK, LANGUAGES

WIDTH, MARGIN = 1400, 30
NAMES = 130  # pixels for the attributes' names
ROW, BAR = 30, 10  # height of an attribute's row, and of one bar in it
COLOURS = {"en": "#3b82c4", "zh": "#e0653a"}
INK, PALE, LINE = "#2b2b33", "#8a8a94", "#e4e4ea"
PICTURE, CELL = 120, 220  # side of a picture on the sheets, width of its cell
WRONG = 30  # pictures shown
LINE_HEIGHT = 20  # of a row of a table


def report_picture(made: Evaluation, trust: Trust) -> Image.Image:
    """Bars of accuracies where there are any, all other figures, pictures of what is wrong.

    The last are the ones that miss something, and those nearest to training pictures.
    """
    parts = [_bars(made)] if made.shares else []
    parts.append(_figures(made, trust))
    if made.wrong:
        step = max(1, len(made.wrong) // WRONG)
        shown = made.wrong[::step][:WRONG]
        title = (
            f"{len(made.wrong)} pictures miss something they were asked for; of these {len(shown)}"
        )
        parts.append(_grid(title, [_wrong_cell(wrong) for wrong in shown]))
    if made.copies:
        title = "the pictures nearest to training pictures (right), and how far from them"
        parts.append(_grid(title, [_copy_cell(copy) for copy in made.copies]))
    sheet = Image.new("RGB", (WIDTH, sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet


def _bars(made: Evaluation) -> Image.Image:
    """A panel for each set of texts; in it a row for each attribute with a bar a language."""
    names = ["all", *VALUES]
    top = MARGIN + 70
    image = Image.new("RGB", (WIDTH, top + ROW * len(names) + MARGIN + 20), "white")
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, MARGIN - 8), "Attribute accuracy, %", INK, font(22))
    languages = {"en": "English", "zh": "Chinese 中文" if has_chinese() else "Chinese"}
    for place, language in enumerate(LANGUAGES):
        x = MARGIN + 330 + 130 * place
        draw.rectangle((x, MARGIN, x + 14, MARGIN + 14), COLOURS[language])
        draw.text((x + 20, MARGIN - 2), languages[language], INK, font(14))
    draw.text((MARGIN + 620, MARGIN - 2), "thin line: 95 % interval (bootstrap)", PALE, font(14))
    for row, name in enumerate(names):
        y = top + row * ROW + ROW // 2
        draw.text((MARGIN, y), name.replace("_", " "), INK, font(15), anchor="lm")
    panel = (WIDTH - 2 * MARGIN - NAMES) // len(SETS)
    for place, kind in enumerate(SETS):
        left = MARGIN + NAMES + place * panel
        draw.text((left, top - 34), kind, INK, font(16))
        _panel(draw, made.shares[kind], names, left, top, panel - 64)
    return image


def _panel(
    draw: ImageDraw.ImageDraw,
    shares: dict[str, dict[str, Share]],
    names: Sequence[str],
    left: int,
    top: int,
    width: int,
) -> None:
    for percent in (0, 25, 50, 75, 100):
        x = left + width * percent // 100
        draw.line((x, top, x, top + ROW * len(names)), LINE)
        draw.text((x, top - 3), str(percent), PALE, font(11), anchor="mb")
    for row, name in enumerate(names):
        for place, language in enumerate(LANGUAGES):
            share = shares[language].get(name)
            y = top + row * ROW + 4 + place * (BAR + 2)
            if share is None:
                draw.text((left + 2, y - 2), "not said", PALE, font(10))
                continue
            end = left + width * share.percent / 100
            draw.rectangle((left, y, end, y + BAR), COLOURS[language])
            low, high = (left + width * edge / 100 for edge in (share.low, share.high))
            draw.line((low, y + BAR // 2, high, y + BAR // 2), INK)
            for edge in (low, high):
                draw.line((edge, y + 3, edge, y + BAR - 3), INK)
            figure = f"{share.percent:.1f}"
            draw.text((left + width + 6, y + BAR // 2), figure, INK, font(11), anchor="lm")


def _figures(made: Evaluation, trust: Trust) -> Image.Image:
    """The other figures, beside them how far the judge can be trusted and the entropies.

    The notes stand below.
    """
    figures = [["figure", "model", "true pictures"]]
    figures += [[name, number(x.model), number(x.true)] for name, x in made.figures.items()]
    beside: list[list[list[str]]] = []
    if made.shares:
        names = [*VALUES, "all"]
        own = [[name.replace("_", " "), *own_accuracies(made, trust, name)] for name in names]
        beside.append([["the judge, %", *own_heads(made)], *own])
    if made.unsaid:
        beside.append(entropies(made))
    lines = max(len(figures), sum(len(rows) + 1 for rows in beside))
    notes = [line for note in made.notes for line in _wrapped(note, 4, WIDTH - 2 * MARGIN)]
    height = MARGIN + LINE_HEIGHT * (lines + len(notes)) + MARGIN // 2
    image = Image.new("RGB", (WIDTH, height), "white")
    draw = ImageDraw.Draw(image)
    _table(draw, figures, MARGIN, MARGIN // 2, 320, 120)
    top = MARGIN // 2
    for rows in beside:
        _table(draw, rows, 620, top, 220, 135)
        top += LINE_HEIGHT * (len(rows) + 1)
    for row, note in enumerate(reversed(notes), 1):
        draw.text((MARGIN, height - LINE_HEIGHT * row), note, INK, font(12))
    return image


def _table(
    draw: ImageDraw.ImageDraw, rows: list[list[str]], left: int, top: int, place: int, step: int
) -> None:
    """Rows under their heads; from `place` on a column every `step` pixels."""
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            x = left + (place + (column - 1) * step if column else 0)
            draw.text(
                (x, top + LINE_HEIGHT * row), cell, INK if row else PALE, font(13 if row else 12)
            )


def _grid(title: str, cells: Sequence[Image.Image]) -> Image.Image:
    columns = (WIDTH - 2 * MARGIN) // CELL
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) + 14 for row in rows]
    image = Image.new("RGB", (WIDTH, MARGIN + 36 + sum(heights)), "white")
    ImageDraw.Draw(image).text((MARGIN, MARGIN - 8), title, INK, font(18))
    top = MARGIN + 30
    for row, height in zip(rows, heights, strict=True):
        for place, cell in enumerate(row):
            image.paste(cell, (MARGIN + place * CELL, top))
        top += height
    return image


def _wrong_cell(wrong: Wrong) -> Image.Image:
    """The picture in a red frame, its text, and below it what is wrong."""
    text = wrong.case.text
    if CJK.search(text) and not has_chinese():
        text = ", ".join(value for value in wrong.case.said.values() if value != "none")
    lines = [(line, INK) for line in _wrapped(text, 4)]
    lines += [(line, "#c62828") for said in wrong.mistakes[:5] for line in _wrapped(said, 2)]
    image = Image.new("RGB", (CELL, PICTURE + 12 + 15 * len(lines)), "white")
    image.paste(_picture(wrong.pixels), (3, 3))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, PICTURE + 5, PICTURE + 5), outline="#c62828", width=3)
    for row, (line, colour) in enumerate(lines):
        draw.text((0, PICTURE + 9 + 15 * row), line, colour, font(12))
    return image


def _copy_cell(copy: Copy) -> Image.Image:
    half = (CELL - 12) // 2
    image = Image.new("RGB", (CELL, half + 22), "white")
    for place, pixels in enumerate((copy.pixels, copy.neighbour)):
        image.paste(_picture(pixels).resize((half, half)), (place * (half + 2), 0))
    draw = ImageDraw.Draw(image)
    draw.text((0, half + 4), f"distance {copy.distance:.2f}", INK, font(12))
    return image


def _picture(pixels: Tensor) -> Image.Image:
    return to_pil(plain(pixels[None])[0]).resize((PICTURE, PICTURE), Image.Resampling.BICUBIC)


def _wrapped(text: str, most: int, width: int = CELL - 14) -> list[str]:
    """`text` in at most so many lines of `width` pixels; Chinese breaks anywhere."""
    small, lines = font(12), [""]
    for word in text.replace(" ", " \0").split("\0") if text.isascii() else text:
        if lines[-1] and small.getlength(lines[-1] + word) > width:
            lines.append("")
        lines[-1] += word
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][:-2] + "…"]
