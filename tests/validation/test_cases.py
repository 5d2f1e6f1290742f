"""Named cases of a training: what the tables ask for, equal work where it is stated, seeds in pairs."""

import json
import statistics
from itertools import pairwise
from pathlib import Path

import cases
import pytest
from common.plan import options_of, read_plan
from results import tables_page, wording
from small_reconstructions import TRAINING

from refms.errors import FileError, InputError
from refms.run.config.reconstruction import Reconstruction

CONFIGURATIONS = sorted({*tables_page.SECTIONS, "joined_full"} - {"table_2_espcn_full"})

FOLDER = Path(__file__).parents[2] / "validation" / "multiscale_training"

TINY = (
    TRAINING
    + """[experiment]
seeds = [0, 1]
[experiment.groups.denoise]
[experiment.groups.deblur]
task = { name = "deblur" }
[experiment.cases.single]
multiscale = { estimator = "single", iterations = [4] }
work = 12.0
[experiment.cases.MGE]
multiscale = { estimator = "mge", iterations = [4] }
rival = "single"
[experiment.cases."one batch"]
multiscale = { estimator = "mge", iterations = [4], one_batch = true }
rival = "single"
"""
)


def plan_of(config, *words):
    return read_plan(options_of("", [str(config), "-o", "x", *words]), cases.Settings, Reconstruction)


def plans(name, *words):
    """Return group, case, its table and the plan of its training."""
    asked = plan_of(FOLDER / f"{name}.toml", *words)
    for group in asked.settings.groups:
        for case, table in asked.settings.cases.items():
            found = cases.configured(asked.configuration, asked.settings, group, case, 0)
            yield group, case, {**asked.settings.groups[group], **table}, found.plan


@pytest.mark.parametrize("words", [(), ("--full",)], ids=["reduced", "full"])
@pytest.mark.parametrize("name", sorted({*CONFIGURATIONS} - {"table_2_variance"}))
def test_a_case_that_states_its_work_does_it(name, words):
    for _, case, table, plan in plans(name, *words):
        if "work" in table:
            assert abs(plan.work() / table["work"] - 1) < 0.03, case


def test_the_full_tables_are_the_printed_ones():
    work = {case: plan.work() for _, case, _, plan in plans("table_2_espcn", "--full")}
    assert work["single, equal images"] == 30_000
    assert work["MGE"] == 4_625
    assert {work[f"Full-Multiscale, {kind}"] for kind in ("coarsened", "crops", "both")} == {7_875}
    for name in ("table_2", "table_3", "table_4"):
        for _, case, _, plan in plans(name, "--full"):
            printed = {"single, equal images": 480_000, "MGE": 74_000, "Full-Multiscale, coarsened": 28_750}
            assert plan.work() == printed.get(case, plan.work())
    work = {case: plan.work() for _, case, _, plan in plans("table_6", "--full")}
    assert [work[f"MGE, {levels} meshes"] for levels in (4, 3, 2)] == [74_000, 68_000, 56_000]
    assert [work[f"Full-Multiscale, {levels} meshes"] for levels in (4, 3, 2)] == [28_750, 19_500, 11_000]


@pytest.mark.parametrize("name", ["table_2", "table_2_espcn", "table_3", "table_4"])
def test_rivals_at_equal_work_have_as_many_steps(name):
    found = {case: plan for _, case, _, plan in plans(name)}
    for rival, own in (
        ("single, work of MGE", "MGE"),
        ("single, work and steps of Full", "Full-Multiscale, coarsened"),
    ):
        assert abs(found[rival].total / found[own].total - 1) < 0.1
        assert abs(found[rival].work() / found[own].work() - 1) < 0.01


def test_single_scale_at_equal_variance_has_the_batch_that_was_measured():
    for group, case, _, plan in plans("table_2_variance"):
        if case != "MGE":
            (batches,) = {stage.batches.sizes for stage in plan.stages}
            assert batches == (round(float(efficiency("table_2", group, "MGE")) * 8.5),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("seeds = [1, 1]", "seeds"),
        ("seeds = [0]", "no cases"),
        ('[experiment.cases.a]\nrival = "b"', "rival"),
    ],
)
def test_settings_that_say_no_experiment_are_refused(tmp_path, words, said):
    (tmp_path / "c.toml").write_text(f"[experiment]\n{words}\n")
    with pytest.raises(FileError, match=said):
        plan_of(tmp_path / "c.toml")


