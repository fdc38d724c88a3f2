"""`DATABASE FOLDER|FILE`: what the artifact `orders` does, without a sandbox, in this process."""

import os
import sqlite3
import sys

from models import Order

database = sqlite3.connect(sys.argv[1])
database.execute("CREATE TABLE orders (id INTEGER, customer TEXT, day TEXT, total REAL)")
given = sys.argv[2]
paths = [entry.path for entry in os.scandir(given)] if os.path.isdir(given) else [given]
for path in paths:
    with open(path, "rb") as file:
        order = Order.model_validate_json(file.read())
    database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", order.row())
database.commit()
