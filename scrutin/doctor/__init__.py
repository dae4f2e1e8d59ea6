"""Is everything around a process as it must be, and if not, what is to be done?

One file a part of the world: what lies here, Kafka, ClickHouse. Nothing is changed but for three
records without content in the clocks topic, which tell the broker's time.
"""
