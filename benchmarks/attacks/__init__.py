"""Attacks as a benchmark: what the guard sets aside, what it only tells, whom it harms. By seed.

`world` is where voters and networks come from; `background` a day of the campaign in it, `crowds`
honest people who come together. Attacks are `naive` or `informed`, or are `framing` others; each is
as it was `made`. `trial` has the real patrol judge a day and the real ledger count it, `conditions`
say since when it could have known, `outcomes` what the day came to, `page` tells it.
No process and no clock is in it but in `live`, which attacks a stack that runs.
"""
