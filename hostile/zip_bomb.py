# Unpacks a gigabyte of zeros from a megabyte.
# options: --max-memory 128MiB
# outcome: limit-exceeded memory

import io
import zipfile


class Zeros(io.RawIOBase):
    left = 1 << 30

    def readinto(self, buffer):
        size = min(len(buffer), self.left)
        buffer[:size] = bytes(size)
        self.left -= size
        return size


def main():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("zeros", "w") as member:
            zeros = Zeros()
            while chunk := zeros.read(1 << 20):
                member.write(chunk)
    zipfile.ZipFile(packed).read("zeros")
