# Defines tables of as many columns as there may be, each input others: all of them would be in the
# database's schema, which whoever opens it has in memory.
# outcome: limit-exceeded tables
# says: tables and columns

import wadup


def main():
    for table in range(200):
        columns = [(f"a_column_with_a_long_name_{number}", "Int64") for number in range(1999)]
        wadup.define_table(f"t{table}", columns)
