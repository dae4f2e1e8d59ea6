"""The local stack: which processes run on this machine, and the process that runs them."""
