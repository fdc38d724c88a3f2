"""The environment is the instance's own, plus what the module has set at import."""
# outcome: completed
# env: GIVEN=value=with=equals
# env: DEFAULTED=given
# env: EMPTY=

import os

assert "SET" not in os.environ
os.environ["SET"] = "at import"
os.environ.setdefault("DEFAULTED", "default")
environ = os.environ


def main():
    assert environ is os.environ
    expected = {
        "GIVEN": "value=with=equals", "DEFAULTED": "given", "EMPTY": "", "SET": "at import",
    }
    assert dict(os.environ) == expected, dict(os.environ)
    assert os.getenv("GIVEN") == "value=with=equals" and os.environb[b"GIVEN"]
    os.environ["LATER"] = "x"
    del os.environ["GIVEN"]
    assert os.getenv("LATER") == "x" and os.getenv("GIVEN") is None
