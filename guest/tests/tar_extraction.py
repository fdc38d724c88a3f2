"""An archive of another user's files is extracted: nobody is taken for one who can ``chown``."""
# outcome: completed

import io
import os
import tarfile


def archive():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("folder/name")
        member.size, member.uid, member.gid = 7, 1000, 1000
        tar.addfile(member, io.BytesIO(b"content"))
    packed.seek(0)
    return packed


def main():
    for rule in ("data", "tar", "fully_trusted"):
        with tarfile.open(fileobj=archive()) as tar:
            tar.extractall(f"/tmp/{rule}", filter=rule)
        with open(f"/tmp/{rule}/folder/name") as file:
            assert file.read() == "content"
        assert os.stat(f"/tmp/{rule}/folder/name").st_uid == os.getuid() == 0
