"""The door: command line, settings and composition root; the only reader of the environment."""