def test_a_finished_training_is_not_done_again_and_the_page_pairs_the_seeds(tmp_path, capsys):
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "out")]
    assert cases.main(words) == 0
    assert capsys.readouterr().out.count("MGE") == 6  # each when it is done, and in the table at the end
    path = tmp_path / "out" / "cases.json"
    result = json.loads(path.read_text())
    assert cases.main([*words, "--force"]) == 0
    assert capsys.readouterr().out.count("MGE") == 2
    assert json.loads(path.read_text()) == result
    single, mge, one_batch = result["rows"][3:]
    assert single["group"] == "deblur"
    assert [unit["eta"] for unit in one_batch["units"]] == pytest.approx([2 / 3, 2 / 3])  # N/W of [2, 2]
    page = tables_page.tables({**result, "name": "tiny"})
    losses = [[unit["validation_loss"] for unit in row["units"]] for row in (single, mge)]
    gains = [own - other for own, other in zip(*losses, strict=True)]
    half = 12.7062 * statistics.stdev(gains) / 2**0.5
    line = page.splitlines()[-2]
    assert line.startswith("| MGE | 4 |")
    assert f"| single | {statistics.fmean(gains):+.4f} ± {half:.4f} |" in line


def test_a_page_tells_every_day_and_machine_of_its_trainings():
    rows = [{"units": [{"date": "2026-01-02", "machine": "a"}, {"date": "2026-01-01", "machine": "b"}]}]
    found = {"date": "2026-01-03", "machine": "c", "versions": {"numpy": "2"}}
    assert wording.origin({**found, "rows": rows}) == "2026-01-01, b; 2026-01-02, a, numpy 2"
    assert wording.origin(found, {**found, "rows": rows}).count(";") == 2


