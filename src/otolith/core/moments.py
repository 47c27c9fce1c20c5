"""Moments that people name: with a time zone, and within the calendar."""

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: dt.datetime) -> dt.datetime:
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError as error:
        message = "name a moment within the years 1 to 9999"
        raise ValueError(message) from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
