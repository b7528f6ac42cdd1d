from __future__ import annotations

import numpy as np
import pytest

from tbviz.callbacks.limits.budget import Budget
from tbviz.callbacks.limits.writer_factor import WriterFactor

SHARE = 0.05


def pay(budget, amount, progress=0.0, keys=("maps",)):
    for key in keys:
        budget.settle(key)
    budget.earn(amount, progress)


def simulate(costs, training, *, planned=None, parts=1, share=SHARE):
    """Return the cost of each callback's snapshots, by epoch.

    A snapshot costs `costs[name]` seconds, and training `training[epoch]`. The first and the last
    epoch are always captured.
    """
    budget = Budget()
    for name in costs:
        budget.open(name)
    epochs = len(training)
    snapshots = []
    done_parts = dict.fromkeys(costs, 0)
    for epoch, seconds in enumerate(training):
        progress = (epoch + 1) / planned if planned else 0.0
        pay(budget, share * seconds, progress, costs)
        costs_now = {}
        for name, cost in costs.items():
            pieces = parts if name == "expensive" else 1
            # A part at the first epoch, all parts at the last.
            forced = {0: 1, epochs - 1: pieces}.get(epoch, 0)
            if epoch == epochs - 1:
                done_parts[name] = 0
            while forced > 0 or budget.affords(name):
                forced -= 1
                done_parts[name] += 1
                done = done_parts[name] == pieces
                budget.spend(name, cost / pieces, 1, done=done)
                costs_now[name] = costs_now.get(name, 0) + cost / pieces
                if done:
                    done_parts[name] = 0
                    break
        snapshots.append(costs_now)
    return snapshots


def share_of(snapshots, training, begin, end):
    spent = sum(sum(costs_now.values()) for costs_now in snapshots[begin:end])
    return spent / sum(training[begin:end])


def test_a_cheap_callback_captures_every_epoch():
    snapshots = simulate({"maps": 0.2, "health": 0.1}, [10.0] * 20)
    assert all(set(costs_now) == {"maps", "health"} for costs_now in snapshots)


def test_it_stays_below_from_the_third_epoch_on_and_keeps_first_and_last():
    training = [10.0] * 400
    costs = {"maps": 0.1, "health": 0.15, "expensive": 3.0}
    snapshots = simulate(costs, training)
    assert set(snapshots[0]) == set(snapshots[-1]) == set(costs)
    # By hand: 0.5 s per epoch, 0.25 of them for the cheap ones at every epoch, so that the
    # expensive one gets 0.25 and captures every twelfth epoch once its first one is paid back.
    assert all({"maps", "health"} <= set(costs_now) for costs_now in snapshots)
    expensive = [epoch for epoch, costs_now in enumerate(snapshots) if "expensive" in costs_now][
        :-1
    ]
    gaps = np.diff(expensive)
    assert expensive[1] == pytest.approx(24, abs=2)
    assert (gaps[1:] == 12).all()
    for begin in range(3, 330):
        assert share_of(snapshots, training, begin, begin + 60) <= SHARE + 1e-9
    assert share_of(snapshots, training, 0, 400) <= SHARE + 0.001


def test_an_expensive_callback_is_not_starved_by_cheap_ones():
    # The cheap ones alone would take all: each of the three gets a third.
    snapshots = simulate({"a": 0.4, "b": 0.4, "expensive": 2.0}, [10.0] * 300)
    taken = {
        name: sum(costs_now.get(name, 0) for costs_now in snapshots)
        for name in ("a", "b", "expensive")
    }
    allowed = 300 * 10 * SHARE
    assert sum(taken.values()) <= allowed + 2.8
    assert all(value == pytest.approx(allowed / 3, rel=0.06) for value in taken.values())


def test_the_last_snapshot_is_saved_for_if_the_end_is_known():
    training = [10.0] * 24
    snapshots = simulate({"maps": 1.0, "expensive": 3.0}, training, planned=24)
    assert set(snapshots[-1]) == {"maps", "expensive"}
    # Twice three and ten times one are the 12 seconds that are allowed, within one snapshot.
    assert share_of(snapshots, training, 0, 24) <= SHARE + 1e-9


def test_it_recovers_when_training_slows():
    fast, slow = [2.0] * 100, [40.0] * 100
    snapshots = simulate({"maps": 1.0}, fast + slow)
    first = sum("maps" in costs_now for costs_now in snapshots[50:100])
    then = [bool(costs_now) for costs_now in snapshots[103:]]
    assert first == 5  # 0.1 s an epoch: every tenth
    assert all(then)


def test_parts_are_spread_over_epochs():
    training = [10.0] * 200
    snapshots = simulate({"expensive": 4.0}, training, parts=8)
    # Half a second an epoch is one part, so no epoch but the last has more than two.
    assert max(costs_now.get("expensive", 0) for costs_now in snapshots[:-1]) <= 1.0
    assert share_of(snapshots, training, 3, 199) == pytest.approx(SHARE, rel=0.05)


