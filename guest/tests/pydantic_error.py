"""A validation error is reported by its full name."""
# outcome: raised pydantic_core._pydantic_core.ValidationError
# message: Input should be less than or equal to 150

from pydantic import BaseModel, Field


class User(BaseModel):
    age: int = Field(ge=0, le=150)


def main():
    User(age=200)
