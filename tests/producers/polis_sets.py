"""A small Polis export that tests write, each file through what a program did to it."""

from collections.abc import Callable
from pathlib import Path

from producers.polis import PolisExport


VOTES = """timestamp,datetime,comment-id,voter-id,vote
1726864090000,Fri Sep 20 2024 20:28:10 GMT+0000 (Coordinated Universal Time),0,0,1
1726864091000,Fri Sep 20 15:28:11 CDT 2024,0,1,-1
1726864092000,Fri Sep 20 2024 20:28:12 GMT+0000 (Coordinated Universal Time),1,0,1
1726864093000,Fri Sep 20 2024 20:28:13 GMT+0000 (Coordinated Universal Time),1,1,1
1726864094000,Fri Sep 20 2024 20:28:14 GMT+0000 (Coordinated Universal Time),2,0,0
"""
COMMENTS = """timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body
1726860676000,Fri Sep 20 2024 19:31:16 GMT+0000 (Coordinated Universal Time),0,0,1,1,1,"Des \
vélos, du cœur"
1726860685000,Fri Sep 20 2024 19:31:25 GMT+0000 (Coordinated Universal Time),1,0,2,0,1,Été
1726860686000,Fri Sep 20 2024 19:31:26 GMT+0000 (Coordinated Universal Time),2,-1,0,0,1,"Il dit \
\"\"oui\"\"\"
"""
SUMMARY = """topic,"Moins de voitures, plus d'arbres ?"
url,https://example.org/abc
voters,2
vote-convention,agree=+1;disagree=-1;pass=0;format=polis-export/1
"""
FILES = {"votes.csv": VOTES, "comments.csv": COMMENTS, "summary.csv": SUMMARY}
Change = Callable[[str], str | bytes]


def written(folder: Path, changes: dict[str, Change] | Change) -> Path:
    """Write the set, each file through what a program did to it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        change = changes if callable(changes) else changes.get(name, str)
        done = change(text)
        (folder / name).write_bytes(done if isinstance(done, bytes) else done.encode())
    return folder


def meant(export: PolisExport) -> tuple[object, ...]:
    """Return what of an export becomes events."""
    return export.votes, export.comments, export.summary
