"""What the patrol is made of beside its worker: controls by which it suspends."""
