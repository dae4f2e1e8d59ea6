# Stands in for the official python image: Debian's own Python, unpacked by mmdebstrap.
FROM scratch
ADD base.tar /
# As in the official image pip may write where it likes, and `python` is there (python-is-python3).
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
# Whom this machine trusts. What it tells pip and uv is appended by tests/production/container_tools.py.
COPY trusted.pem /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
CMD ["python3"]
