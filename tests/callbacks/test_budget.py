from __future__ import annotations

import numpy as np
import pytest

from tbviz.callbacks.budget import Budget
from tbviz.callbacks.writer_factor import WriterFactor

SHARE = 0.05


def pay(budget, amount, progress=0.0, keys=("maps",)):
    for key in keys:
        budget.settle(key)
    budget.earn(amount, progress)


def simulate(costs, training, *, planned=None, parts=1, share=SHARE):
    """Who looks at each epoch, when a look of each takes what `costs` says.

    Training takes `training[epoch]` seconds; the first and the last epoch are always looked at.
    """
    budget = Budget()
    for name in costs:
        budget.open(name)
    epochs = len(training)
    looks = []
    done_parts = dict.fromkeys(costs, 0)
    for epoch, seconds in enumerate(training):
        progress = (epoch + 1) / planned if planned else 0.0
        pay(budget, share * seconds, progress, costs)
        now = {}
        for name, cost in costs.items():
            pieces = parts if name == "dear" else 1
            # A part at the first epoch, all parts at the last.
            forced = {0: 1, epochs - 1: pieces}.get(epoch, 0)
            if epoch == epochs - 1:
                done_parts[name] = 0
            while forced > 0 or budget.affords(name):
                forced -= 1
                done_parts[name] += 1
                done = done_parts[name] == pieces
                budget.spend(name, cost / pieces, 1, done=done)
                now[name] = now.get(name, 0) + cost / pieces
                if done:
                    done_parts[name] = 0
                    break
        looks.append(now)
    return looks


def share_of(looks, training, begin, end):
    spent = sum(sum(now.values()) for now in looks[begin:end])
    return spent / sum(training[begin:end])


def test_what_is_cheap_enough_looks_at_every_epoch():
    looks = simulate({"maps": 0.2, "health": 0.1}, [10.0] * 20)
    assert all(set(now) == {"maps", "health"} for now in looks)


def test_it_stays_below_from_the_third_epoch_on_and_keeps_first_and_last():
    training = [10.0] * 400
    costs = {"maps": 0.1, "health": 0.15, "dear": 3.0}
    looks = simulate(costs, training)
    assert set(looks[0]) == set(looks[-1]) == set(costs)
    # By hand: 0.5 s an epoch, 0.25 of them for the cheap ones at every epoch, so that the dear
    # one gets 0.25 and looks every twelfth epoch once its first look is paid back.
    assert all({"maps", "health"} <= set(now) for now in looks)
    expensive = [epoch for epoch, now in enumerate(looks) if "dear" in now][:-1]
    gaps = np.diff(expensive)
    assert expensive[1] == pytest.approx(24, abs=2)
    assert (gaps[1:] == 12).all()
    for begin in range(3, 330):
        assert share_of(looks, training, begin, begin + 60) <= SHARE + 1e-9
    assert share_of(looks, training, 0, 400) <= SHARE + 0.001


def test_a_dear_callback_is_not_starved_by_cheap_ones():
    # The cheap ones alone would take all: each of the three gets a third.
    looks = simulate({"a": 0.4, "b": 0.4, "dear": 2.0}, [10.0] * 300)
    taken = {name: sum(now.get(name, 0) for now in looks) for name in ("a", "b", "dear")}
    allowed = 300 * 10 * SHARE
    assert sum(taken.values()) <= allowed + 2.8
    assert all(value == pytest.approx(allowed / 3, rel=0.06) for value in taken.values())


def test_the_last_look_is_saved_for_where_the_end_is_known():
    training = [10.0] * 24
    looks = simulate({"maps": 1.0, "dear": 3.0}, training, planned=24)
    assert set(looks[-1]) == {"maps", "dear"}
    # Twice three and ten times one are the 12 seconds that are allowed, within one look.
    assert share_of(looks, training, 0, 24) <= SHARE + 1e-9


def test_it_recovers_when_training_slows():
    fast, slow = [2.0] * 100, [40.0] * 100
    looks = simulate({"maps": 1.0}, fast + slow)
    first = sum("maps" in now for now in looks[50:100])
    then = [bool(now) for now in looks[103:]]
    assert first == 5  # 0.1 s an epoch: every tenth
    assert all(then)


def test_parts_are_spread_over_epochs():
    training = [10.0] * 200
    looks = simulate({"dear": 4.0}, training, parts=8)
    # Half a second an epoch is one part, so no epoch but the last has more than two.
    assert max(now.get("dear", 0) for now in looks[:-1]) <= 1.0
    assert share_of(looks, training, 3, 199) == pytest.approx(SHARE, rel=0.05)


def test_a_first_look_is_whole_where_the_run_can_pay_it_back():
    """Half a second an epoch is allowed: 400 epochs pay 200 s, and an eighth may be owed."""
    looks = simulate({"dear": 24.0}, [10.0] * 400, planned=400, parts=8)
    assert [now.get("dear", 0) for now in looks[:47]] == [24] + [0] * 46
    assert looks[-1] == {"dear": 24}
    assert share_of(looks, [10.0] * 400, 0, 400) <= SHARE + 1e-9
    # Of 200 epochs it may owe 12.4 s: two parts, then it goes on as it can.
    looks = simulate({"dear": 40.0}, [10.0] * 200, planned=200, parts=8)
    assert looks[0] == {"dear": 10}
    assert max(now.get("dear", 0) for now in looks[1:-1]) == 5


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


def test_what_the_first_look_seemed_to_take_is_forgotten():
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


def test_a_look_that_does_not_go_on_is_no_part_of_the_next():
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
