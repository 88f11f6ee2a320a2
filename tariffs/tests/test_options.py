"""Options: switched on, changed, switched off, taken back, and ended by the task."""

import pytest
from django.db import IntegrityError, transaction

from tariffs.models import OptionUse
from tariffs.tests.factories import NEXT, TODAY, OptionUseFactory

pytestmark = pytest.mark.django_db


def test_the_database_keeps_one_use_of_an_option_on_a_day():
    use = OptionUseFactory(until=NEXT)
    another = {"contract": use.contract, "option": use.option}

    with pytest.raises(IntegrityError, match="one_use_of_an_option_at_a_time"), transaction.atomic():
        OptionUseFactory(**another, since=TODAY)

    OptionUseFactory(**another, since=TODAY, until=TODAY)  # of no days
    OptionUseFactory(**another, since=NEXT)
    assert OptionUse.objects.count() == 3
