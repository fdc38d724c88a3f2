"""What is validated, in the sandbox and natively."""

from datetime import datetime

from pydantic import BaseModel, Field


class Reading(BaseModel):
    id: int
    sensor: str = Field(min_length=1)
    celsius: float = Field(ge=-273.15)
    indoors: bool
    at: datetime
    note: str | None = None
