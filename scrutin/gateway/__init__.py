"""The gateway as a process: its parts connected, and the pages where people vote."""
