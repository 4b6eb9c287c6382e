#!/usr/bin/env python3
"""Verifies an inline licence document offline. Needs Python's standard library and the openssl command.

    curl -s https://licenses.example.com/api/v1/keys/$KID.pem > key.pem
    python3 verify_inline.py document.json key.pem

document.json holds the answer of acquire, or its "license_data" alone. A document that is genuine and has not
expired is printed, with exit code 0; for another one stderr says why, with exit code 1.
"""

import base64
import binascii
import json
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

UNSIGNED = ("signature", "signature_algorithm")

# How a SubjectPublicKeyInfo begins (RFC 8410) or which OID it holds (RFC 8017): the key says what it is for.
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
RSA_OID = bytes.fromhex("06092a864886f70d010101")

COMMANDS = {
    "RSA_SIGN_PKCS1_4096_SHA256": lambda key, signature, signed: [
        "openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, signed,
    ],
    "EC_SIGN_ED25519": lambda key, signature, signed: [
        "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-sigfile", signature, "-in", signed,
    ],
}


class NotGenuine(Exception):
    """The document is not what was signed, or was not signed with this key."""


def signed_bytes(document: dict) -> bytes:
    """The bytes that the KMS signed, rebuilt from the document as it was received."""
    signed = {name: value for name, value in document.items() if name not in UNSIGNED}
    return json.dumps(signed, sort_keys=True, separators=(",", ":")).encode("ascii")


def verify(document: dict, key_pem: Path) -> None:
    """Raises NotGenuine unless the key signed the document. Does not look at the time."""
    algorithm = algorithm_of(key_pem)
    if document.get("signature_algorithm") != algorithm:
        raise NotGenuine(f"the key is for {algorithm}, and the document says otherwise")
    check_signature(algorithm, key_pem, decode_base64(document.get("signature")), signed_bytes(document))


def algorithm_of(key_pem: Path) -> str:
    """The algorithm of a public key. The document is never asked: its answer would be a forger's choice."""
    lines = key_pem.read_text("ascii").split("\n")
    der = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
    if der.startswith(ED25519_PREFIX):
        return "EC_SIGN_ED25519"
    if RSA_OID in der[:32]:
        return "RSA_SIGN_PKCS1_4096_SHA256"
    raise NotGenuine("the key is neither RSA nor Ed25519")


def decode_base64(text: object) -> bytes:
    try:
        decoded = base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise NotGenuine("the signature is not base64") from error
    # b64decode ignores the unused bits of the last character, which would give one signature many spellings.
    if base64.b64encode(decoded).decode("ascii") != text:
        raise NotGenuine("the signature is not canonical base64")
    return decoded


def check_signature(algorithm: str, key_pem: Path, signature: bytes, signed: bytes) -> None:
    """Raises NotGenuine unless openssl finds that the key signed these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        signature_file = Path(folder, "signature")
        signed_file = Path(folder, "signed")
        signature_file.write_bytes(signature)
        signed_file.write_bytes(signed)
        command = COMMANDS[algorithm](str(key_pem), str(signature_file), str(signed_file))
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            raise NotGenuine("the signature is not this key's signature of this document")


def main(document_json: str, key_pem: str) -> None:
    answer = json.loads(Path(document_json).read_text("utf-8"))
    document = answer.get("license_data", answer)
    try:
        verify(document, Path(key_pem))
    except NotGenuine as reason:
        sys.exit(f"Not genuine: {reason}.")
    if datetime.fromisoformat(document["expires_at"]) <= datetime.now(timezone.utc):
        sys.exit(f"Expired at {document['expires_at']}.")
    print(json.dumps(document, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 verify_inline.py document.json key.pem")
    main(sys.argv[1], sys.argv[2])
