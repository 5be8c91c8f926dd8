"""Foreign CPU is what was busy less what was ours."""

import foreign_cpu
from foreign_cpu import Moment, foreign_share

STAT = "cpu  100 20 30 4000 50 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"


def test_busy_is_all_but_idle_and_waiting():
    assert foreign_cpu.busy_seconds(STAT, 100) == 1.71


def test_own_time_is_not_foreign():
    assert foreign_share(Moment(0, 10, 0), Moment(5, 20, 10), 2) == 0


def test_others_are_a_share_of_all_cpus():
    assert foreign_share(Moment(0, 10, 0), Moment(5, 20, 9), 2) == 0.1


def test_ticks_do_not_make_it_negative():
    assert foreign_share(Moment(0, 10, 0), Moment(5, 19.99, 10), 2) == 0


def test_a_short_time_says_nothing():
    assert foreign_share(Moment(0, 10, 0), Moment(0.1, 10, 0), 2) is None


def test_this_machine_counts():
    first = foreign_cpu.now()
    second = foreign_cpu.now()
    assert second.busy >= first.busy > 0 and second.own >= first.own
