"""Writes a certificate for 127.0.0.1 and its key into the folder given, `cert.pem` and `key.pem`, and
one of a client that the first has signed, `client.pem` and `client-key.pem`, for the URI given."""

import datetime
import ipaddress
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)
issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
issuer_key = ec.generate_private_key(ec.SECP256R1())


def write(file, key_file, subject, key, alternative, ca):
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / file).write_bytes(certificate.public_bytes(pem))
    (folder / key_file).write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
write("cert.pem", "key.pem", issuer, issuer_key, loopback, True)
if len(sys.argv) > 2:
    client = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    client_key = ec.generate_private_key(ec.SECP256R1())
    uri = x509.UniformResourceIdentifier(sys.argv[2])
    write("client.pem", "client-key.pem", client, client_key, uri, False)
