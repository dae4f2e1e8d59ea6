"""What does every process ask of the machine it runs on? Here, in containers and on a laptop alike.

`files`: the data folder kept private, small files replaced whole. `locks`: a folder that is one
process's at a time. `doors`: who may ask a listener of this machine. `errors`: what a person mends.
"""
