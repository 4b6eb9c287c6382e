#!/usr/bin/env python3
"""Verifies licences of every format offline, with none of the service's code.

    curl -s https://licenses.example.com/.well-known/jwks.json > keys/jwks.json
    curl -s https://licenses.example.com/api/v1/keys/$KID.pem > keys/$KID.pem
    python3 verify_issued.py openssl keys < licences.jsonl

Each line of the input is an object with "text", the licence, and "kid", the key that has to have signed it. For each the
payload is printed as JSON, or "refused: " and why.

`openssl` needs Python's standard library and the openssl command; `libraries` needs PyJWT and cryptography. Neither says
whether a licence has expired: vectors are older than any.
"""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from verify_inline import NotGenuine, algorithm_of, check_signature, decode_base64, signed_bytes

JOSE = {"EC_SIGN_ED25519": "EdDSA", "RSA_SIGN_PKCS1_4096_SHA256": "RS256"}
STANDARD, URL_SAFE = b"+/", b"-_"


class OpenSsl:
    """The standard library, and the openssl command for signatures."""

    def __init__(self, keys: Path):
        self.keys = keys

    def pem(self, kid: str) -> Path:
        return self.keys / f"{kid}.pem"

    def check(self, kid: str, signature: bytes, signed: bytes) -> None:
        check_signature(algorithm_of(self.pem(kid)), self.pem(kid), signature, signed)

    def claims(self, kid: str, token: str) -> dict:
        signed, _, signature = token.rpartition(".")
        self.check(kid, decode(signature, URL_SAFE), signed.encode())
        return json.loads(decode(signed.split(".")[1], URL_SAFE))


class Libraries(OpenSsl):
    """PyJWT for tokens, which takes its keys of the JWK set, and cryptography for the rest."""

    def __init__(self, keys: Path):
        import jwt
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding

        super().__init__(keys)
        self.jwt = jwt
        self.invalid = InvalidSignature
        self.load = serialization.load_pem_public_key
        self.rsa = (padding.PKCS1v15(), hashes.SHA256())
        self.set = jwt.PyJWKSet.from_dict(json.loads((keys / "jwks.json").read_text("utf-8")))

    def check(self, kid: str, signature: bytes, signed: bytes) -> None:
        key = self.load(self.pem(kid).read_bytes())
        parameters = self.rsa if hasattr(key, "public_numbers") else ()
        try:
            key.verify(signature, signed, *parameters)
        except self.invalid as error:
            raise NotGenuine("the signature is not this key's signature of this licence") from error

    def claims(self, kid: str, token: str) -> dict:
        try:
            key = self.set[kid].key
            return self.jwt.decode(token, key, algorithms=[algorithm(self, kid)], options={"verify_exp": False})
        except self.jwt.PyJWTError as error:
            raise NotGenuine(f"PyJWT says: {error}") from error


def algorithm(backend: OpenSsl, kid: str) -> str:
    """That of the key. A licence may agree with it, and is never asked."""
    return JOSE[algorithm_of(backend.pem(kid))]


def decode(part: str, alphabet: bytes) -> bytes:
    padding = "=" * (-len(part) % 4) if alphabet == URL_SAFE else ""
    decoded = base64.b64decode(part + padding, altchars=alphabet, validate=True)
    if base64.b64encode(decoded, alphabet).decode().rstrip("=") != part.rstrip("="):
        raise NotGenuine("its base64 has another spelling")
    return decoded


def verify_caio(backend: OpenSsl, kid: str, text: str) -> dict:
    # A customer id may have hyphens; base64 in its standard alphabet has none.
    customer_id, _, parts = text.removeprefix("CAIO-v2-").rpartition("-")
    signed, signature = (decode(part, STANDARD) for part in parts.split("."))
    backend.check(kid, signature, signed)
    payload = json.loads(signed)
    if payload["customer_id"] != customer_id:
        raise NotGenuine("the customer id of the text is not the signed one")
    return payload


def verify_dtlic2(backend: OpenSsl, kid: str, text: str) -> dict:
    signed, signature = (decode(part, URL_SAFE) for part in text.removeprefix("DTLIC2:").split("."))
    backend.check(kid, signature, signed)
    payload = json.loads(signed)
    if payload["kid"] != kid:
        raise NotGenuine("it names another key")
    return payload


def verify_inline(backend: OpenSsl, kid: str, text: str) -> dict:
    document = json.loads(text)
    if document["kid"] != kid or JOSE.get(document["signature_algorithm"]) != algorithm(backend, kid):
        raise NotGenuine("it names another key or algorithm")
    backend.check(kid, decode_base64(document["signature"]), signed_bytes(document))
    return document


def verify_token(backend: OpenSsl, kid: str, text: str) -> dict:
    header = json.loads(decode(text.split(".")[0], URL_SAFE))
    # AEGIS licences, which are Ed25519 alone, and documents of sessions. A program takes one of the two.
    types = [("JWT", "EdDSA"), ("license+jwt", algorithm(backend, kid))]
    if header not in [{"alg": alg, "kid": kid, "typ": typ} for typ, alg in types]:
        raise NotGenuine("its header is another one")
    if text.count(".") != 2 or "=" in text:
        raise NotGenuine("it is no compact JWS")
    return backend.claims(kid, text)


FORMATS = {"CAIO-v2-": verify_caio, "DTLIC2:": verify_dtlic2, "{": verify_inline, "eyJ": verify_token}


def verify(backend: OpenSsl, kid: str, text: str) -> dict:
    """The payload of a licence that the key signed; raises NotGenuine, or what reading it comes to."""
    found = next((read for prefix, read in FORMATS.items() if text.startswith(prefix)), None)
    if found is None:
        raise NotGenuine("it is of no format that is known")
    return found(backend, kid, text)


def verdict(backend: OpenSsl, line: str) -> str:
    wanted = json.loads(line)
    try:
        return json.dumps(verify(backend, wanted["kid"], wanted["text"]))
    except (NotGenuine, ValueError, KeyError) as reason:
        return f"refused: {reason}"


def main(backend_name: str, keys: str) -> None:
    backend = {"openssl": OpenSsl, "libraries": Libraries}[backend_name](Path(keys))
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(lambda line: verdict(backend, line), sys.stdin):
            print(line)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 verify_issued.py openssl|libraries keys < licences.jsonl")
    main(sys.argv[1], sys.argv[2])
