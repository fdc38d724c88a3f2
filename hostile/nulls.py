# Hands over a row of twelve million values, each of which is a few bytes: past the package, which
# would refuse.
# outcome: rejected wrong-arity
# says: 12000001 values for 1 columns


def main():
    with open("/metadata/0.json", "w") as file:
        file.write('{"tables":[{"name":"t","columns":[{"name":"n","data_type":"Int64"}]}],')
        file.write('"rows":[{"table_name":"t","values":[')
        for _ in range(60):
            file.write("null," * 200_000)
        file.write("null]}]}")
