# Has the host read 60 MiB of rows twice, in one call.
# options: --timeout 100ms
# outcome: limit-exceeded time

ROW = b'{"table_name":"t","values":[{"Int64":1}]}'
TABLES = b'[{"name":"t","columns":[{"name":"n","data_type":"Int64"}]}]'


def main():
    rows = b",".join([ROW] * ((60 << 20) // (len(ROW) + 1)))
    with open("/metadata/a.json", "wb") as file:
        file.write(b'{"rows":[' + rows + b'],"tables":' + TABLES + b"}")
