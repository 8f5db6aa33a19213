"""What is overdue, seen from outside."""

import json
import os
import urllib.error
import urllib.request

import pytest

URL = os.environ["APP_URL"]


def ask(path: str, data: object = None) -> dict:
    body = None if data is None else json.dumps(data).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_what_is_overdue_is_listed_by_day() -> None:
    later = ask("/todos", {"title": "later", "due": "1999-01-20"})
    first = ask("/todos", {"title": "first", "due": "1999-01-10"})
    on_the_day = ask("/todos", {"title": "on the day", "due": "1999-02-01"})
    listed = [todo["id"] for todo in ask("/overdue?on=1999-02-01")["items"]]
    assert listed.index(first["id"]) < listed.index(later["id"])
    assert on_the_day["id"] not in listed


def test_a_wrong_day_is_a_problem() -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("/overdue?on=soon")
    assert caught.value.code == 400
    assert caught.value.headers["Content-Type"] == "application/problem+json"
