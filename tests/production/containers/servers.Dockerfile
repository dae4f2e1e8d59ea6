# Stands in for the images of Kafka, ClickHouse and Prometheus: Kafka's own jars under its own wrapper,
# which reads the variables that the official image reads, the local stack's ClickHouse, and Debian's
# Prometheus.
ARG PYTHON
FROM ${PYTHON}
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN sed -n '/^uv==/,/# via/p' requirements.lock > uv.lock \
    && pip install --no-cache-dir --require-hashes --requirement uv.lock \
    && python -m venv /opt/stack \
    && uv pip install --python /opt/stack --require-hashes --constraints requirements.lock \
        --requirements pyproject.toml --extra local
COPY jars /opt/kafka/libs
COPY kafka.sh clickhouse.py /usr/local/bin/
COPY kafka-broker-api-versions.sh /opt/kafka/bin/
COPY kafka-tool.sh /opt/kafka/bin/kafka-acls.sh
COPY kafka-tool.sh /opt/kafka/bin/kafka-cluster.sh
COPY prometheus /usr/local/bin/
COPY log4j2.yaml /etc/kafka/docker/log4j2.yaml
COPY log4j2.yaml /etc/kafka/docker/tools-log4j2.yaml
COPY schemas /opt/rooms/schemas
COPY deploy /opt/rooms/deploy
# As the official images have them: Kafka runs as a user of its own, whose folder a volume takes over.
RUN useradd --uid 1000 appuser && mkdir -p /opt/kafka/config /mnt/shared/config /var/lib/kafka/data \
        /var/lib/clickhouse \
    && install --directory --owner 65534 --group 65534 /prometheus \
    && touch /etc/kafka/docker/server.properties \
    && chown -R appuser /opt/kafka/config /var/lib/kafka
ENV PATH=/opt/stack/bin:$PATH PYTHONPATH=/opt/rooms
