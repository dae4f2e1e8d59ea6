"""How does it run? On one machine, in containers, behind a proxy, watched.

Enters: which processes to run, told by scrutin, the composition root. Leaves: processes that
start in order, stay up and end in order. Imports no other room.

`machine`: what every process asks of its machine, in production too. `local`: the stack on one
machine, which only up, down, status and the demo need. Files for others' programs:
`docker` the image and the services of production, `compose` what is laid over them, `helm` a chart
of them, `caddy`, `haproxy` and `nginx` a proxy in front each, `prometheus` rules and alarms,
`grafana` a dashboard; `sbom.cdx.json` lists what others made.
"""
