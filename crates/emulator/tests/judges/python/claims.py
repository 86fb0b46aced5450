"""Reports what a driver was seen to do: one JSON line per claim, and a last line that says the script came to its end."""

import json
import traceback
from contextlib import contextmanager


class Wrong(Exception):
    """A claim that does not hold."""


def report(claim, ok, detail=""):
    print(json.dumps({"claim": claim, "ok": ok, "detail": detail}), flush=True)


@contextmanager
def claim(sentence):
    """Runs a block as one claim: it holds when nothing is raised."""
    try:
        yield
    except Wrong as wrong:
        report(sentence, False, str(wrong))
    except Exception as error:  # a driver may raise anything; the next claim must still be tried
        where = traceback.extract_tb(error.__traceback__)[-1]
        report(sentence, False, f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"[:2000])
    else:
        report(sentence, True)


def same(got, expected, what="value"):
    if got != expected:
        raise Wrong(f"{what}: got {got!r}, expected {expected!r}"[:2000])


def raises(action, check):
    """Runs `action`, which must raise, and gives the error to `check`."""
    try:
        action()
    except Wrong:
        raise
    except Exception as error:
        check(error)
        return
    raise Wrong("no error")


def run_areas(areas, wanted):
    """Runs one area of claims by its name and closes the report."""
    with claim(f"the area '{wanted}' runs to its end"):
        areas[wanted]()
    print(json.dumps({"end": True}), flush=True)
