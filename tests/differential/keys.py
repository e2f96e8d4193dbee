"""DKIM keys of every size, the same in every run, so that no private key is shipped.

An RSA modulus may have any number of primes (RFC 8017 section 3). With many short ones even a key
of 8192 bits takes a tenth of a second to find and a millisecond to sign with; whoever verifies
sees no difference. That such keys are easy to break does not matter here.
"""

import base64
import functools
import hashlib
import random

import nacl.signing

_SMALL = [n for n in range(3, 2000) if all(n % d for d in range(2, int(n ** 0.5) + 1))]
_SHORT = 256  # bits of a prime in a key that only our own signer uses

# DigestInfo of RFC 8017 section 9.2 up to the digest
_DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
}


def _prime(chance, low, high, e):
    """A prime in [low, high) that e is no divisor of less one."""
    while True:
        n = chance.randrange(low, high) | 1
        if (n % e != 1 and all(n % p or n == p for p in _SMALL)
                and all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7)) and n < high):
            return n


def der(tag, *contents):
    """One element of DER."""
    octets = b"".join(contents)
    size = len(octets)
    if size < 128:
        return bytes([tag, size]) + octets
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(length)]) + length + octets


def der_integer(number):
    """A positive INTEGER."""
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def pkcs1(n, e):
    """RSAPublicKey of RFC 8017 appendix A.1.1."""
    return der(0x30, der_integer(n), der_integer(e))


def spki(n, e):
    """SubjectPublicKeyInfo of RFC 5280 section 4.1.2.7 with an RSA key."""
    oid = bytes.fromhex("06092a864886f70d010101")
    return der(0x30, der(0x30, oid, b"\x05\x00"), der(3, b"\0", pkcs1(n, e)))


def b64(octets):
    """Base64 as text."""
    return base64.b64encode(octets).decode()


class RsaKey:
    """An RSA key of exactly so many bits."""

    type = "rsa"

    def __init__(self, bits, e=65537, number=0, primes=None):
        self.bits, self.e = bits, e
        chance = random.Random(f"truefrom {bits} {e} {number}")
        count = primes or max(2, bits // _SHORT)
        self.primes = self._find(chance, bits, count, e)
        self.n = 1
        for p in self.primes:
            self.n *= p
        assert self.n.bit_length() == bits
        self._parts, product = [], 1  # of Garner's recombination
        for p in self.primes:
            self._parts.append((p, pow(e, -1, p - 1), product, pow(product, -1, p)))
            product *= p

    @staticmethod
    def _find(chance, bits, count, e):
        each = bits // count
        while True:
            primes, product = [], 1
            for _ in range(count - 1):
                primes.append(_prime(chance, 3 << (each - 2), 1 << each, e))
                product *= primes[-1]
            low, high = -(-(1 << (bits - 1)) // product), (1 << bits) // product
            primes.append(_prime(chance, low, high, e))
            if len(set(primes)) == count:
                return primes

    def public(self):
        """p= of the record as nearly everyone publishes it."""
        return b64(spki(self.n, self.e))

    def record(self, before="v=DKIM1; k=rsa; ", after=""):
        """The key record."""
        return f"{before}p={self.public()}{after}"

    def sign(self, data, algorithm="sha256"):
        """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2)."""
        info = _DIGEST_INFO[algorithm] + hashlib.new(algorithm, data).digest()
        size = (self.bits + 7) // 8
        padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
        number, result = int.from_bytes(padded, "big"), 0
        for p, exponent, product, inverse in self._parts:
            result += product * ((pow(number % p, exponent, p) - result) * inverse % p)
        return result.to_bytes(size, "big")

    def private_pem(self):
        """RSAPrivateKey for dkimpy; only for keys of two primes."""
        p, q = self.primes
        d = pow(self.e, -1, (p - 1) * (q - 1))
        numbers = [self.n, self.e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
        octets = der(0x30, b"\2\1\0", *[der_integer(n) for n in numbers])
        return b"-----BEGIN-----\n" + base64.b64encode(octets) + b"\n-----END-----\n"


class Ed25519Key:
    """An Ed25519 key (RFC 8463)."""

    type, bits = "ed25519", 256

    def __init__(self, number=0):
        self.pair = nacl.signing.SigningKey(hashlib.sha256(b"truefrom %d" % number).digest())

    def public(self):
        """p= of the record."""
        return b64(self.pair.verify_key.encode())

    def record(self, before="v=DKIM1; k=ed25519; ", after=""):
        """The key record."""
        return f"{before}p={self.public()}{after}"

    def sign(self, data, algorithm="sha256"):
        """PureEdDSA over the hash of the data (RFC 8463 section 3)."""
        return self.pair.sign(hashlib.new(algorithm, data).digest()).signature

    def private_pem(self):
        """The form that dkimpy reads."""
        return base64.b64encode(self.pair.encode())


@functools.lru_cache(maxsize=None)
def rsa(bits=1024, **more):
    """The RSA key of that size."""
    return RsaKey(bits, **more)


@functools.lru_cache(maxsize=None)
def ed25519(number=0):
    """An Ed25519 key."""
    return Ed25519Key(number)
