"""Lists an archive and hands every file inside to wadup as sub-content.

Sub-content is processed like any other input, by every artifact of the run: archives inside
archives are walked in their turn (`--max-depth` says how deep), and an artifact for another
format that takes part in the run gets to see the files inside.
"""

import wadup

from archive_walker.archives import Entry, open_archive

# A member that unpacks to more than this is listed, but not walked: archives can lie about
# their size, and a few kilobytes can unpack to gigabytes.
LARGEST_MEMBER = 32 * 1024 * 1024


def main() -> None:
    wadup.define_table("entries", [
        ("name", "String"),
        ("kind", "String"),
        ("size", "Int64"),
        ("packed_size", "Int64"),
        ("modified", "String"),
        ("emitted", "Int64"),
    ])
    with wadup.input.open() as file:
        archive = open_archive(file)
        if archive is None:
            return
        for entry in archive.entries():
            content = archive.read(entry, LARGEST_MEMBER)
            if content is not None:
                wadup.emit_bytes(content, entry.name)
            insert(entry, emitted=content is not None)


def insert(entry: Entry, *, emitted: bool) -> None:
    wadup.insert_row("entries", [
        entry.name,
        entry.kind,
        entry.size,
        entry.packed_size,
        entry.modified,
        int(emitted),
    ])
