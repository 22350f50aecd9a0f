"""A search that goes on from a saved picture, keeps some of it, and shows its way."""

import dataclasses

import pytest
import torch
from conftest import NAMED, TINY, TinyClip
from PIL import Image

from clipavatar import cli, images, keeping
from clipavatar.chibi.draw import pixels as draw_figure
from clipavatar.chibi.labels import SIZES
from clipavatar.chibi.sample import SAMPLING, figure
from clipavatar.config import NOISE_SIZE
from clipavatar.keeping import KEPT, check_keep, keep_choices
from clipavatar.latents import sample_noise
from clipavatar.models import Generator
from clipavatar.pipeline import AvatarPipeline
from clipavatar.spaces import draw
from clipavatar.understanding import understand

TEXTS = ["cute girl, twin tails", "银发 猫耳 女孩", "girl, (pink hair:1.5) | boy:0.4"]
FAST = {"size": 32, "candidates": 3, "mode": "optimize", "steps": 8}
RGB = dataclasses.replace(TINY, image_channels=3)


def sampled(pipeline, text, **options):
    return pipeline.generate(text, size=32, candidates=3, **options)


def pixels(avatar):
    return avatar.image.tobytes()


def start_of(pipeline, text, **options):
    """What a search would start from."""
    settings = pipeline.settings(text, **options)
    return pipeline.latent(settings, pipeline.target(settings), options.get("start_from", ""))


