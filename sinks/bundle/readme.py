"""The pages for whoever opens a bundle with a text editor."""


def readmes(kind: str, consultation: str) -> dict[str, str]:
    return {"README.md": f"{kind} {consultation}\n"}
