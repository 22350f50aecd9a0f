import numpy as np
import pytest
import torch
from PIL import Image

from clipavatar import backgrounds, images


def random_rgba(size: int = 16) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 4), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_every_byte_survives_the_float_range():
    bytes_ = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1)
    floats = images.to_float(bytes_)
    assert floats.shape == (1, 1, 16, 16)
    assert (floats.min(), floats.max()) == (-1, 1)
    assert torch.equal(images.to_uint8(floats), bytes_)


def test_to_uint8_clamps_and_rounds():
    values = torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0]).reshape(1, 1, 1, 5)
    assert images.to_uint8(values).flatten().tolist() == [0, 0, 128, 255, 255]


def test_premultiply_and_back():
    straight = images.to_float(np.array(random_rgba())[None])
    straight[:, 3] = straight[:, 3].clamp(min=0)
    assert torch.allclose(images.unpremultiply(images.premultiply(straight)), straight, atol=1e-5)


def test_pillow_and_back_keeps_visible_pixels():
    before = random_rgba()
    after = np.array(images.to_pil(images.from_pil(before))).astype(int)
    before = np.array(before).astype(int)
    assert np.array_equal(after[..., 3], before[..., 3])
    visible = before[..., 3] > 0
    assert np.abs(after - before)[visible].max() <= 1


def test_low_alpha_neither_explodes_nor_speckles():
    nearly = torch.full((4, 1, 3), -1.0)
    nearly[:3] = 1.0  # colour far brighter than its alpha
    nearly[3, 0] = torch.tensor([-1.0, -1.0 + 1e-4, -1.0 + 4 / 255])
    pixels = np.array(images.to_pil(nearly))[0]
    assert pixels.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [255, 255, 255, 2]]


def test_opaque_pictures_have_three_channels():
    assert images.from_pil(Image.new("RGB", (4, 4))).shape == (3, 4, 4)
    assert images.from_pil(Image.new("LA", (4, 4))).shape == (4, 4, 4)
    assert images.to_pil(torch.zeros(3, 4, 4)).mode == "RGB"


def test_over_is_pillows_alpha_composite():
    front, back = random_rgba(), Image.new("RGB", (16, 16), (40, 200, 90))
    expected = Image.alpha_composite(back.convert("RGBA"), front).convert("RGB")
    made = images.over(images.from_pil(front)[None], images.from_pil(back)[None])
    made = images.to_uint8(made)[0].numpy().astype(int)
    assert np.abs(made - np.array(expected)).max() <= 1
    flat = images.from_pil(back)[None, :, :1, :1]
    assert np.array_equal(
        images.to_uint8(images.over(images.from_pil(front)[None], flat))[0].numpy(), made
    )


def test_over_passes_gradients_to_both_and_rgb_through():
    front = torch.zeros(1, 4, 2, 2, requires_grad=True)
    back = torch.zeros(1, 3, 1, 1, requires_grad=True)
    images.over(front, back).sum().backward()
    assert front.grad is not None
    assert back.grad is not None
    rgb = torch.rand(1, 3, 2, 2)
    assert images.over(rgb, back) is rgb


def test_resize_leaves_no_dark_fringe():
    disc = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    disc.paste((255, 0, 0, 255), (16, 16, 48, 48))
    small = np.array(images.to_pil(images.resize(images.from_pil(disc)[None], 23)[0]))
    seen = small[small[..., 3] > 8]
    assert seen[:, 0].min() >= 250
    assert images.resize(images.from_pil(disc)[None], 23).abs().max() <= 1


@pytest.mark.parametrize("size", [40, 64, 150])
def test_finish_is_resize_over_and_to_pil(size):
    figure = backgrounds.background("grass", 64).convert("RGBA")
    figure.putalpha(Image.radial_gradient("L").resize((64, 64)))
    image, behind = images.from_pil(figure), backgrounds.background("beach", size)
    resized = images.resize(image[None], size)
    flat = images.to_pil(images.over(resized, images.from_pil(behind)[None])[0])
    made = images.finish(image, size, behind)
    assert (made.mode, made.size) == ("RGB", (size, size))
    assert np.abs(np.array(made).astype(int) - np.array(flat)).mean() < 1
    clear = images.finish(image, size)
    assert clear.mode == "RGBA"
    assert np.abs(np.array(clear).astype(int) - np.array(images.to_pil(resized[0]))).mean() < 2
    assert images.finish(image[:3], size).mode == "RGB"


