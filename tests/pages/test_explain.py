"""The page of an explanation."""

import json

import pytest
import torch
from tests.report.reader import Reader
from torch import nn

from gradalign.batch import Batch
from gradalign.conditions import PassedBatch
from gradalign.explanation import explain
from gradalign.explanation.edits import Edit
from gradalign.explanation.paired import Against, changes, edited
from gradalign.models import as_candidate
from gradalign.pages.explain import explanation_page
from gradalign.pages.explain_samples import MOST_DRAWN, MOST_ROWS
from gradalign.report import render
from gradalign.scorer import Scorer

BY = "gradalign_i_mean"


def batch(n=24, classes=3):
    """Two equal inputs, under two labels, stand at 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(n, 3, 6, 6, generator=generator)
    inputs[1] = inputs[0]
    return Batch(inputs, torch.arange(n) % classes)


def net(width=8):
    return nn.Sequential(
        nn.Conv2d(3, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * 4, 3),
    )


def scorers(repeats=2, own=None):
    own = own or batch()
    parts = [own[k::repeats] for k in range(repeats)]
    return [Scorer(PassedBatch(part)) for part in parts]


CANDIDATE = as_candidate(net, name="<i>net</i>")


@pytest.fixture(scope="module")
def own():
    return explain(CANDIDATE, batch())


def sections(page):
    return {section.title: section for section in page.sections}


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_the_page_tells_from_findings_to_scores(own):
    page = explanation_page(own)
    assert list(sections(page)) == [
        "What is to be known first",
        "Which samples pull against each other",
        "Classes",
        "Samples",
        "Pairs of samples",
        "Conflict by depth",
        "What each layer adds to each score",
        "The scores",
    ]
    assert page.sections[0].text == [finding.text for finding in own.findings]
    assert page.lead[0] == "<i>net</i>"
    assert "24 samples of 3 classes" in page.lead[1]


def test_the_cosines_are_drawn_by_class_with_what_each_sample_is(own):
    gram, classes = sections(explanation_page(own))[
        "Which samples pull against each other"
    ].pictures
    (trace,) = gram.figure["data"]
    place = trace["x"].index("4, class 1")
    assert trace["x"][:9] == [f"{i}, class 0" for i in range(0, 24, 3)] + ["1, class 1"]
    assert trace["z"][place][0] == pytest.approx(own.cosines[4][0], abs=1e-4)
    assert len(gram.figure["layout"]["shapes"]) == 4
    assert classes.figure["data"][0]["z"][0][2] == pytest.approx(own.class_cosines[0][2], abs=1e-4)


def test_pairs_with_one_input_and_two_labels_come_first(own):
    rows = texts(sections(explanation_page(own))["Pairs of samples"].table)
    assert rows[0][:3] == ["0 and 1", "0 and 1", "same input, two labels"]
    kinds = [row[2] for row in rows[1:]]
    assert kinds == sorted(kinds, key=["opposed", "alike"].index)
    assert len({row[0] for row in rows}) == len(rows)


def test_contributions_are_those_of_the_explanation_with_their_shares(own):
    section = sections(explanation_page(own))["What each layer adds to each score"]
    header = [column.title for column in section.table.columns]
    place = header.index("params")
    shares = [row[place].detail for row in section.table.rows]
    total = own.scores["params"].value
    assert [row[place].key for row in section.table.rows] == [216, 576, 96]
    assert shares == [f"{value / total:.1%}" for value in (216, 576, 96)]
    assert "In no layer: params +35." in section.notes
    assert any(note.startswith("No sums over layers:") for note in section.notes)
    drawn = [picture.caption.split(",")[0] for picture in section.pictures]
    assert drawn == header[1:]


def test_depth_is_drawn_in_percent_with_the_names_of_layers(own):
    section = sections(explanation_page(own))["Conflict by depth"]
    own_trace, further = section.pictures[0].figure["data"]
    assert own_trace["text"] == [row.name for row in own.layers]
    assert own_trace["y"] == pytest.approx(
        [100 * row.conflict_fraction for row in own.layers], rel=1e-4
    )
    assert further["y"][-1] == own_trace["y"][-1]
    assert section.pictures[0].figure["layout"]["yaxis"]["title"]["text"] == "opposed pairs (%)"


def test_samples_that_go_least_with_their_class_come_first(own):
    table = sections(explanation_page(own))["Samples"].table
    values = [row[2].key for row in table.rows]
    assert values == sorted(values)
    assert len(values) == 24
    odd = min(own.samples, key=lambda row: row.own_class)
    assert table.rows[0][0].text == str(odd.index)
    names = [column.title for column in table.columns]
    cell = table.rows[0][names.index(BY)]
    assert cell.key == odd.added[BY]


def test_a_large_batch_stays_small_on_the_page():
    large = explain(CANDIDATE, batch(400), proxies="conflict_fraction")
    found = sections(explanation_page(large))
    (trace,) = found["Which samples pull against each other"].pictures[0].figure["data"]
    assert 100 < len(trace["z"]) <= MOST_DRAWN
    assert "one in 3 of the 400 samples" in (
        found["Which samples pull against each other"].pictures[0].caption
    )
    assert len(found["Samples"].table.rows) == MOST_ROWS
    assert f"The {400 - MOST_ROWS} samples that go better are left out; JSON has all." in (
        found["Samples"].notes
    )
    assert len(json.dumps([s.charts for s in explanation_page(large).sections])) < 500_000


def test_targets_that_are_no_labels_leave_classes_out():
    generator = torch.Generator().manual_seed(0)
    floats = Batch(batch().inputs, torch.randn(24, 3, generator=generator))
    page = explanation_page(explain(CANDIDATE, floats))
    found = sections(page)
    assert "Classes" not in found
    assert any(
        text.startswith("Nothing is said of classes:")
        for text in found["Which samples pull against each other"].text
    )
    assert len(found["Which samples pull against each other"].pictures) == 1
    assert found["Samples"].pictures[0].figure["layout"]["xaxis"]["title"]["text"] == "loss"
    Reader(render(page))


def test_a_network_without_gradient_shows_its_layers_and_why():
    dead = net()
    with torch.no_grad():
        dead[3].bias.fill_(-1e3)
    page = explanation_page(explain(dead, batch()))
    found = sections(page)
    assert not {"Samples", "Classes", "Pairs of samples"} & set(found)
    (first, *_) = found["Conflict by depth"].table.rows
    assert first[0].detail.startswith("dead: ")
    assert found["Conflict by depth"].pictures == []
    reasons = {row[4].text for row in found["The scores"].table.rows}
    assert "no_gradient" in reasons
    Reader(render(page))


def test_a_network_that_does_not_run_says_why():
    page = explanation_page(explain(nn.Sequential(nn.Flatten(), nn.Linear(3, 3)), batch()))
    assert list(sections(page)) == ["The scores"]
    assert page.lead[1].startswith("It could not be explained: ")
    assert "cannot be multiplied" in page.lead[1]


def test_changes_stand_best_first_with_intervals_and_failures_by_their_reason(own):
    def breaks():
        raise ValueError("no such network")

    found = edited(CANDIDATE, batch(), scorers(), by=BY)
    broken = changes(CANDIDATE, [Edit("breaks", as_candidate(breaks), "breaks")], scorers(), by=BY)
    both = type(found)(by=BY, repeats=2, known=9, changes=(*found.changes, *broken))
    section = sections(explanation_page(own, edited=both))["What a change would do"]
    assert section.text[0].startswith("4 of 9 changes")
    header = [column.title for column in section.table.columns]
    assert header[:3] == ["change", "told apart", BY]
    values = [row[2].key for row in section.table.rows[:-1]]
    assert values == sorted(values, reverse=True)
    assert " to " in section.table.rows[0][2].detail
    last = section.table.rows[-1]
    assert [last[0].text, last[1].text, last[2].text] == ["breaks", "error", "-"]
    assert last[1].detail.endswith("raised ValueError: no such network")
    drawn = [text for trace in section.pictures[0].figure["data"] for text in trace["text"]]
    assert sorted(drawn) == sorted(row[0].text for row in section.table.rows[:-1])
    assert "higher is better" in section.pictures[0].figure["layout"]["xaxis"]["title"]["text"]


def test_without_changes_the_page_says_so(own):
    none = edited(CANDIDATE, batch(), scorers(1), by=BY, limit=0)
    section = sections(explanation_page(own, edited=none))["What a change would do"]
    assert section.text == ["No change was measured: 3 are known."]
    assert section.table is None


def test_one_repeat_is_said_to_tell_nothing(own):
    one = edited(CANDIDATE, batch(), scorers(1), by=BY)
    section = sections(explanation_page(own, edited=one))["What a change would do"]
    assert section.notes == ["One repeat: no interval, and nothing can be told apart."]
    assert {row[1].text for row in section.table.rows} == {"not tested"}


def against(make, **options):
    other = as_candidate(make, name="wider")
    (change,) = changes(CANDIDATE, [Edit("against", other, "")], scorers(), by=BY)
    return Against(explanation=explain(other, batch(), **options), by=BY, repeats=2, change=change)


def test_another_network_stands_beside(own):
    found = against(lambda: net(16))
    page = explanation_page(own, against=found)
    both = sections(page)
    rows = {row[0].text: row for row in both["Against another network"].table.rows}
    assert [cell.key for cell in rows["params"][1:4]] == [923, 2995, 2995 - 923]
    assert both["Against another network"].text[0] == "wider"
    depth, first, second = both["Both networks side by side"].pictures
    assert [trace["x"] for trace in depth.figure["data"]] == [[0, 50, 100]] * 2
    assert first.caption.startswith("This network: ")
    assert second.figure["data"][0]["z"][0][1] == pytest.approx(
        found.explanation.cosines[0][3], abs=1e-4
    )
    assert len(both["Which samples pull against each other"].pictures) == 1  # the classes


def test_another_network_that_does_not_run_says_why(own):
    found = against(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3, 3)))
    both = sections(explanation_page(own, against=found))
    assert (
        both["Both networks side by side"]
        .text[0]
        .startswith("The other one could not be explained: ")
    )
    assert "cannot be multiplied" in both["Against another network"].text[1]
    assert len(both["Which samples pull against each other"].pictures) == 2


def test_the_page_needs_nothing_from_outside_and_escapes_names(own):
    text = render(
        explanation_page(
            own, edited=edited(CANDIDATE, batch(), scorers(), by=BY), against=against(net)
        )
    )
    page = Reader(text)
    assert "<i>net" not in text
    assert not [
        (tag, name)
        for tag, attributes in page.elements
        for name in ("src", "href")
        if (attributes.get(name) or "").startswith(("http", "//"))
    ]
