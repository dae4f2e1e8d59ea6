"""The door: how is it started, and how are its parts connected? The only reader of the environment.

`first_moment` listens to signals before anything is loaded, `main` finds the command, `commands`
has a file for each, `settings` reads the environment, and `secret_files` secrets that lie in files;
`refused_settings` says what cannot be taken. `addresses` says where everything is, `archive_client`
asks the archive. One folder for each thing that is put together: `gateway`, `views`, `notary`,
`patrol`, `acting`, `keys`, `audit`, `doctor`, `restoring`, `stack` and `demo`.
What all processes have: `process` and `serving`; of how many one at a port is made: `workers`.
"""
