"""Who looks? Voters, the press, programs, auditors and operators.

Enters: the results and catalogue topics. Leaves: one results document, as JSON, pages and files.
Called by `scrutin views` and `scrutin gateway`.

The state: `reader` reads the topics into `flushes`, which others see as a `source`; `shown` is kept
up with them, `documents` makes the document, `embargo` hides its shares, `days` adds votes by day,
`draw_costs` what a drawn vote costs. Sent: `api` has the routes, `publications` makes each answer
once, some in parts (`paging`), in the threads of the `workshop`, and keeps it on a `shelf`, what
follows the votes at a distance as `aged`; `sharing` has the pages and pictures that are shared,
`oembed` what other sites show of a link; a `representation` is its bytes, under one of the `tags`;
`responses` says how they leave, `live` streams, `server` serves at one of the `ports`,
`seldom_waking` and `draining` before its end, `audience` knows whether anybody looks, and `meter`
counts what was answered.
Asked: `asked` reads requests, `hosts`, `numbers` and `transport` their parts; `problems` says what
is wrong, `encoding` writes JSON.
`pages`: results for people, with `static_files`. `guard`: what was set aside, and why. `voting`:
the booth's pages. `operations`: what operators see.
Files to take away: `downloads` with `route_columns`, `workbook`, `open_data`, `polis_export`, with
`cells` made safe.
Beside them: `transparency` serves the logs, `well_known` says where to write about a hole.
"""
