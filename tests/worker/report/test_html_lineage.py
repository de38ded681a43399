"""The page of a run that improved a model: the models from the base on, each with its figures and its interval."""

from __future__ import annotations

import json
import re

import pytest

from plugin.core.folder import RunFolder
from plugin.worker.report.html.page import write_page
from tests.worker.report.test_html import change, make_report, read_page


def make_link(role, f1, interval, change, **more):
    """Return a model of a chain as a report holds it."""
    building = {"f1": f1, "precision": f1 + 0.1, "recall": f1 - 0.1, "interval": interval}
    difference = None if change is None else {"f1": change, "sentence": f"The {role} model is better by {change}."}
    return {"role": role, "building": building, "pixel": {"f1": f1 + 0.2}, "difference": difference, **more}


CHAIN = [
    make_link("base", 0.38, [0.35, 0.41], None, title="Starter", run=""),
    make_link("tuned", 0.5, [0.47, 0.53], 0.12, title="Tuned on town", run="first"),
    make_link("improved", 0.55, None, 0.05, title="Improved on town", run="second"),
]


class TestChain:
    """The models from the base to the improved one are shown where one was improved."""

    @pytest.fixture
    def made(self, tmp_path):
        """A run's folder that holds nothing but its report."""
        folder = RunFolder(tmp_path)
        folder.report.write_text(json.dumps(make_report(tmp_path / "gone.tif")), "utf-8")
        return folder

    @pytest.fixture
    def improved(self, made):
        gain = {"f1": 0.17, "sentence": "The improved model is better than the base model."}
        change(made, chain=CHAIN, gain=gain, chain_note="")
        return made

    def test_each_model_has_its_figures_its_interval_and_what_it_won(self, improved):
        reader = read_page(improved)
        assert reader.problems == []
        assert reader.get("Base modelStarter") == ["0.380", "0.350 to 0.410", "\u2013", "0.480", "0.280", "0.580"]
        assert reader.get("Tuned modelTuned on town \u00b7 first")[:3] == ["0.500", "0.470 to 0.530", "+0.120"]
        assert reader.get("Improved modelImproved on town \u00b7 second")[:3] == ["0.550", "\u2013", "+0.050"]
        assert "The improved model is better by 0.05." in reader.text
        assert "From the first to the last: the improved model is better than the base model." in reader.text

    def test_the_chart_tells_the_same_to_who_cannot_see_it(self, improved):
        said = [value for name, key, value in read_page(improved).attributes if (name, key) == ("svg", "aria-label")]
        assert any("Base model 0.380, interval 0.350 to 0.410; Tuned model 0.500" in text for text in said)

    def test_before_and_after_are_called_what_they_are(self, improved):
        said = [value for name, key, value in read_page(improved).attributes if (name, key) == ("svg", "aria-label")]
        assert any(
            text.startswith("F1 by building: Tuned model 0.272") and "Improved model 0.565" in text for text in said
        )

    def test_no_name_runs_into_the_chart(self, improved):
        """Letters are 11.5 px high, about 6 px wide; the first line of the grid stands right of the longest name."""
        write_page(improved)
        charts = re.findall(r"<svg[^>]*aria-label=\"F1 by building: [^>]*>.*?</svg>", improved.page.read_text("utf-8"))
        assert len(charts) == 2
        for chart in charts:
            names = re.findall(r'<text x="0"[^>]*>([^<]+)<', chart)
            assert min(float(x) for x in re.findall(r'<line x1="([^"]+)"', chart)) > 6 * max(map(len, names))

    def test_a_second_improvement_has_a_name_of_its_own(self, made):
        change(made, chain=[*CHAIN, make_link("improved", 0.56, None, 0.01)])
        reader = read_page(made)
        assert reader.get("Improved model 2")[0] == "0.560"

    def test_a_threshold_set_by_hand_and_what_is_odd_are_told(self, made):
        by_hand = {"sentence": "The threshold was set by hand."}
        change(made, chain=[CHAIN[0], {**CHAIN[1], "by_hand": by_hand}, CHAIN[2]], chain_note="It was scored anew.")
        text = read_page(made).text
        assert "Tuned model: The threshold was set by hand." in text
        assert "It was scored anew." in text

    def test_of_other_ground_only_the_sentence_and_two_models_are_shown(self, made):
        change(made, chain=CHAIN[1:], chain_note="The blocks are others.")
        text = read_page(made).text
        assert "The blocks are others." in text
        assert "tuned from the one before it" not in text

    @pytest.mark.parametrize("chain", [None, [], {}, "x", [1], [{}], CHAIN[:2], [{"role": "improved"}]])
    def test_a_chain_without_an_improved_model_or_none_at_all_is_not_shown(self, made, chain):
        change(made, chain=chain)
        reader = read_page(made)
        assert reader.problems == []
        assert "From the base model to the improved one" not in reader.text

    def test_names_that_are_markup_stay_text_in_table_and_drawing(self, made):
        hostile = "<script>1</script>"
        base = make_link(hostile, 0.38, None, None, title=hostile, run=hostile)
        change(made, chain=[base, *CHAIN[1:]], chain_note=hostile, gain={"sentence": hostile})
        reader = read_page(made)
        assert "script" not in reader.tags
        assert reader.text.count(hostile) >= 5