class TestGoingOn:
    @pytest.mark.parametrize("mode", ["sample", "optimize"])
    def test_a_saved_avatar_is_drawn_again_exactly(self, named, tmp_path, mode):
        text, options = TEXTS[0], {**FAST, "mode": mode}
        first = named.generate(text, seed=4, **options)
        path = first.save(tmp_path / "first")
        again = named.generate(text, start_from=path, size=32)
        assert pixels(again) == pixels(first)
        assert again.score == first.score
        assert len(again.settings["start_from"]) == 12

    def test_a_sampled_avatar_is_who_it_is_whatever_its_seed_draws_later(
        self, named, tmp_path, monkeypatch
    ):
        first = sampled(named, "girl", seed=4)
        path = first.save(tmp_path / "first")
        monkeypatch.setattr("clipavatar.pipeline.sample_noise", lambda *_: pytest.fail("again"))
        assert pixels(named.generate("girl", start_from=path, size=32)) == pixels(first)
        old = {k: v for k, v in first.settings.items() if k != "latent"}
        images.save_png(first.image, tmp_path / "old.png", old | {"version": "0.0.1"})
        with pytest.raises(ValueError, match=r"no latent; only version 0\.0\.1 can draw it again"):
            named.generate("girl", start_from=tmp_path / "old.png")

    def test_a_picture_of_the_time_before_anything_was_told_is_drawn_as_it_was(self, tmp_path):
        torch.manual_seed(0)
        model = Generator(dataclasses.replace(NAMED, reads=tuple(SIZES)))
        reads = AvatarPipeline(TinyClip(), model, name="reads")
        first = sampled(reads, "girl, twin tails", seed=4)
        path = first.save(tmp_path / "first")
        latent = first.settings["latent"]
        assert pixels(reads.generate("girl, twin tails", start_from=path, size=32)) == pixels(first)
        older = {k: v for k, v in latent.items() if k != "told"}
        images.save_png(first.image, tmp_path / "old.png", first.settings | {"latent": older})
        again = reads.generate("girl, twin tails", start_from=tmp_path / "old.png", size=32)
        assert again.settings["latent"] == older
        assert pixels(again) != pixels(first)
        start = start_of(reads, "girl, twin tails", start_from=tmp_path / "old.png")
        face = model(start.noise, start.words).detach()[0]
        drawn = reads.finish(face, 32, again.settings["background"], 0)
        assert drawn.tobytes() == pixels(again)
        other = reads.generate("boy, twin tails", start_from=tmp_path / "old.png", size=32)
        assert "told" in other.settings["latent"]
        damaged = latent | {"told": latent["told"][:16]}
        images.save_png(first.image, tmp_path / "bad.png", first.settings | {"latent": damaged})
        with pytest.raises(ValueError, match="damaged"):
            reads.generate("girl", start_from=tmp_path / "bad.png", size=32)

    def test_what_a_negative_prompt_names_is_not_taken_over(self, named, tmp_path):
        def glasses(latent):
            row = latent.noise[0].numpy()
            return figure({"character": "girl"}, row).attributes["glasses"]

        seeds = [s for s in range(20) if glasses(start_of(named, "girl", seed=s)) != "none"]
        assert seeds
        for seed in seeds:
            path = sampled(named, "girl", seed=seed).save(tmp_path / f"{seed}")
            for keep in ("", "all"):
                how = {"start_from": path, "keep": keep}
                assert glasses(start_of(named, "girl", **how)) != "none"
                assert glasses(start_of(named, "girl", negative="glasses", **how)) == "none"

    def test_it_goes_on_from_there(self, named, tmp_path):
        first = named.generate(TEXTS[1], seed=4, **FAST)
        path = first.save(tmp_path / "first")
        second = named.generate(TEXTS[1], start_from=path, **FAST)
        assert second.settings["score_before"] == first.score
        assert second.score >= first.score
        third = named.generate(TEXTS[1], start_from=second.save(tmp_path / "second"), size=32)
        assert pixels(third) == pixels(second)

    def test_another_text_changes_it(self, named, tmp_path):
        path = named.generate("girl", seed=4, **FAST).save(tmp_path / "girl")
        changed = named.generate("girl with glasses", start_from=path, **FAST)
        assert changed.text == "girl with glasses"
        assert pixels(changed) != Image.open(path).convert("RGB").tobytes()
        assert changed.settings["background"] == images.read_settings(path)["background"]

    def test_what_cannot_be_gone_on_from_is_one_line(self, named, pipeline, tmp_path):
        theirs = pipeline.generate("girl", size=32).save(tmp_path / "theirs")
        with pytest.raises(ValueError, match="drawn by the model 'tiny', not by 'named'"):
            named.generate("girl", start_from=theirs)
        Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
        with pytest.raises(ValueError, match="not made by clipavatar"):
            named.generate("girl", start_from=tmp_path / "photo.png")
        with pytest.raises(FileNotFoundError):
            named.generate("girl", start_from=tmp_path / "none.png")
        images.save_png(Image.new("RGB", (8, 8)), tmp_path / "old.png", {"text": "girl"})
        with pytest.raises(ValueError, match="does not say its candidates, model, seed, style"):
            named.generate("girl", start_from=tmp_path / "old.png")

    def test_a_batch_knows_its_optimised_pictures_again(self, cli_pipeline, tmp_path, capsys):
        asked = ["generate", "girl", "-o", str(tmp_path), "--mode", "optimize", "--steps", "3"]
        assert cli.main([*asked, "--size", "32"]) == 0
        assert cli.main([*asked, "--size", "32"]) == 0
        assert "already there" in capsys.readouterr().out


