"""Every rule by hand: no advice just below its threshold, one line at it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.methods.layer_health.advice import Advisor
from tbviz.methods.layer_health.numbers import CHANNEL_COLUMNS, LayerNumbers
from tbviz.methods.layer_health.rules import HealthSnapshot
from tbviz.methods.layer_health.thresholds import Thresholds

NAN = float("nan")


def snapshot(
    layer="conv", epoch=0, channels=8, dead=(), similarity=0.2, has_kernel=True, trainable=True,
    passes_through=False, **numbers,
):  # fmt: skip
    """A snapshot of a healthy layer, except for the given numbers."""
    table = np.zeros((len(CHANNEL_COLUMNS), channels), np.float32)
    table[CHANNEL_COLUMNS.index("similarity")] = similarity
    well = {
        "std": 1.0, "saturated": 0.0, "duplicates": 0.0, "nonfinite": 0.0, "weight_norm": 1.0,
        "weight_update": 0.01,
    }  # fmt: skip
    which = np.isin(np.arange(channels), dead)
    found = LayerNumbers(well | numbers, table, which)
    return HealthSnapshot(layer, epoch, found, has_kernel, trainable, passes_through)


def lines(*snapshots, thresholds=None):
    """Return the advice after snapshots of one or several layers, one per epoch."""
    advisor = Advisor(thresholds)
    advice = []
    for epoch, each in enumerate(snapshots):
        net = [each] if isinstance(each, HealthSnapshot) else each
        advice = advisor.advise([dataclasses.replace(one, epoch=epoch) for one in net])
    return [(one.layer, one.rule, one.text) for one in advice]


def test_a_layer_that_is_well_needs_no_advice():
    assert lines(*[snapshot()] * 20) == []


def test_dead_over_the_whole_window():
    text = "4 of 8 channels of conv have been dead for 5 epochs"
    assert lines(*[snapshot(dead=[0, 1, 2, 5])] * 5) == [("conv", "dead", text)]
    assert lines(*[snapshot(dead=[0, 1, 2, 5])] * 4) == []
    assert lines(*[snapshot(dead=[0, 1, 2])] * 5) == []  # 0.375 of them
    three = Thresholds(window=3, dead=0.25)
    [(_, _, text)] = lines(*[snapshot(dead=[0, 1])] * 3, thresholds=three)
    assert text == "2 of 8 channels of conv have been dead for 3 epochs"


def test_channels_that_are_dead_in_turn_are_not_dead():
    turns = [snapshot(dead=[0, 1, 2, 3]), snapshot(dead=[4, 5, 6, 7])]
    assert lines(*(turns * 3)) == []
    once = [snapshot(dead=range(8)), *[snapshot(dead=range(5))] * 4]
    assert lines(*once)[0][2].startswith("5 of 8 channels")  # those dead in every snapshot


def test_snapshots_that_are_not_one_per_epoch_are_counted():
    advisor = Advisor(Thresholds(window=3))
    for epoch in (1, 2, 4):
        advice = advisor.advise([snapshot(epoch=epoch, dead=range(4))])
    assert advice[0].text == "4 of 8 channels of conv have been dead in the last 3 snapshots"


def test_if_all_layers_are_dead_the_first_is_named():
    net = [
        snapshot("a"),
        snapshot("b", dead=range(8)),
        snapshot("c", dead=range(8)),
        snapshot("d", dead=range(8)),
    ]
    [(layer, rule, text)] = lines(*[net] * 5)
    assert (layer, rule) == ("b", "dead")
    assert text == (
        "all 8 channels of b have been dead for 5 epochs (the same holds for 2 later layers)"
    )


def test_saturated_and_duplicate_channels():
    assert lines(*[snapshot(saturated=2.0)] * 5) == [
        ("conv", "saturated",
         "2 of 8 channels of conv have been saturated for 5 epochs")
    ]  # fmt: skip
    assert lines(*[snapshot(saturated=1.0)] * 5) == []
    assert lines(*[snapshot(duplicates=4.0)] * 5) == [
        ("conv", "duplicates",
         "4 of 8 channels of conv have been near-duplicates of another channel for 5 epochs")
    ]  # fmt: skip
    assert lines(*[snapshot(duplicates=3.0)] * 5) == []
    assert lines(*[snapshot(duplicates=NAN)] * 5) == []
    assert lines(*[snapshot(duplicates=4.0)] * 4, snapshot(duplicates=3.0)) == []


def test_what_is_dead_at_a_bound_is_saturated():
    stuck = snapshot(dead=range(4), saturated=4.0)
    assert [rule for _, rule, _ in lines(*[stuck] * 5)] == ["saturated"]
    both = [stuck, snapshot("other", dead=range(4))]
    assert [line[:2] for line in lines(*[both] * 5)] == [("other", "dead"), ("conv", "saturated")]


def test_similar_to_the_input():
    like = snapshot(similarity=0.97)
    text = (
        "the feature maps of conv have resembled its input for 5 epochs (similarity 0.97): it has "
        "not learned anything yet"
    )
    assert lines(*[like] * 5) == [("conv", "similar-to-input", text)]
    assert lines(*[snapshot(similarity=0.89)] * 5) == []
    few = [0.99] * 4 + [0.1] * 4  # half of the channels: one blob of color says nothing
    assert lines(*[snapshot(similarity=few)] * 5) == []
    assert lines(*[snapshot(similarity=NAN)] * 5) == []


def test_layers_that_copy_by_nature_have_no_advice():
    assert (
        lines(*[snapshot("rescaling", similarity=1.0, has_kernel=False, trainable=False)] * 9) == []
    )
    assert lines(*[snapshot("frozen", similarity=1.0, trainable=False)] * 9) == []


def test_weights_that_do_not_move():
    text = "the weights of conv have not changed for 5 epochs"
    first = snapshot(weight_update=NAN)
    assert lines(first, *[snapshot(weight_update=5e-5)] * 5) == [("conv", "still", text)]
    assert lines(first, *[snapshot(weight_update=5e-5)] * 4) == []
    assert lines(*[snapshot(weight_update=2e-4)] * 6) == []
    assert lines(*[snapshot(weight_update=0.0, trainable=False)] * 6) == []  # frozen on purpose


def test_growth_within_the_window():
    assert lines(*[snapshot(weight_norm=2.0**n) for n in range(4)]) == []
    assert lines(*[snapshot(std=3.0**n) for n in range(5)]) == []
    grown = [snapshot(weight_norm=2.0**n, std=4.0**n) for n in range(5)]
    assert lines(*grown) == [
        ("conv", "weights-grow", "the weights of conv have grown 16-fold since epoch 0"),
        (
            "conv",
            "output-grows",
            "the standard deviation of conv's output has grown 256-fold since epoch 0",
        ),
    ]
    slow = [snapshot(weight_norm=1.5**n) for n in range(20)]  # 5-fold in a window
    assert lines(*slow) == []
    assert lines(snapshot(std=0.0), snapshot(std=900.0)) == []  # from nothing: what is large?
    within = Advisor()
    within.advise([snapshot()])
    assert within.advise([snapshot(std=100.0)])[0].text.endswith("100-fold within this epoch")


def test_numbers_that_are_not_finite_are_reported_at_once_with_their_first_epoch():
    advisor = Advisor()
    reported = []
    for epoch, nonfinite in enumerate([(), ("b", "c"), ("b", "c"), (), ("c",)]):
        net = [
            snapshot(name, epoch, nonfinite=0.5 * (name in nonfinite), std=NAN) for name in "abc"
        ]
        reported.append([(one.layer, one.rule, one.text) for one in advisor.advise(net)])
    also = " (the same holds for 1 later layer)"
    since = "b has produced NaN or infinity since epoch 1" + also
    assert reported == [
        [],
        [("b", "nonfinite", since)],
        [("b", "nonfinite", since)],
        [],
        [("c", "nonfinite", "c has produced NaN or infinity since epoch 4")],
    ]


def test_what_is_passed_on_is_reported_once():
    dead = range(5)
    relu = snapshot("relu", dead=dead)
    pool = snapshot("pool", dead=dead, has_kernel=False, passes_through=True)
    drop = snapshot("drop", dead=dead, has_kernel=False, passes_through=True)
    assert [line[0] for line in lines(*[[relu, pool, drop]] * 5)] == ["relu"]
    # An activation that is measured beside its convolution is named if that was healthy.
    conv, active = snapshot("conv"), snapshot("active", dead=dead, has_kernel=False)
    assert [line[0] for line in lines(*[[conv, active, pool]] * 5)] == ["active"]
    # A pooling may bring out what its convolution does not have: that is no fault of it.
    assert lines(*[[snapshot("conv"), pool]] * 5) == []
    # Without a layer before it, it is named itself.
    assert [line[0] for line in lines(*[[pool]] * 5)] == ["pool"]
    # Another layer with weights has the fault anew.
    assert [x[0] for x in lines(*[[relu, snapshot("relu2", dead=dead)]] * 5)] == ["relu", "relu2"]


def test_a_reset_drops_the_window():
    advisor = Advisor(Thresholds(window=2))
    for _ in range(2):
        advice = advisor.advise([snapshot(dead=range(4), epoch=_)])
    assert len(advice) == 1
    advisor.reset()
    assert advisor.advise([snapshot(dead=range(4))]) == []


def test_a_line_has_a_remedy_and_a_level():
    [one] = Advisor(Thresholds(window=1)).advise([snapshot(nonfinite=1.0)])
    assert one.level == "warning"
    assert one.line == f"{one.text}; {one.remedy}"
    assert "\n" not in one.line
    [dead] = Advisor(Thresholds(window=1)).advise([snapshot(dead=range(4))])
    assert dead.level == "info"
    assert dead.text.endswith("dead in this epoch")


def test_changed_channels_begin_a_new_window():
    assert (
        lines(
            *[snapshot(channels=8, dead=range(8))] * 3, *[snapshot(channels=4, dead=range(4))] * 2
        )
        == []
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window", 0),
        ("window", 2.5),
        ("dead", 1.1),
        ("similarity", -0.1),
        ("output_growth", 1),
        ("still", NAN),
    ],
)
def test_impossible_thresholds_are_refused(field, value):
    with pytest.raises(TbvizError, match=f"received {field}="):
        Thresholds(**{field: value})
