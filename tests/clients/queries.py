"""The questions that every client asks, and the answers that Ann and Sam must get: `queries.json`.

`rows`: cells as JSON has them, decimal numbers and days as texts. `error`: the gRPC code, and what the text holds.
Standard library only: clients with environments of their own read it too.
"""

import datetime
import decimal
import json
import re
from pathlib import Path

QUERIES = json.loads(Path(__file__).with_name("queries.json").read_text(encoding="utf-8"))


def expected(query, user):
    """The rows that `user` must get, or None; the error that he must get, or None."""
    answer = query.get(user, query)
    return answer.get("rows"), answer if "error" in answer else None


def plain(rows):
    """Rows as `queries.json` has them."""
    def cell(value):
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value.isoformat()
        return str(value) if isinstance(value, decimal.Decimal) else value
    return [[cell(value) for value in row] for row in rows]


def check(test, user, ask):
    """Asks all questions with `ask(sql, parameters)`, which returns rows or raises; compares with the answers."""
    for query in QUERIES:
        check_one(test, query, user, ask)


def check_one(test, query, user, ask):
    """Asks one question."""
    with test.subTest(query=query["name"], user=user):
        rows, error = expected(query, user)
        if error is None:
            test.assertEqual(plain(ask(query["sql"], query.get("parameters"))), rows)
            return
        with test.assertRaises(Exception) as raised:
            ask(query["sql"], query.get("parameters"))
        test.assertIn(error["text"], str(raised.exception))
        test.assertIn(error["error"], told(raised.exception))


def told(error):
    """The gRPC code that an error tells, in whichever spelling, followed by its text."""
    # pyarrow has Python's own errors for two of the codes.
    codes = {KeyError: "NOT_FOUND"}
    text = f"{codes.get(type(error), type(error).__name__)} {error}"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).upper().replace("ARROW_INVALID", "INVALID_ARGUMENT")
    return words.replace(" ", "_")
