"""Acting on findings of the guard: `survey` counts what an act would move, by the ledger that
decides votes; `acts` writes what people decide, and what follows from it; `preview`
says what published figures would be; `reviews` is what voters ask, and the answer."""
