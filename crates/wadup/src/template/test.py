"""In the sandbox: `wadup test`. Without one: `uv run pytest`."""

from pathlib import Path

from wadup import local

from {module} import main

SAMPLES = Path(__file__).parent.parent / "samples"


def test_users() -> None:
    rows = local.run(main, SAMPLES / "users.jsonl")
    users = [row for table, row in rows if table == "users"]
    assert users == [
        {"name": "Ada", "age": 36, "email": "ada@example.org"},
        {"name": "Bo", "age": 7, "email": None},
    ]


def test_what_is_wrong_is_recorded() -> None:
    rows = local.run(main, SAMPLES / "users.jsonl")
    errors = [row for table, row in rows if table == "validation_errors"]
    assert [(row["line"], row["location"]) for row in errors] == [(3, "age")]
