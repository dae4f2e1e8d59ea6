"""Programs to be measured against: each does the ledger's job, or less, by other means."""