def test_contact_sheet():
    pictures = [random_rgba(32)] * 5
    sheet = images.contact_sheet(pictures, columns=3, labels=["双马尾", "b", "c", "d", "e"])
    assert sheet.mode == "RGB"
    assert sheet.width > 3 * 32
    assert sheet.height > 2 * 32
    with pytest.raises(ValueError, match="at least one"):
        images.contact_sheet([])


def test_a_long_label_stays_below_its_own_picture():
    pictures = [Image.new("RGB", (64, 64), "white")] * 2
    sheet = images.contact_sheet(pictures, columns=2, labels=["a rather long label", ""])
    ink = np.asarray(sheet.convert("L"))[66:] < 200
    assert ink[:, :67].any()
    assert not ink[:, 67:].any()


def test_every_line_of_a_label_stands_below_its_own_picture_and_above_the_next():
    pictures = [Image.new("RGB", (128, 64), "white")] * 2
    sheet = images.contact_sheet(pictures, columns=1, labels=["one\ntwo\nthree\nfour", ""])
    rows = (np.asarray(sheet.convert("L")) < 200).any(axis=1)
    lines = np.flatnonzero(np.diff(rows.astype(int)) == 1)
    assert len(lines) == 4
    assert rows[: 64 + 4].sum() == 0
    assert rows[-64 - 4 - 4 * 16 :].sum() == 0


def test_png_remembers_its_settings(tmp_path):
    settings = {"text": "双马尾 “女孩”", "seed": 2**63 - 1, "prompts": ["a", "é"]}
    path = images.save_png(random_rgba(), tmp_path / "new" / "a.png", settings)
    assert images.read_settings(path) == settings
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]
    first = path.read_bytes()
    with pytest.raises(FileExistsError, match="exists"):
        images.save_png(random_rgba(), path, {})
    assert path.read_bytes() == first
    images.save_png(random_rgba(), path, settings, force=True)
    assert path.read_bytes() == first


def test_foreign_pngs_have_no_settings(tmp_path):
    random_rgba().save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="not made by clipavatar"):
        images.read_settings(tmp_path / "a.png")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = images.save_png(random_rgba(), tmp_path / "a.png", {"seed": 1})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        images.save_png(random_rgba(), path, {"seed": 2}, force=True)
    assert images.read_settings(path) == {"seed": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", [*backgrounds.names(), "tomato", "#123456", "Starry_Night"])
def test_backgrounds(name):
    made = backgrounds.background(name, 50, seed=3)
    if name == "transparent":
        assert made is None
        return
    assert (made.mode, made.size) == ("RGB", (50, 50))
    assert made.tobytes() == backgrounds.background(name, 50, seed=3).tobytes()


@pytest.mark.parametrize("name", ["beach", "starry night", "pink", "sunset", "rainbow", "sky"])
def test_scenes_look_the_same_at_every_size(name):
    large = backgrounds.background(name, 512, seed=1).resize((32, 32), Image.Resampling.BOX)
    small = backgrounds.background(name, 128, seed=1).resize((32, 32), Image.Resampling.BOX)
    assert np.abs(np.array(large).astype(int) - np.array(small)).mean() < 3


def test_gradients_run_smoothly_through_their_colours():
    evening = np.array(backgrounds.background("sunset", 256)).astype(int)
    assert evening[0, :, 2].mean() > 150 > evening[0, :, 1].mean()  # violet above
    assert evening[-1].mean(axis=0)[0] > 240 > evening[-1].mean(axis=0)[2] + 30  # gold below
    assert np.abs(np.diff(evening[:, 128], axis=0)).max() <= 6
    arch = np.array(backgrounds.background("rainbow", 256).convert("HSV"))[:, 128]
    coloured = arch[arch[:, 1] > 40]
    assert len({hue // 43 for hue in coloured[:, 0].tolist()}) >= 5


@pytest.mark.parametrize("name", ["", "blurple", "#12", "#11223344", "rgb(1,2"])
def test_unknown_backgrounds_name_the_known(name):
    with pytest.raises(ValueError, match=r"unknown background .*cherry blossom"):
        backgrounds.background(name, 32)


def test_the_background_nobody_asked_for_depends_on_the_seed():
    chosen = [backgrounds.choose(seed, "girl") for seed in range(40)]
    assert len(set(chosen)) > 3
    assert chosen == [backgrounds.choose(seed, "girl") for seed in range(40)]
