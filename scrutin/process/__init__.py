"""What every process has: a log, health, figures, an end, memory and open files within bounds.

Told to stop, all end by a last moment (`stopping`), and who would kill them waits for it
(`patience`). Whoever serves has work beside it
(`background`), whose end is the process's. Where a collector is named it is told what a process
works on (`tracing`).
"""
