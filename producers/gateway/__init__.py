"""How do people vote? The gateway: HTTP in, events out, a receipt for each.

Enters: requests of browsers and programs. Leaves: events in the votes, participants, sequences
and networks topics, and an answer only after the broker has acknowledged them; where gateways
share limits, counts of networks in Redis. Called by `scrutin gateway`.

On the way in: `operations` lists every address, `application` answers them, `exchange` is a request
and its answer, `models` what they hold, `refusals` why not, `handed_in` what the pages know of it.
`guards` stand before commands and set the device's cookie; `identity` makes and reads it, and makes
voters of devices, or of codes, which `issued_codes` looks up and `codes` reads. Limits: `rates` and
`shared_rates` of requests, in `cells`; `kept` of bytes.
The `booth` makes events of commands, `batches` brings it those of partners: `ballots` encodes them,
with `salts`; `view_proofs` shows what was seen, `follower` knows the catalogue, `memory` what was
done before, `history` what other gateways took. The `outlet` writes, by a `carrier` for each
leader, which passes over `silent_brokers`; `descriptions` wait for others; `receipts` are signed,
`rereading` finds one again, `notes` tell a browser's pages of an act, `networks` says where votes
came from.
The `door`, by its `doorkeeper`, asks work or a wait of devices that nobody knows where many come:
`ladder` says where, counting in `recent`, and `raised_places` hears where the patrol wants it;
`work` makes and checks what is asked, `door_marks` what devices are given, `door_counts` says in
the log how often.
Sequences: `drawing` hands them out, `sequence` draws from `pools`, `unanswered` counts those that
nobody answered; `draw_costs` says what a drawn vote costs.
Keys: `keys` lie in a folder, as `dated_keys`; `key_watch` notices new ones. `meter` counts.
Time: `broker_time` is what all stamp by; `clock_watch` measures it.
"""
