# Defines a table with a million columns, past the package, which would refuse.
# outcome: rejected

import json


def main():
    columns = [{"name": f"c{number}", "data_type": "Int64"} for number in range(1_000_000)]
    with open("/metadata/0.json", "w") as file:
        json.dump({"tables": [{"name": "t", "columns": columns}]}, file)
