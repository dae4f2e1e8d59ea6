"""How fast is it, and what does it cost? Figures with a goal, measured on real parts.

Enters: nothing but this project and a machine. Leaves: a table, `latest.json` and
`docs/benchmarks.md`. Called by `make bench`. Speed is stated here and nowhere in the tests.
"""
