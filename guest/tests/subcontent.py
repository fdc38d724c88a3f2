"""Sub-content is handed over in the order in which it is emitted."""
# outcome: completed
# subcontent: [["a.txt", "hello"], ["dir/ü.bin", ""], ["array", "abc"], ["view", "bcd"]]

import array

import wadup


def refused(kind, part, *arguments):
    try:
        wadup.emit_bytes(*arguments)
    except kind as error:
        assert part in str(error), str(error)
    else:
        raise AssertionError(f"{arguments} was accepted")


refused(RuntimeError, "works in main()", b"", "name")


def main():
    wadup.emit_bytes(b"hello", "a.txt")
    refused(TypeError, "got str; use text.encode()", "text", "name")
    refused(TypeError, "filename is a str, got bytes", b"", b"name")
    refused(ValueError, "lone surrogate", b"", "\udc80")
    refused(ValueError, "NUL", b"", "a\0b")
    refused(ValueError, "empty", b"", "")
    refused(ValueError, "contiguous", memoryview(b"abcdef")[::2], "name")
    wadup.emit_bytes(bytearray(), filename="dir/ü.bin")
    wadup.emit_bytes(array.array("B", b"abc"), "array")
    wadup.emit_bytes(memoryview(b"abcdef")[1:4], "view")