def test_chosen_cases_are_trained_alone_and_the_result_says_so(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [str(tmp_path / "tiny.toml"), "-o", str(tmp_path), "--seeds", "0", "--cases"]
    assert cases.main([*words, "one batch", "MGE"]) == 0
    result = {**json.loads((tmp_path / "cases.json").read_text()), "name": "tiny"}
    assert [row["case"] for row in result["rows"]] == ["one batch", "MGE"] * 2
    assert wording.command(result, "F", "--data-dir DIR").split(" -o ")[0] == (
        "python F/cases.py F/tiny.toml --data-dir DIR --seeds 0 --cases 'one batch' MGE"
    )
    assert "| MGE | 4 |" in tables_page.tables(result)  # one seed, and a rival that is not there
    with pytest.raises(InputError, match="single"):
        cases.main([*words, "two batches", "--force"])


KINDS = ("Full-Multiscale", "MGE")


def words_of_the_guide():
    return " ".join((FOLDER.parents[1] / "scripts/site/multiscale_training.md").read_text("utf-8").split())


def told(name, group, case, rival=None):
    """Return the mean of what is measured, or of the gain over a rival with its interval."""
    result = tables_page.read(name)
    rows = {row["case"]: row for row in result["rows"] if row["group"] == group}
    measure = tables_page.measure_of(result, group)
    if rival is None:
        return f"{statistics.fmean(unit[measure] for unit in rows[case]['units']):.4f}"
    gains = tables_page.gains(rows[case], rows[rival], measure)
    return f"{statistics.fmean(gains):+.4f} ± {tables_page.interval(gains):.4f}"


def ahead(name, case, rival):
    """Return in how many groups of a table a case is better than another by the mean of its seeds."""
    result = tables_page.read(name)
    groups = {row["group"] for row in result["rows"]}
    found = [float(told(name, group, case, rival).split()[0]) > 0 for group in groups]
    return f"{sum(found)} of {len(found)}"


def test_what_the_guide_says_of_the_papers_sizes_was_measured():
    guide = words_of_the_guide()
    result = tables_page.read("table_2_espcn_full")
    printed = tables_page.PRINTED["table_2_espcn_full"][""]
    found = {row["case"]: f"{row['units'][0]['ssim']:.4f}" for row in result["rows"]}
    full = "Full-Multiscale, coarsened"
    beside = {case: f"{found[case]} ({printed[case]:.4f})" for case in ("single, equal images", "MGE", full)}
    said = (
        f"single scale {beside['single, equal images']} for 30,000 #WU, MGE {beside['MGE']} for 4,625, "
        f"Full-Multiscale {beside[full]} for 7,875",
        f"single scale has {found['single, work of MGE']} with MGE's work, "
        f"{found['single, work and steps of Full']} with Full-Multiscale's work and steps and "
        f"{found['single, 1 image, work of Full']} with its work by single images",
        f"with one seed at the paper's sizes {found[full]}, {found['Full-Multiscale, crops']} and "
        f"{found['Full-Multiscale, both']} |",
    )
    assert result["configuration"]["data"]["size"] == 128
    assert [words for words in said if words not in guide] == []


def test_what_the_guide_says_of_full_multiscale_joined_was_measured():
    guide = words_of_the_guide()

    def full(changed, rival="Full-Multiscale"):
        return told("joined_full", "48×48, 3 meshes", f"Full-Multiscale{changed}", rival).removeprefix("-")

    single, one = (
        told("joined_full", "48×48, 3 meshes", f"single, {how} of Full")
        for how in ("work and steps", "1 image, work")
    )
    said = (
        f"MSE of Full-Multiscale {full('', None)}; with half as many steps on each finer mesh "
        f"{full(', steps halved', None)}, better by {full(', steps halved')}; with moments of Adam begun "
        f"anew in each stage worse by {full(', moments anew')}, with stages that end when 20 steps gain less "
        f"than 3 % by {full(', switched')}: noise",
        f"so that R K P leads back, by {full(', R K P')}: they amplify",
        f"Single scale has {single} with its work and steps, and {one} with one image a step: [both",
    )
    assert [words for words in said if words not in guide] == []


def beyond(name, case, rival):
    """Return the groups of a table in which a case is better than another by more than the interval."""
    result, found = tables_page.read(name), set()
    for group in {row["group"] for row in result["rows"]}:
        rows = {row["case"]: row for row in result["rows"] if row["group"] == group}
        gains = tables_page.gains(rows[case], rows[rival], tables_page.measure_of(result, group))
        if statistics.fmean(gains) > tables_page.interval(gains):
            found.add(group)
    return found


def test_what_the_guide_says_of_steps_and_variances_was_measured():
    guide = words_of_the_guide()
    full, equal = "Full-Multiscale, coarsened", "single, work and steps of Full"
    one, mge = "single, 1 image, work of Full", "single, work of MGE"
    groups = {row["group"] for row in tables_page.read("table_2")["rows"]}
    calm = {group for group in groups if float(efficiency("table_2", group, "MGE")) > 1}
    alike = ("single, variance of MGE", "MGE")
    apart = beyond("table_2_variance", *alike) | beyond("table_2_variance", *reversed(alike))
    better = {group for group in calm if float(told("table_2", group, "MGE", mge).split()[0]) > 0}
    said = (
        f"at the same work in {ahead('table_2', one, equal)} cells, beyond the 95 % interval in "
        f"{len(beyond('table_2', one, equal))} of 7",
        f"of these {len(calm)} cells it is better than single scale with its work in {len(better)}, beyond "
        f"the interval in {len(calm & beyond('table_2', 'MGE', mge))}",
        f"the difference is within the interval in {len(groups) - len(apart)} of 7 cells",
        f"with its work and steps beyond the interval in {len(beyond('table_2', full, equal))} of 7, and "
        f"than one image a step in {len(beyond('table_2', full, one))} of 7",
    )
    assert [words for words in said if words not in guide] == []


def efficiency(name, group, case):
    (row,) = (row for row in tables_page.read(name)["rows"] if (row["group"], row["case"]) == (group, case))
    return f"{statistics.fmean(unit['eta'] for unit in row['units']):.2f}"


def test_what_the_guide_says_of_the_tables_was_measured():
    guide = words_of_the_guide()
    full, equal = "Full-Multiscale, coarsened", "single, work and steps of Full"
    espcn = {case: told("table_2_espcn", "", case) for case in ("single, equal images", "MGE", full, equal)}
    crops, both = (told("table_2_espcn", "", f"Full-Multiscale, {kind}", full) for kind in ("crops", "both"))
    mge = "single, work of MGE"
    budgets = ("200 #WU", "600 #WU", "1,800 #WU")
    spent = {
        case: "{}, {} and {}".format(*(told("table_5", budget, case) for budget in budgets))
        for case in ("Full-Multiscale", "MGE", "single, batch of 8", "single, batch of 2")
    }
    most = told("table_5", budgets[-1], "Full-Multiscale", "single, batch of 2")
    meshes = {kind: [told("table_6", "", f"{kind}, {k} meshes") for k in (4, 3, 2)] for kind in KINDS}
    single = [told("table_6", "", f"single, batch of {batch}") for batch in (8, 2)]
    two, four = (f"Full-Multiscale, {k} meshes" for k in (2, 4))
    free, plain = ([f"{kind}, {how}" for how in ("single", "MGE")] for kind in ("mesh-free", "3x3"))
    losses = [told("mesh_free", "denoise", pair[0]) for pair in (free, plain)]
    worse = told("mesh_free", "denoise", free[0], plain[0]).removeprefix("-")
    gained = [told("mesh_free", "denoise", mge, rival) for rival, mge in (free, plain)]
    etas = [efficiency("mesh_free", "denoise", pair[1]) for pair in (free, plain)]
    one, few = "one batch for all meshes", "batches that do not grow"
    equal_work = f"{few}, work as printed"
    seconds = tables_page.read("table_1")["rows"]
    faster = [seconds[0]["single"][key] / seconds[0]["mge"][key] for key in ("seconds", "work")]
    shares = [coarse / fine for fine, coarse in pairwise(row["single"]["seconds"] for row in seconds)]
    said = [
        f"128×128 cells {faster[0]:.1f} times less than by single scale, where #WU promise {faster[1]:.1f}",
        f"takes {min(shares):.2f} to {max(shares):.2f} of the time",
        f"SSIM {espcn[full]} coarsened, {told('table_2_espcn', '', 'Full-Multiscale, crops')} by crops and "
        f"{told('table_2_espcn', '', 'Full-Multiscale, both')} by both",
        f"by crops {crops.removeprefix('-')} worse, by both {both.removeprefix('-')};",
        f"equal images {espcn['single, equal images']} with 1,680 #WU, MGE {espcn['MGE']} with 510, "
        f"Full-Multiscale {espcn[full]} with 780",
        f"single scale has {told('table_2_espcn', '', mge)} with MGE's work, and {espcn[equal]} with",
        f"{told('table_2_espcn', '', 'MGE', mge)} and {told('table_2_espcn', '', full, equal)}, are not",
        *(
            f"{have} {a}, {b} and {c}"
            for have, (a, b, c) in zip(("MSE", "MGE"), meshes.values(), strict=True)
        ),
        f"Full-Multiscale has MSE {spent['Full-Multiscale']}, MGE {spent['MGE']}, single scale "
        f"{spent['single, batch of 8']} on batches of 8 with MGE's steps, and {spent['single, batch of 2']}",
        f"Full-Multiscale is ahead of these by {most} at the largest budget",
        f"with 2 meshes {told('table_6', '', two, four).removeprefix('-')} worse than with 4",
        f"4 meshes has {single[0]} on batches of 8 and {single[1]} on batches of 2",
        f"MSE {losses[0]} by single scale, 3×3 {losses[1]}, {worse} worse",
        f"in the loss, {gained[0]} (3×3: {gained[1]}), at η = {etas[0]} (3×3: {etas[1]})",
        f"η = {efficiency('departures', 'denoise', one)}, and trains alike: "
        f"{told('departures', 'denoise', one, few)} in MSE (denoise), "
        f"{told('departures', 'inpaint', one, few)} in SSIM (inpaint)",
        f"η from {efficiency('departures', 'denoise', 'as printed')} to "
        f"{efficiency('departures', 'denoise', 'nearest sub-sampling')} (denoise)",
        f"at equal work those are level, {told('departures', 'denoise', equal_work, 'as printed')}",
        "together cost " + told("departures", "denoise", "all of these", "as printed").removeprefix("-"),
    ]
    one_image = "single, 1 image, work of Full"
    said += [
        f"with its work and steps in {ahead('table_2', full, equal)} cells, than one image a step at its "
        f"work in {ahead('table_2', full, one_image)}",
        f"MGE than single scale with its work in {ahead('table_2', 'MGE', mge)}",
        f"crops than coarsening in {ahead('table_2', 'Full-Multiscale, crops', full)}, both than coarsening "
        f"in {ahead('table_2', 'Full-Multiscale, both', full)}",
        *(
            f"{what}: Full-Multiscale is better than single scale with its work and steps in "
            f"{ahead(name, full, equal)}, MGE than single scale with its work in {ahead(name, 'MGE', mge)}"
            for what, name in (("other images", "table_3"), ("deeper nets", "table_4"))
        ),
        f"dropout {told('dropout', '', 'dropout 0.5', 'no dropout')}, until an early update alone "
        f"{told('dropout', '', 'dropout 0.5 until update 20', 'no dropout')}",
    ]
    assert [words for words in said if words not in guide] == []
    readme = " ".join((FOLDER.parents[1] / "README.md").read_text("utf-8").split())
    assert (
        f"scale with its work and steps in {ahead('table_2', full, equal)}, than one image a step at its "
        f"work in {ahead('table_2', full, one_image)}; MGE by itself than single scale with its work in "
        f"{ahead('table_2', 'MGE', mge)}."
    ) in readme
