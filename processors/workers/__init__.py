"""Processes on Kafka and Faust around the pure folders: ledgers, ideas, their topics and files."""