class TestKeeping:
    def test_names_in_both_languages(self):
        assert check_keep("Hair， 脸、hat;") == ("hair", "face", "head")
        assert check_keep("") == ()
        with pytest.raises(ValueError, match=r"cannot keep 'knees'; choose from hair, face"):
            check_keep("hair, knees")

    def test_there_must_be_something_to_keep_it_of(self, named):
        with pytest.raises(ValueError, match="keep needs start_from"):
            named.generate("girl", keep="hair", size=32)

    def test_every_attribute_can_be_kept_without_all_the_others(self):
        assert set(KEPT["all"]) == set(SAMPLING)
        assert {attribute for n in KEPT if n != "all" for attribute in KEPT[n]} == set(SAMPLING)
        assert all(set(names) <= set(SAMPLING) for names in KEPT.values())

    @pytest.mark.parametrize("keep", ["face", "earrings", "耳环"])
    def test_earrings_are_kept_with_the_face_or_alone_where_they_hang(self, keep):
        noise, (name,) = sample_noise(1, NOISE_SIZE, 1), check_keep(keep)
        kept = keep_choices(noise, "girl with earrings", "sad girl", [name])
        assert figure({"character": "girl"}, noise[0].numpy()).attributes["earrings"] == "none"
        worn = figure({"character": "girl"}, kept[0].numpy())
        assert worn.attributes["earrings"] == "earrings"
        bare = dataclasses.replace(worn, attributes=worn.attributes | {"earrings": "none"})
        change = (draw_figure(worn, 64) != draw_figure(bare, 64)).any(axis=-1)
        place = keeping._place(name, 64).bool().numpy()
        assert change[place].sum() > 0.9 * change.sum() > 0
        assert place.mean() < 0.2

    @pytest.mark.parametrize("seed", range(6))
    def test_what_was_said_before_is_chosen_by_the_noise_now(self, seed):
        noise = sample_noise(1, NOISE_SIZE, seed)
        before = "girl, pink twin tails, glasses, blue kimono"
        old = figure(dict(understand(before).attributes), noise[0].numpy()).attributes
        kept = keep_choices(noise, before, "sad girl with a crown", ["all"])
        new = figure({"character": "girl", "expression": "sad", "head": "crown"}, kept[0].numpy())
        for name in ("hair", "hair_colour", "glasses", "clothes", "clothes_colour", "skin"):
            assert new.attributes[name] == old[name], name
        assert torch.equal(kept[:, len(SAMPLING) :], noise[:, len(SAMPLING) :])

    def test_what_has_no_place_is_not_kept_and_nothing_else_moves(self):
        noise = sample_noise(1, NOISE_SIZE, 1)
        before = "man with a beard, red hair"
        kept = keep_choices(noise, before, "girl", ["face"])
        drawn = figure({"character": "girl"}, kept[0].numpy()).attributes
        assert drawn["face"] != "beard"
        assert torch.equal(keep_choices(noise, before, "girl", []), noise)
        assert torch.equal(
            keep_choices(noise, before, "girl, red hair", ["head"])[0, 40:], noise[0, 40:]
        )

    @pytest.mark.parametrize("text", ["girl", "sad boy, glasses", "cat | dog"])
    def test_the_same_text_keeps_all_to_the_last_bit(self, named, tmp_path, text):
        for seed in range(20):
            noise = sample_noise(1, NOISE_SIZE, seed)
            assert torch.equal(keep_choices(noise, text, text, ["all"]), noise)
        first = sampled(named, text, seed=4)
        again = named.generate(text, start_from=first.save(tmp_path / "a"), keep="all", size=32)
        assert pixels(again) == pixels(first)

    def test_what_is_kept_is_held_in_its_place_alone(self, named, searches, tmp_path):
        path = sampled(named, "girl", seed=4).save(tmp_path / "girl")
        for keep in ("", "clothes"):
            named.generate("sad girl", start_from=path, keep=keep, **FAST)
        without, kept = searches
        assert without["hold"] is None
        hold, first = kept["hold"], kept["starts"].rows(slice(0, 1))
        face, clothes = (draw(named.generator, first) for _ in range(2))
        assert float(hold(face)) == 0
        face[..., :13, :] += 0.1  # of 16 rows; the clothes stand in the last three
        clothes[..., 13:, :] += 0.1
        assert float(hold(face)) == 0
        assert float(hold(clothes)) == pytest.approx(0.1, rel=1e-4)  # their mean change

    def test_what_the_text_says_itself_is_not_held(self, named, searches, tmp_path):
        path = sampled(named, "girl", seed=4).save(tmp_path / "girl")
        for text in ("girl, blue kimono", "girl, crown"):
            named.generate(text, start_from=path, keep="clothes", **FAST)
        assert [each["hold"] is None for each in searches] == [True, False]

    def test_where_the_text_says_something_nothing_else_is_held(self, named, searches, tmp_path):
        path = sampled(named, "girl", seed=4).save(tmp_path / "girl")
        for keep in ("hair", "eyes"):
            named.generate("girl, crown, sunglasses", start_from=path, keep=keep, **FAST)
        hair, eyes = (each["hold"] for each in searches)
        assert eyes is None  # the sunglasses' place
        first = searches[0]["starts"].rows(slice(0, 1))
        crown, hairs = (draw(named.generator, first) for _ in range(2))
        crown[..., :5, :] += 0.1  # of 16 rows
        hairs[..., 5:12, :2] += 0.1
        assert float(hair(crown)) == 0
        assert float(hair(hairs)) > 0


