"""Recounts and replays as commands begin and end them."""
