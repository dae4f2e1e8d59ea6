#!/bin/sh
# Make what deploy/compose/tls.yml asks for, once: an authority, two certificates that it signs, and a
# password for each account. As root, for each file belongs to who reads it within its container:
#
#   sudo sh deploy/compose/secrets.sh locked
#
# authority.key signs certificates that all processes believe: take it away when this is done. Again
# with `--certificates` behind the folder it makes certificates anew and leaves passwords as they are;
# start kafka and clickhouse again then.
set -eu
umask 077
folder=${1:?the folder that is to hold them}
days=825
ours=10001 kafkas=1000 clickhouses=101 prometheus=65534

signed() {  # NAME, and the names of its machines: NAME.key and NAME.crt
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf '%s\n' "subjectAltName=$2" basicConstraints=critical,CA:FALSE \
        keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth,clientAuth \
        subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key -CAcreateserial \
        -days "$days" -extfile "$1.ext" -out "$1.crt" 2> /dev/null
    rm "$1.csr" "$1.ext"
}

given() {  # OWNER FILE...: to be read, and Kafka's copy of its settings written, by one user alone
    owner=$1
    shift
    chmod 0600 "$@"
    chown "$owner:$owner" "$@"
}

certificates() {
    signed kafka DNS:kafka,DNS:kafka-2,DNS:kafka-3,DNS:localhost
    cat kafka.key kafka.crt > kafka.pem
    rm kafka.key kafka.crt
    signed clickhouse DNS:clickhouse,DNS:localhost
    given "$kafkas" kafka.pem
    given "$clickhouses" clickhouse.key clickhouse.crt
}

word() {
    openssl rand -hex 24
}

login() {  # NAME PASSWORD, and what else the login of a listener has
    printf 'org.apache.kafka.common.security.plain.PlainLoginModule required username="%s" password="%s"%s;\n' \
        "$1" "$2" "${3:-}"
}

passwords() {
    broker=$(word)
    known=" user_broker=\"$broker\""
    everybody=$known
    for process in provision ledger ideas patrol archive notary gateway views operator; do
        word > "$process.password"
        everybody="$everybody user_scrutin-$process=\"$(cat "$process.password")\""
        given "$ours" "$process.password"
    done
    # Brokers know everybody at their door, and each other alone behind it.
    {
        printf 'listener.name.locked.plain.sasl.jaas.config='
        login broker "$broker" "$everybody"
        printf 'listener.name.controller.plain.sasl.jaas.config='
        login broker "$broker" "$known"
    } > kafka.properties
    {
        printf 'security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n'
        printf 'ssl.truststore.type=PEM\nssl.truststore.location=/run/secrets/authority.pem\n'
        printf 'sasl.jaas.config='
        login broker "$broker"
    } > kafka-client.properties
    given "$kafkas" kafka.properties kafka-client.properties
    word > clickhouse.password
    printf 'https://scrutin:%s@clickhouse:8443\n' "$(cat clickhouse.password)" > clickhouse.url
    word > operations.token
    cp operations.token prometheus.token
    given "$clickhouses" clickhouse.password
    given "$ours" clickhouse.url operations.token
    given "$prometheus" prometheus.token
}

authority() {
    printf '%s\n' '[req]' distinguished_name=name x509_extensions=may '[name]' '[may]' \
        basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign \
        subjectKeyIdentifier=hash > authority.cnf
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out authority.key
    openssl req -x509 -new -config authority.cnf -key authority.key -subj /CN=scrutin -days 3650 \
        -out authority.pem
    rm authority.cnf
    chmod 0444 authority.pem
}

mkdir -p "$folder"
cd "$folder"
if [ "${2:-}" = --certificates ]; then
    certificates
    exit
fi
if [ -e authority.pem ]; then
    echo "$folder holds an authority, and a second would lock everybody out: nothing was made." >&2
    exit 1
fi
authority
certificates
passwords
