"""What does an event look like, and can old ones still be read?

Enters: field values, or the bytes of a record. Leaves: bytes in Confluent wire format, or field
values. Called by every other room; imports none of them.

Events: `events` the newest of each, `history` every version, `ids.json` their ids, which
`registry` reads; `codec` and `hot` turn them into bytes and back, `defaults` reads old ones as the
newest, `bounds` refuses too much, `compatibility` compares versions; `words` has the closed lists.
Beside them what all rooms share and is nobody's own. Of Kafka: `topics`, `accounts`,
`kafka_clients`, `first_connections`, `kafka_access`, `kafka_security`, `kafka_members`, `brokers`,
`stalls`, and `certificates`; who of several works, `leases`, `kafka_leases` and
`kafka_coordinators`. Of keys: `named_keys`, `control_signatures`, `control_roles`,
`control_outlines`, `keys_in_force`,
`private_files`. Of words that people voted on: `corrections` says how they change, `votes_cast` how
many votes were cast before, `withheld` what stands for hidden ones. Of what counts in the
catalogue: `endorsements`; in results: `scored_counts`. Of suspensions: `findings`, and what people
decided about those of the guard, `finding_acts`. Of a log's begin: `genesis`, `chains`. Of words
people say: `texts`, `moments`, `visitors`. Of sites that embed: `partners`. Of codes to vote with:
`codes`. Of processes: `figures`, `problems`, `traces`, `exit_codes`.
"""
