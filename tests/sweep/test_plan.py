"""What a measurement is, as plain data."""

import pickle

import pytest

from gradalign.sweep import Plan

ARCH = "nb201:|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"


def test_can_be_sent_to_another_process():
    plan = Plan(build=(("channels", "4"),), input_size=(3, 8, 8), device="cpu")
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_conditions_reach_the_protocol():
    plan = Plan(norm="sample", batch_size=5, input_size=(12,), build=(("cells", "1"),))
    (conditions,) = plan.scorer().protocols.values()
    assert conditions["norm"] == "sample"
    assert conditions["batch_size"] == 5
    assert conditions["input_size"] == (3, 12, 12)
    assert conditions["build"] == (("cells", "1"),)


@pytest.mark.parametrize(
    ("given", "shape"), [(None, None), ((9,), (3, 9, 9)), ((1, 4, 5), (1, 4, 5))]
)
def test_one_number_is_a_square_colour_image(given, shape):
    assert Plan(input_size=given).image_size == shape


def test_build_options_reach_the_network():
    plan = Plan(build=(("channels", "2"), ("cells", "1")), num_classes=7)
    network = plan.candidate(ARCH).build(seed=0)
    assert [m.out_features for m in network.modules() if hasattr(m, "out_features")] == [7]
