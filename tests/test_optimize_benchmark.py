"""examples/optimize_benchmark.py: every variant beside sample mode."""

from pathlib import Path

import pytest


def test_the_benchmark_compares_every_variant_with_sample_mode(named, tmp_path):
    import importlib.util

    from clipavatar.chibi.labels import VALUES
    from clipavatar.config import JudgeConfig
    from clipavatar.models import Judge

    path = Path(__file__).parent.parent / "examples" / "optimize_benchmark.py"
    spec = importlib.util.spec_from_file_location("optimize_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    asked = benchmark.hard_cases(4)
    assert [case.language for case in asked] == ["en", "en", "zh", "zh"]
    assert min(len(case.said) for case in asked) >= 4
    assert len({case.seed for case in asked}) == 4  # no text is there in both languages
    values = tuple(len(table) for table in VALUES.values())
    judge = Judge(JudgeConfig(16, (4, 4), hidden=8, values=values)).eval()
    variants = ["noise", "words,rivals=0,views=2"]
    rows, drawn = benchmark.run(named, judge, asked, variants, steps=4, candidates=2)
    assert [row["variant"] for row in rows] == ["sample", *variants, "true pictures"]
    assert (rows[0]["gain"], rows[0]["frechet over sample"]) == (0, 1)
    assert set(rows[0]["by group"].values()) == {0}
    assert all(row["score"] >= rows[0]["score"] for row in rows[:-1])
    assert drawn.shape == (3, 4, 16, 16, 4)
    assert benchmark.table(rows).count("\n") == 5
    assert {case.seed for case in benchmark.hard_cases(4, 1000)}.isdisjoint(c.seed for c in asked)
    missed = benchmark.missed_cases(named, 3, 0, 2)
    assert [case.language for case in missed] == ["en", "en", "zh"]
    assert len({case.seed for case in missed}) == 3
    groups = [name for group in benchmark.GROUPS for name in benchmark.KEPT[group]]
    assert sorted(groups) == sorted(VALUES)  # every attribute in one
    assert benchmark.sign_test(0, 0) == 1
    assert benchmark.sign_test(6, 0) == benchmark.sign_test(0, 6) == 2 / 64
    assert benchmark.sign_test(3, 2) == 1
    benchmark.save_sheet(drawn, tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="Search has steps"):
        benchmark.search_of("noise,mood=3", 4)
