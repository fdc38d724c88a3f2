# Defines a table with the name of one of wadup's own.
# outcome: rejected

import json


def main():
    table = {"name": "_wadup_outcomes", "columns": [{"name": "status", "data_type": "String"}]}
    with open("/metadata/0.json", "w") as file:
        json.dump({"tables": [table]}, file)
