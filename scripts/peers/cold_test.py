"""Cold calls walk through all experts of all layers and keep who shares an expert with whom."""

import cold

IDS = [[5, 2], [2, 7]]


def test_the_chosen_experts_take_the_next_numbers_of_the_circle():
    assert cold.relabelled(IDS, 8, 0) == [[1, 0], [0, 2]]
    assert cold.relabelled(IDS, 8, 1) == [[4, 3], [3, 5]]
    assert cold.relabelled(IDS, 8, 2) == [[7, 6], [6, 0]]


def test_the_load_stays():
    def load(ids):
        flat = [e for row in ids for e in row]
        return sorted(flat.count(e) for e in set(flat))

    for step in range(9):
        again = cold.relabelled(IDS, 8, step)
        assert load(again) == load(IDS)
        assert all(len(set(row)) == 2 and max(row) < 8 for row in again)


def test_a_circle_reads_every_expert_before_it_comes_back():
    calls = cold.distinct_calls(chosen=3, experts=8, layers=2, most=1000)
    assert calls == 16
    seen = [cold.touched(cold.relabelled(IDS, 8, step)) for step in range(8)]
    assert {e for step in seen for e in step} == set(range(8))
    assert not set(seen[0]) & set(seen[1])


def test_no_more_calls_are_made_than_are_taken():
    assert cold.distinct_calls(chosen=3, experts=128, layers=1, most=23) == 23


def test_layers_make_twice_the_cache():
    assert cold.layers_needed(layer_bytes=100, cache_bytes=260) == 6
    assert cold.layers_needed(layer_bytes=1000, cache_bytes=260) == 1


def test_this_machine_has_a_cache():
    assert cold.cache_bytes_of_this_machine() >= 1 << 18
