"""Results of speed tests as columns, the tariff as a line over them."""

from tariffs import speed_chart
from tariffs.models import SpeedTest


def result(down, tariff=100):
    return SpeedTest(ping=1, jitter=1, down=down, up=100, tariff_down=tariff)


def test_one_result_is_no_chart():
    assert speed_chart.drawn([result(94)]) is None


def test_the_oldest_stands_first():
    chart = speed_chart.drawn([result(94), result(20)])

    assert [column.test.down for column in chart.columns] == [20, 94]
    assert [column.level for column in chart.columns] == ["poor", "good"]


def test_a_column_is_as_high_as_its_speed_under_the_tariffs_line():
    chart = speed_chart.drawn([result(50), result(100)])

    whole, half = (float(column.height) for column in chart.columns)
    assert half == whole / 2
    assert [column.line for column in chart.columns] == [chart.columns[0].top] * 2


def test_a_result_far_over_the_tariff_ends_at_the_edge():
    chart = speed_chart.drawn([result(5_000), result(100)])

    assert [column.top for column in chart.columns] == ["54.4", "24.0"]


def test_without_a_tariff_there_is_no_line():
    chart = speed_chart.drawn([result(50, None), result(100, None)])

    assert {column.line for column in chart.columns} == {None}
    assert chart.most == 100


def test_thirty_results_share_the_width():
    chart = speed_chart.drawn([result(90)] * 30)

    assert chart.columns[-1].end == "100.00%"


def test_few_results_have_one_line_of_days():
    few, many = (speed_chart.drawn([result(90)] * count) for count in (3, 9))

    assert few.is_narrow
    assert not many.is_narrow
