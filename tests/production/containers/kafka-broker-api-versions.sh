#!/opt/stack/bin/python
"""Ask the broker that --bootstrap-server names who is in the cluster; status 1 without an answer."""

import sys

from deploy.local.kafka_probe import describe_brokers


host, _, port = sys.argv[2].partition(":")
sys.exit(not describe_brokers(host, int(port)))
