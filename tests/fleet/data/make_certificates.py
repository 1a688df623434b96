"""Makes the certificates beside it, for the tests of what is said of them: `pip install cryptography` first.

ca.pem signs the others, each in one file with its key: good.pem, one for another name, one that has expired, and one
that is not valid yet.
"""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HERE = Path(__file__).parent
CA_KEY = ec.generate_private_key(ec.SECP256R1())
CA_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "FrameFleet's tests")])


def certificate(host: str | None, first: int, last: int) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """From the beginning of one year to that of another; without a host, the authority's own."""
    key = ec.generate_private_key(ec.SECP256R1()) if host else CA_KEY
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]) if host else CA_NAME
    made = x509.CertificateBuilder(CA_NAME, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime(first, 1, 1, tzinfo=UTC)).not_valid_after(datetime(last, 1, 1, tzinfo=UTC))
    made = made.add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(CA_KEY.public_key())
    made = made.add_extension(authority, critical=False)  # Python 3.13 is strict about it
    if host is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # signs certificates
        made = made.add_extension(usage, critical=True)
    else:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return key, made.sign(CA_KEY, hashes.SHA256())


def main() -> None:
    (HERE / "ca.pem").write_bytes(certificate(None, 2020, 2120)[1].public_bytes(Encoding.PEM))
    for name, host, first, last in (
        ("good", "localhost", 2020, 2120),
        ("elsewhere", "elsewhere.invalid", 2020, 2120),
        ("expired", "localhost", 2020, 2021),
        ("future", "localhost", 2110, 2120),
    ):
        key, made = certificate(host, first, last)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (HERE / f"{name}.pem").write_bytes(private + made.public_bytes(Encoding.PEM))


if __name__ == "__main__":
    main()
