"""The count of one partition: rules, state, decisions and their bytes. Pure."""