def test_a_first_snapshot_is_whole_if_the_run_can_pay_it_back():
    """Half a second an epoch is allowed: 400 epochs pay 200 s, and an eighth may be owed."""
    snapshots = simulate({"expensive": 24.0}, [10.0] * 400, planned=400, parts=8)
    assert [costs_now.get("expensive", 0) for costs_now in snapshots[:47]] == [24] + [0] * 46
    assert snapshots[-1] == {"expensive": 24}
    assert share_of(snapshots, [10.0] * 400, 0, 400) <= SHARE + 1e-9
    # Of 200 epochs it may owe 12.4 s: two parts, then it goes on as it can.
    snapshots = simulate({"expensive": 40.0}, [10.0] * 200, planned=200, parts=8)
    assert snapshots[0] == {"expensive": 10}
    assert max(costs_now.get("expensive", 0) for costs_now in snapshots[1:-1]) == 5


def test_costs_that_the_writer_tells_later_count():
    budget = Budget()
    budget.open("maps")
    for _ in range(3):
        pay(budget, 1.0)
        budget.spend("maps", 0.1, 1, done=True)
        budget.spend("maps", 0.4)  # its encoding
    pay(budget, 0.0)
    assert budget.expected("maps") == pytest.approx(0.5)


def test_more_taken_than_allowed_by_all_is_everybodys_debt():
    budget = Budget()
    for name in "ab":
        budget.open(name)
        budget.spend(name, 0.0, 1, done=True)
    pay(budget, -1.0, keys="ab")
    assert not budget.affords("a")
    assert not budget.affords("b")
    pay(budget, 1.1, keys="ab")
    assert budget.affords("a")


def test_the_factor_begins_at_one_over_the_cores():
    assert WriterFactor(cores=2).value == 0.5
    assert WriterFactor(cores=16).value == 0.0625


@pytest.mark.parametrize("true", [0.0, 0.3, 1.0])
def test_the_factor_is_found_where_the_run_shows_it(true):
    random = np.random.default_rng(0)
    factor = WriterFactor(cores=2)
    factor.observe(60.0, 0.0, steps=30)  # Keras compiles
    for epoch in range(60):
        writer = 2.0 * (epoch % 3 == 0)
        factor.observe(10 + true * writer + random.normal(0, 0.05), writer, steps=30)
    assert factor.value == pytest.approx(true, abs=0.06)


def test_noise_leaves_the_factor_at_its_guess():
    random = np.random.default_rng(0)
    factor = WriterFactor(cores=2)
    factor.observe(60.0, 0.0, steps=30)
    for epoch in range(12):
        factor.observe(10 + random.normal(0, 1.0), 0.05 * (epoch % 2), steps=30)
    assert factor.value == pytest.approx(0.5, abs=0.05)


def test_stretches_without_a_step_say_nothing():
    factor = WriterFactor(cores=4)
    for _ in range(10):
        factor.observe(1.0, 0.5, steps=0)
    assert factor.value == 0.25


def test_the_estimated_cost_of_the_first_snapshot_is_forgotten():
    budget = Budget()
    budget.open("maps")
    budget.spend("maps", 0.1, 1, done=True, again=2.0)
    pay(budget, 0.0)
    assert budget.expected("maps") == pytest.approx(2.0)
    pay(budget, 2.2)
    assert budget.affords("maps")  # 0.1 is paid back
    budget.spend("maps", 0.5, 1, done=True)
    pay(budget, 0.0)
    assert budget.expected("maps") == pytest.approx(0.5)
    budget.spend("maps", 0.7, 1, done=True)
    pay(budget, 0.0)
    assert budget.expected("maps") == pytest.approx(0.6)


def test_what_the_writer_tells_a_position_later_is_expected_too():
    budget = Budget()
    budget.open("maps")
    budget.spend("maps", 0.1, 1, done=True)
    pay(budget, 0.0)
    budget.spend("maps", 0.4)  # its encoding, when the next position is settled
    pay(budget, 0.0)
    assert budget.expected("maps") == pytest.approx(0.5)


def test_an_abandoned_snapshot_is_no_part_of_the_next():
    budget = Budget()
    budget.open("maps")
    for _ in range(2):
        budget.spend("maps", 1.0, 1)
        pay(budget, 0.0)
    budget.abandon("maps")
    for part in range(4):
        budget.spend("maps", 1.0, 1, done=part == 3)
        pay(budget, 0.0)
    assert budget.expected("maps") == pytest.approx(4.0)


def test_a_factor_found_long_ago_is_forgotten():
    random = np.random.default_rng(0)
    factor = WriterFactor(cores=2)
    for true in (1.0, 0.0):
        for epoch in range(200):
            writer = 2.0 * (epoch % 3 == 0)
            factor.observe(10 + true * writer + random.normal(0, 0.05), writer, steps=30)
    assert factor.value < 0.1
