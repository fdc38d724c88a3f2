"""One model validated and one row inserted for each input."""

import wadup
from models import COLUMNS, Order

wadup.define_table("orders", COLUMNS)


def main():
    order = Order.model_validate_json(wadup.input.read_bytes())
    wadup.insert_row("orders", order.row())
