"""DKIM keys made for the run, and signatures and ARC seals by dkimpy."""

import base64
import dataclasses
import functools
import re
import subprocess

import dkim
import nacl.signing


@dataclasses.dataclass(frozen=True)
class Key:
    """A key pair, as dkimpy wants the one half and DNS the other."""

    algorithm: str  # rsa-sha256 or ed25519-sha256
    bits: int
    private: bytes
    public: str

    def record(self, extra=""):
        """The key record."""
        return f"v=DKIM1; k={self.algorithm.split('-')[0]};{extra} p={self.public}"


@functools.lru_cache(maxsize=None)
def rsa_key(bits=2048, number=0):
    """An RSA key; another number is another key."""
    del number
    private = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)],
                             capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=private,
                            capture_output=True, check=True).stdout
    return Key("rsa-sha256", bits, private, base64.b64encode(public).decode())


@functools.lru_cache(maxsize=None)
def ed25519_key():
    """An Ed25519 key."""
    pair = nacl.signing.SigningKey.generate()
    return Key("ed25519-sha256", 256, base64.b64encode(pair.encode()),
               base64.b64encode(pair.verify_key.encode()).decode())


def sign(message, domain, key, selector="s1", canon="relaxed/relaxed", headers=None, **options):
    """The message with a signature on top."""
    header, body = (part.encode() for part in canon.split("/"))
    field = dkim.sign(message, selector.encode(), domain.encode(), key.private,
                      canonicalize=(header, body), signature_algorithm=key.algorithm.encode(),
                      include_headers=headers, **options)
    return field + message


def seal(message, domain, key, results, selector="s1", host=None):
    """The message with one more ARC set on top; `results` is what its AAR says but for arc=."""
    host = host or f"mx.{domain}"
    if re.search(rb"(?mi)^arc-seal:", message.partition(b"\r\n\r\n")[0]):
        results = f"{results}; arc=pass"
    # dkimpy takes the results from such a field, which does not go out.
    field = f"Authentication-Results: {host}; {results}\r\n".encode()
    fields = dkim.arc_sign(field + message, selector.encode(), domain.encode(), key.private,
                           host.encode(), signature_algorithm=key.algorithm.encode())
    assert fields, results
    return b"".join(fields) + message


def signatures(message):
    """b= of every signature of a message, in order."""
    block = message.partition(b"\r\n\r\n")[0]
    fields = re.findall(rb"(?mi)^dkim-signature:((?:.*\r\n[ \t])*.*)", block + b"\r\n")
    return [re.sub(rb"\s", b"", re.search(rb"[;\s]b=([^;]*)", field).group(1)).decode()
            for field in fields]
