from datetime import date

from pydantic import BaseModel, Field

COLUMNS = [("id", "Int64"), ("customer", "String"), ("day", "String"), ("total", "Float64")]


class Order(BaseModel):
    id: int = Field(ge=0)
    customer: str = Field(min_length=1)
    day: date
    total: float
    express: bool
    tags: list[str]
    note: str

    def row(self):
        return [self.id, self.customer, self.day.isoformat(), self.total]
