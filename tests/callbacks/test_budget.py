"""The rule of the limits: `spent + expected + last <= allowed`, on a clock of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from callbacks.limited_runs import Clock
from callbacks.simulated_fit import Callback, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

import tbviz
from tbviz.callbacks.limits.budget import Budget

NOWHERE = Path("there-is-no-store-here")
TINY = 1e-6


def run(directories, seconds, **options):
    return simulate(Clock(), directories, seconds, store=NOWHERE, **options)


def test_the_rule_by_hand():
    budget = Budget()
    for name in ("cheap", "expensive"):
        budget.open(name)
    budget.begin(["cheap", "expensive"])
    budget.spend(1.0, "cheap")
    budget.spend(3.0, "expensive")
    # 4 are spent, the cheap one takes 1 more, and the last snapshot 4.
    assert not budget.affords(["cheap"], 8.9)
    assert budget.affords(["cheap"], 9.0)
    assert not budget.affords(["cheap", "expensive"], 11.9)
    assert budget.affords(["cheap", "expensive"], 12.0)
    budget.spend(0.5)  # tbviz itself
    assert not budget.affords(["cheap", "expensive"], 12.0)


def test_nothing_is_expected_before_the_first_snapshot():
    budget = Budget()
    budget.open("maps")
    assert budget.expected(["maps"]) == 0
    assert budget.affords(["maps"], 0.0)
    budget.spend(3.0, "maps")  # to find the layers
    assert budget.expected(["maps"]) == 0
    budget.begin(["maps"])
    budget.spend(2.0, "maps")
    assert budget.expected(["maps"]) == 2
    assert budget.spent == 5


def test_costs_that_rise_are_expected_at_once_and_those_that_fall_by_and_by():
    budget = Budget()
    budget.open("maps")
    found = []
    for cost in (2.0, 2.0, 4.0, 0.0, 0.0):
        budget.begin(["maps"])
        budget.spend(cost, "maps")
        found.append(budget.expected(["maps"]))
    assert found == [2.0, 2.0, 3.0, 3.0, 1.5]


def test_what_the_writer_reports_later_is_part_of_the_same_snapshot():
    budget = Budget()
    budget.open("maps")
    for _ in range(3):
        budget.begin(["maps"])
        budget.spend(0.1, "maps")
        budget.spend(0.4, "maps")  # its encoding
    assert budget.expected(["maps"]) == pytest.approx(0.5)
    assert budget.spent == pytest.approx(1.5)


def test_a_guess_is_replaced_by_the_next_snapshot():
    budget = Budget()
    budget.open("maps")
    for seconds, again, expected in ((0.1, 2.0, 2.0), (0.5, None, 0.5), (0.7, None, 0.6)):
        budget.begin(["maps"])
        budget.spend(seconds, "maps", again=again, guess=again is not None)
        assert budget.expected(["maps"]) == pytest.approx(expected)
    assert budget.spent == pytest.approx(1.3)
    # The model's structure has changed: something is compiled, and the guess says nothing.
    for seconds, guess in ((9.0, True), (0.65, False)):
        budget.begin(["maps"])
        budget.spend(seconds, "maps", guess=guess)
    assert budget.expected(["maps"]) == pytest.approx(0.625)


def test_cheap_and_expensive_callbacks_are_captured_together():
    cheap, expensive = Callback(0.1, max_overhead=0.05), Callback(2.0)
    training = run([[cheap, expensive]], [10.05] * 40)
    # 2.1 s per snapshot, half a second allowed per epoch: the second one when the first, it and
    # the last (6.3 s) are allowed, after 13 epochs. Then one per 4.2 epochs, and the last.
    assert cheap.epochs == expensive.epochs == [0, 12, 16, 20, 25, 29, 33, 37, 39]
    assert training.overhead == pytest.approx(9 * 2.1 / 402)


def test_a_callback_that_is_cheap_enough_captures_every_epoch():
    cheap = Callback(0.4, max_overhead=0.05)
    run([[cheap]], [10.0] * 20)
    # At the second epoch that would be 0.8 s, and the last one 0.4 s, of one second.
    assert cheap.epochs == [0, *range(2, 20)]


def test_a_postponed_callback_stays_due():
    rare = Callback(3.0, schedule=tbviz.every(epochs=10), max_overhead=0.05)
    run([[rare]], [10.0] * 40)
    # Due at 10, when 9 s are needed and 5.5 s allowed: captured at the end of epoch 17. The next
    # one is due at 20, and allowed at 23; that of 30 is not too early.
    assert rare.epochs == [0, 17, 23, 30, 39]


@pytest.mark.parametrize("epochs", [1, 2])
def test_the_first_and_the_last_epoch_are_captured_whatever_they_take(epochs):
    expensive = Callback(50.0, max_overhead=0.05)
    run([[expensive]], [10.0] * epochs)
    assert expensive.epochs == list(range(epochs))


@pytest.mark.parametrize("planned", [True, False])
def test_it_recovers_when_training_slows(planned):
    expensive = Callback(2.0, max_overhead=0.05)
    seconds = [1.0] * 30 + [50.0] * 15
    run([[expensive]], seconds, planned=planned)
    assert expensive.epochs == [0, *range(31, 45)]


def test_it_captures_less_when_training_speeds_up():
    expensive = Callback(2.0, max_overhead=0.05)
    training = run([[expensive]], [50.0] * 20 + [1.0] * 400)
    assert expensive.epochs[:19] == [0, *range(2, 20)]
    assert len([epoch for epoch in expensive.epochs if epoch > 100]) <= 300 * 0.05 / 2 + 1
    assert training.overhead <= 0.05


def test_a_snapshot_by_batches_leaves_time_for_the_one_that_waits_for_the_epochs_end():
    often = Callback(0.5, schedule=tbviz.every(batches=1), max_overhead=0.05)
    slow = Callback(2.0)
    training = run([[often, slow]], [10.0] * 200, batches=10)
    assert 15 < len(slow.epochs) < len(often.epochs)
    assert training.overhead <= 0.05


def test_log_directories_wait_for_each_other():
    cheap, expensive = Callback(0.1, max_overhead=0.05), Callback(3.0)
    training = run([[cheap], [expensive]], [10.0] * 200)
    # If no other one waits, a snapshot of the cheap one may come between two that both belong to.
    assert len(cheap.epochs) <= 2 * len(expensive.epochs)
    assert len(expensive.epochs) >= 30
    assert training.overhead <= 0.05


def test_a_full_store_holds_no_other_log_directory_back(tmp_path):
    full = Callback(1.0, size=1000, max_overhead=0.05, max_disk=900)
    other = Callback(1.0)
    training = simulate(Clock(), [[full], [other]], [10.0] * 100, store=tmp_path)
    assert full.epochs == [0]
    assert len(other.epochs) > 30
    assert training.overhead <= 0.05


def test_bytes_are_divided_among_the_epochs(tmp_path):
    maps = Callback(size=1000, max_disk=20_000)
    simulate(Clock(), [[maps]], [10.0] * 100, store=tmp_path)
    # 19 kB of 20 are divided, 190 B per epoch: the second one when three are earned, after 16
    # epochs, then one per 5.3 epochs. 18.8 kB before the last epoch are 17 snapshots and the last.
    assert maps.epochs[:4] == [0, 15, 21, 26]
    assert maps.epochs[-1] == 99
    assert len(maps.epochs) == 18


def test_bytes_of_an_unknown_number_of_epochs_are_not_exceeded(tmp_path):
    maps = Callback(size=1000, max_disk=20_000)
    simulate(Clock(), [[maps]], [1.0] * 3000, store=tmp_path, planned=False)
    assert maps.epochs[-1] == 2999
    assert len(maps.epochs) == 19


# Properties

EVERY_EPOCH = ["epoch", tbviz.every(epochs=3), tbviz.geometric(), lambda epoch: epoch % 7 in (2, 3)]
SCHEDULES = [*EVERY_EPOCH, tbviz.every(batches=2), tbviz.every(batches=7), tbviz.every(minutes=0.5)]
SECONDS = st.floats(0.0, 20.0)


@st.composite
def callbacks(draw, schedules):
    """Return a callback, whose costs spread by a factor that the property allows for."""
    spread = draw(st.sampled_from([1.0, 1.0, 1.5]))
    low, writes = draw(SECONDS), draw(SECONDS)
    picks = draw(st.lists(st.booleans(), min_size=1, max_size=5))
    cost = lambda count: low * (spread if picks[count % len(picks)] else 1.0)  # noqa: E731
    made = Callback(cost, writes=writes, schedule=draw(st.sampled_from(schedules)))
    made.spread = low * (spread - 1.0)
    return made


@st.composite
def fits(draw, schedules):
    directories = draw(
        st.lists(st.lists(callbacks(schedules), min_size=1, max_size=3), min_size=1, max_size=2)
    )
    every = [callback for each in directories for callback in each]
    every[0].max_overhead = draw(st.sampled_from([None, 0.2, 1.0]))
    every[-1].max_overhead = draw(st.sampled_from([0.01, 0.05, 0.3]))
    lengths = st.lists(st.floats(0.1, 200.0), min_size=1, max_size=60)
    seconds = draw(lengths) * draw(st.integers(1, 4))
    return directories, every, seconds, {"planned": draw(st.booleans())}


def ends(callbacks):
    """Return the seconds of all first snapshots, and of all last ones."""
    first = sum(one.cost(0) for one in callbacks)
    return first, sum(one.cost(len(one.epochs) - 1) for one in callbacks)


@settings(max_examples=150, deadline=None)
@given(fits(EVERY_EPOCH))
def test_the_share_is_at_most_the_limit_or_the_first_and_the_last_snapshot(fit):
    directories, every, seconds, options = fit
    training = run(directories, seconds, **options)
    first, last = ends(every)
    # Costs that differ from the expected ones are known afterwards.
    unforeseen = 2 * sum(one.spread for one in every)
    allowed = max(training.share * sum(seconds), first + last) + unforeseen
    assert training.spent <= allowed * (1 + TINY) + TINY
    assert training.trained == pytest.approx(sum(seconds))
    assert training.spent == pytest.approx(
        sum(one.cost(count) for one in every for count in range(len(one.epochs)))
    )
    for one in every:
        assert (one.epochs[0], one.epochs[-1]) == (0, len(seconds) - 1)


@settings(max_examples=100, deadline=None)
@given(fits(SCHEDULES), st.integers(1, 10))
def test_the_share_is_bounded_with_any_schedules(fit, batches):
    directories, every, seconds, options = fit
    training = run(directories, seconds, batches=batches, **options)
    # What is captured before all costs are known is not saved for.
    unforeseen = 2 * sum(one.spread for one in every)
    allowed = training.share * sum(seconds) + sum(ends(every)) + unforeseen
    assert training.spent <= allowed * (1 + TINY) + TINY
    assert all(one.epochs[-1] == len(seconds) - 1 for one in every)


@settings(max_examples=100, deadline=None)
@given(fits(["epoch"]))
def test_no_callback_is_starved(fit):
    directories, every, seconds, options = fit
    run(directories, seconds, **options)
    for each in directories:
        assert all(one.epochs == each[0].epochs for one in each)
    counts = [len(one.epochs) for one in every]
    assert max(counts) <= 2 * min(counts)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0.01, 20.0), min_size=1, max_size=4),
    st.sampled_from([0.01, 0.05, 0.3]),
    st.lists(st.floats(0.1, 200.0), min_size=1, max_size=100),
)
def test_it_captures_as_often_as_the_rule_allows(costs, share, seconds):
    every = [Callback(cost, max_overhead=share) for cost in costs]
    run([every], seconds)
    whole, spent, trained, epochs = sum(costs), 0.0, 0.0, []
    for epoch, length in enumerate(seconds):
        trained += length
        forced = epoch in (0, len(seconds) - 1)
        left = share * trained - spent - 2 * whole
        if not forced and abs(left) < TINY:
            return  # too close to call
        if forced or left >= 0:
            spent += whole
            epochs.append(epoch)
    assert every[0].epochs == epochs
