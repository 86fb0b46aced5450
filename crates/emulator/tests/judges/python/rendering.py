"""Writes the values of any Python driver as one canonical text, so that all drivers are compared with the same list."""

import json
import math
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path


def cases():
    """The types with their values: SQL expression and canonical text."""
    return json.loads((Path(__file__).parent.parent / "types.json").read_text(encoding="utf-8"))


def scale(sql_type):
    return int(sql_type.rstrip(")").split(",")[1]) if "," in sql_type else 0


def to_microseconds(text):
    """What is left of a canonical time in a Python object, which ends at microseconds: the rest is cut off."""
    seconds, _, rest = text.partition(".")
    zone = rest[9:]
    return f"{seconds}.{rest[:6]}000{zone}"


def expected(sql_type, text):
    """The canonical text as far as Python objects can hold it."""
    if text is None:
        return None
    if sql_type.startswith("TIME"):
        return to_microseconds(text)
    if sql_type in ("VARIANT", "OBJECT", "ARRAY"):
        return canonical_json(text)
    return text


def render(sql_type, value):
    """The canonical text of a value as a Python driver returns it from a row."""
    if value is None:
        return None
    kind = sql_type.split("(")[0]
    return RENDERERS[kind](value, sql_type)


def fixed(value, sql_type):
    digits = scale(sql_type)
    if digits == 0:
        require(value, int)
        return str(value)
    require(value, Decimal)
    return f"{value:.{digits}f}"


def real(value, _):
    require(value, float)
    if math.isnan(value):
        return "NaN"
    return repr(value)


def text(value, _):
    require(value, str)
    return value


def binary(value, _):
    require(value, (bytes, bytearray))
    return value.hex().upper()


def boolean(value, _):
    require(value, bool)
    return "true" if value else "false"


def day(value, _):
    require(value, date)
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"


def time_of_day(value, _):
    require(value, time)
    return value.isoformat(timespec="microseconds") + "000"


def ntz(value, _):
    require(value, datetime)
    same_zone(value, None)
    return plain(value)


def ltz(value, _):
    require(value, datetime)
    if value.tzinfo is None:
        raise TypeError("a local timestamp came without a zone")
    return plain(value.astimezone(timezone.utc).replace(tzinfo=None))


def tz(value, _):
    require(value, datetime)
    offset = value.utcoffset()
    if offset is None:
        raise TypeError("a timestamp with offset came without it")
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"{plain(value.replace(tzinfo=None))} {sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def semi_structured(value, _):
    require(value, str)
    return canonical_json(value)


def canonical_json(document):
    return json.dumps(json.loads(document), ensure_ascii=False, sort_keys=True)


def plain(value):
    return f"{value.year:04d}-{value:%m-%d %H:%M:%S}.{value.microsecond:06d}000"


def require(value, kind):
    if not isinstance(value, kind):
        raise TypeError(f"came as {type(value).__name__}")


def same_zone(value, zone):
    if value.tzinfo is not zone:
        raise TypeError(f"came with zone {value.tzinfo}")


RENDERERS = {
    "NUMBER": fixed,
    "FLOAT": real,
    "VARCHAR": text,
    "BINARY": binary,
    "BOOLEAN": boolean,
    "DATE": day,
    "TIME": time_of_day,
    "TIMESTAMP_NTZ": ntz,
    "TIMESTAMP_LTZ": ltz,
    "TIMESTAMP_TZ": tz,
    "VARIANT": semi_structured,
    "OBJECT": semi_structured,
    "ARRAY": semi_structured,
}
