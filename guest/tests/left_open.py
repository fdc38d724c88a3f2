"""A file that is left open at import cannot be in a snapshot; a file of the tree can."""
# outcome-snapshot: refused RuntimeError
# outcome-cold: completed
# message: still open: '/tmp/log.txt' (/app/left_open.py:6, in <module>); a snapshot cannot keep

log = open("/tmp/log.txt", "w")
log.write("buffered")
closed = open("/tmp/closed.txt", "w")
closed.close()
own = open(__file__)


def main():
    assert "still open" in own.read()
