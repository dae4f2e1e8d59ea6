"""Who writes events? Voters through the gateway, operators, importers, the simulator.

Enters: requests, commands, files, campaigns. Leaves: events in the votes, catalogue, participants,
sequences and networks topics. Called by `scrutin gateway` and the commands that write.

`gateway`: takes votes over HTTP. `campaign`: plays a whole campaign, by seed.
Of operators: `consultation_file` and `consultation_problems` describe, `operations` groups,
`correcting` corrects words and retires proposals, `cuts` says how far the box reached before that,
`issuing` makes codes to vote with, `suspending` sets votes aside, `guard_rules` changes what the
guard does, `closing` closes, at the dates that `due_closings` lists, `sealing` deletes keys,
`adoption` changes rules, `key_adoption` the keys that sign controls, by which `signing` signs;
`endorsing` endorses what the catalogue is told; `key_naming` names others.
Of imports: `polis` and `polis_import`, over `polis_files`; `json_files` reads what people wrote.
Below all: `writer` writes many records, kept calm by `unhurried`; `log_reader` reads up to an end;
`known_catalogue` says what is described already; `errors` tells people what to do.
"""
