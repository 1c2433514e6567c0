"""Writes dates.json: what the reference reads and writes in each format, and how its durations reckon."""

import datetime as dt
import json
import pathlib

from airbyte_cdk.sources.declarative.datetime.datetime_parser import DatetimeParser
from airbyte_cdk.sources.declarative.interpolation.macros import format_datetime, str_to_datetime
from isodate import parse_duration

FORMATS = [
    "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%s", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S%z", "%ms", "%Y-%m-%dT%H:%M:%S.%_msZ", "%s_as_float", "%epoch_microseconds", "created_on:gt:%Y-%m-%dT%H:%M:%S",
    "%Y%m%d", "%Y-%m", "%Y", "%d/%m/%Y", "%m/%d/%Y %I:%M %p", "%a, %d %b %Y %H:%M:%S GMT", "%A %B %d %Y", "%y%j", "%G-W%V-%u",
    "%Y %U %w", "%Y %W %a", "%c", "%x %X", "%H:%M", "%Y-%m-%dT%H:%M:%S.%_ms%z", "%d%m%Y%H%M%S", "%Y-%m-%dT%H:%M:%S %Z", "100%% %Y",
    "(%Y) [%m] {%d}.*", "%Y-%m-%dT%H:%M", "%B %d, %Y", "%s%f", "%Q", "%", "%Y %Y", "%d %b %y", "%p %I", "%-d/%-m/%Y", "%e %k %l %P|%10Y|%_m|%^a",
    "%D %F %T %R %r", "%C %g %h %n %t %u", "%Y-%m-%dT%H:%M:%S.000Z", "'%Y-%m-%d'",
]
INSTANTS = [
    "2024-06-15T12:30:45.123456+00:00", "2024-02-29T00:00:00+00:00", "1970-01-01T00:00:00+00:00", "1969-12-31T23:59:59.999999+00:00",
    "2021-01-03T01:02:03+02:00", "1999-12-31T23:59:59.000001-05:30", "2255-06-05T23:47:34.740992+00:00", "2038-01-19T03:14:08.5+00:00",
    "0987-03-04T05:06:07+00:00", "9999-12-31T23:59:59.999999+00:00", "2023-01-01T12:00:00.1+00:00", "2020-12-31T00:00:00.012345+14:00",
]
TEXTS = [
    "2024-06-15", "2024-6-5", "2024-06-15T12:30:45.123Z", "2024-06-15T12:30:45.123456Z", "2024-06-15T12:30:45Z", "2024-06-15T12:30:45+0200",
    "2024-06-15T12:30:45.1+02:00", "2024-06-15T12:30:45-0530", "2024-06-15 12:30:45", "2024-06-15  12:30:45", "1718454645", "1718454645.25",
    "1718454645123", " 1718454645 ", "1_000", "-5", "2024-02-30", "2023-02-29", "20240615", "2024-06", "15/06/2024", "06/15/2024 03:05 pm",
    "06/15/2024 12:05 AM", "Sat, 15 Jun 2024 12:30:45 GMT", "Saturday June 15 2024", "24167", "2024-W24-6", "2024 24 6", "2024 24 sat",
    "Sat Jun 15 12:30:45 2024", "06/15/24 12:30:45", "12:30", "", "abc", "2024-06-15T12:30:60Z", "2024-06-15T24:00:00Z", "created_on:gt:2024-06-15T12:30:45",
    "2024-06-15T12:30:45 UTC", "2024-06-15T12:30:45 gmt", "100% 2024", "(2024) [06] {15}.*", "15 jun 24", "PM 3", "2024-06-15T12:30", "2024",
    "2024167", "2024-167", "2024-06-15T12", "2024-06-15T1230", "2024-06-15T12:30:45,5Z", "2024-06-15x12:30", "2024-06-15T12:30:45.1234567Z",
    "2024-06-15T12:30:45+02:00:10", "2024-06-15T12:30:45+25:00", "2024-06-15T12:30:45z", "20240615T123045Z", "2024-W24", "2024W246",
    "June 15, 2024", "2024-06-15T12:30:45.123", "0000-01-01", "9999-12-31", "1e3", "nan", "inf", "99999999999999999999", "-62135596800", "253402300800",
    "2024-06-15T12:30:45.000Z", "'2024-06-15'", "01012024101112",
]
DURATIONS = [
    "P1M", "P1W", "P1D", "P30D", "P1Y", "PT1S", "PT0.000001S", "PT0S", "P89D", "P1Y2M3W4DT5H6M7.5S", "-P1D", "+P1M", "P0.5D", "P1,5W", "PT", "P",
    "P1.5M", "P1.0M", "1D", "P1DT", "PT36H", "P0003-06-04T12:30:05", "P00030604T123005", "P1H", "PT1D", "", "p1d", "P0D", "P14M", "-P14M", "P1D ", "PT0.0000005S", "PT0.0000015S",
    "PT1M", "P4000Y", "PT24H", "P1DT1S\n", "P-1D",
]


def told(call, *arguments):
    try:
        return call(*arguments)
    except Exception:
        return None


def instant(time):
    return None if time is None else [str(time), time.tzinfo is not None]


parser = DatetimeParser()
written, read, iso, formatted, durations = {}, {}, {}, {}, {}
for form in FORMATS:
    written[form] = [told(parser.format, dt.datetime.fromisoformat(text), form) for text in INSTANTS]
    found = {text: str(told(parser.parse, text, form)) for text in TEXTS}
    read[form] = {text: time for text, time in found.items() if time != "None"}
for text in TEXTS:
    iso[text] = told(lambda text: str(str_to_datetime(text)), text)
for text in DURATIONS:
    one = told(parse_duration, text)
    durations[text] = None if one is None else [
        [str(told(lambda: dt.datetime.fromisoformat(at) + one)), str(told(lambda: dt.datetime.fromisoformat(at) - one))] for at in INSTANTS + ["2024-01-31T00:00:00+00:00", "2024-03-31T10:00:00+00:00"]
    ] + [str(one)]
table = {"instants": INSTANTS, "texts": TEXTS, "written": written, "read": read, "iso": iso, "durations": durations}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")))