class TestTrace:
    def test_a_gif_of_the_way(self, cli_pipeline, tmp_path):
        gif, asked = tmp_path / "way.gif", ["generate", "girl", "-o", str(tmp_path), "--size", "32"]
        assert cli.main([*asked, "--mode", "optimize", "--trace", str(gif)]) == 0
        with Image.open(gif) as movie:
            assert movie.size == (32, 32)
            assert 1 < movie.n_frames <= 62

    def test_a_picture_that_is_there_already_is_drawn_again_for_it(
        self, cli_pipeline, tmp_path, capsys
    ):
        asked = ["generate", "girl", "-o", str(tmp_path), "--size", "32", "--mode", "optimize"]
        assert cli.main(asked) == 0
        (picture,) = tmp_path.glob("*.png")
        before = (picture.read_bytes(), picture.stat().st_mtime_ns)
        assert cli.main([*asked, "--trace", str(tmp_path / "way.gif")]) == 0
        assert (picture.read_bytes(), picture.stat().st_mtime_ns) == before
        with Image.open(tmp_path / "way.gif") as movie:
            assert movie.n_frames > 1
        assert "kept" in capsys.readouterr().out

    def test_it_overwrites_nothing_and_says_so_before_the_search(
        self, cli_pipeline, tmp_path, capsys
    ):
        (tmp_path / "way.gif").write_text("mine")
        asked = ["generate", "girl", "-o", str(tmp_path / "out"), "--size", "32"]
        assert cli.main([*asked, "--trace", str(tmp_path / "way.gif")]) == 2
        assert cli.main([*asked, "--trace", str(tmp_path / "way.png")]) == 2
        assert cli.main([*asked, "-n", "2", "--trace", str(tmp_path / "new.gif")]) == 2
        errors = capsys.readouterr().err.splitlines()
        assert all(
            word in line
            for word, line in zip(("exists", ".gif", "2 pictures"), errors, strict=True)
        )
        assert not (tmp_path / "out").exists()
        assert (tmp_path / "way.gif").read_text() == "mine"

    def test_what_ctrl_c_ended_gets_its_gif_when_it_is_drawn_again(
        self, cli_pipeline, tmp_path, monkeypatch
    ):
        asked = ["generate", "girl", "-o", str(tmp_path), "--size", "32", "--mode", "optimize"]
        asked += ["--trace", str(tmp_path / "way.gif")]

        def stop(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("clipavatar.refine.value_rivals", stop)
            assert cli.main(asked) == 130
        assert len(list(tmp_path.glob("*.png"))) == 1
        assert not (tmp_path / "way.gif").exists()
        assert cli.main(asked) == 0
        with Image.open(tmp_path / "way.gif") as movie:
            assert movie.n_frames > 1

    def test_an_avatar_without_one_says_so(self, pipeline, tmp_path):
        with pytest.raises(ValueError, match="at least one picture"):
            pipeline.generate("girl", size=32).save_trace(tmp_path / "way.gif")
