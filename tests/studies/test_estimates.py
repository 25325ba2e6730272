"""Means with their intervals, and how they are written."""

import pytest
from scipy.stats import ttest_1samp

from gradalign.studies._estimates import mean, number


def test_the_interval_is_students():
    values = [0.3, -0.1, 0.8, 0.4, 0.2]
    interval = ttest_1samp(values, 0).confidence_interval()
    found = mean(values)
    assert found.value == pytest.approx(0.32)
    assert found.ci == pytest.approx((interval.low, interval.high))
    assert found.n == 5


def test_the_sign_is_that_of_an_interval_on_one_side_of_zero():
    signs = [mean(values).sign for values in ([0.3, -0.1], [1.0, 1.1, 0.9], [-1.0, -1.1], [1.0])]
    assert signs == [0, 1, -1, 0]


def test_one_value_and_none():
    assert (mean([1.0]).value, mean([1.0]).ci) == (1.0, None)
    assert (mean([]).value, mean([]).n) == (None, 0)


def test_numbers_are_written():
    assert number(None, None) == "without a value"
    assert number(-0.001, (-0.2, 0.1)) == "0.00 [-0.20, 0.10]"
    assert number(0.5, (-0.2, 0.1), sign="+") == "+0.50 [-0.20, +0.10]"
    assert number(12.34, decimals=0) == "12"
