"""Keys that live as long as their folder, and the encodings that licences are made of. Needs the openssl command."""

import base64
import hashlib
import json
import pathlib
import subprocess
import tempfile


def canonical(value):
    """RFC 8785 for values without floats whose keys are ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64_standard(data):
    return base64.b64encode(data).decode()


class Key:
    """A key that lives as long as its folder."""

    def __init__(self, folder, alg):
        self.alg = alg
        self.file = str(pathlib.Path(folder, f"{alg}.pem"))
        kind = ["ed25519"] if alg == "EdDSA" else ["rsa", "-pkeyopt", "rsa_keygen_bits:4096"]
        subprocess.run(["openssl", "genpkey", "-algorithm", *kind, "-out", self.file], check=True, capture_output=True)
        self.jwk = {**self._members(), "alg": alg}
        required = {name: self.jwk[name] for name in ("crv", "e", "kty", "n", "x") if name in self.jwk}
        self.kid = base64url(hashlib.sha256(canonical(required)).digest())
        self.jwk["kid"] = self.kid

    def _openssl(self, *arguments, data=None):
        return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout

    def _members(self):
        if self.alg == "EdDSA":
            spki = self._openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(spki[-32:])}
        modulus = self._openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, message):
        if self.alg == "RS256":
            return self._openssl("dgst", "-sha256", "-sign", self.file, data=message)
        with tempfile.NamedTemporaryFile() as file:
            file.write(message)
            file.flush()
            return self._openssl("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", file.name)
