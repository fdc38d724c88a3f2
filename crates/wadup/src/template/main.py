"""The valid users of a file of JSON Lines, and what is wrong with the others."""

import wadup
from pydantic import BaseModel, Field


class User(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)
    email: str | None = None


users = wadup.table(User, name="users")


def main() -> None:
    users.insert_many(wadup.input.jsonl(User, on_error=wadup.errors))
