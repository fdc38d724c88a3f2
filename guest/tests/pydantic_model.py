"""The mission's quick start."""
# outcome: completed
# rows: [["users", ["Alice", 30, "alice@example.com"]]]

import wadup
from pydantic import BaseModel, Field


class User(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)
    email: str | None = None


def main():
    user = User(name="Alice", age=30, email="alice@example.com")
    wadup.define_table("users", [
        ("name", "String"),
        ("age", "Int64"),
        ("email", "String"),
    ])
    wadup.insert_row("users", [user.name, user.age, user.email or ""])
    wadup.flush()
