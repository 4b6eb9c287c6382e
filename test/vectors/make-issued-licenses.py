"""Writes issued-licenses.json, the vectors of AEGIS, CAIO and DTLIC2 licences. Needs the openssl command.

Run it after adding a case:  python3 test/vectors/make-issued-licenses.py

Each run makes new keys in a temporary folder, which takes them with it; only the public ones are written. The
MAC secret is a value for these vectors alone.

`payload` is what was signed and `license` what it says, in the members of IssuedLicense. `own` is true where the
bytes are canonical JSON (RFC 8785), so that our encoder has to write the same text; the others are written as
other systems do.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import tempfile
from datetime import datetime, timezone

FOUR_SCRIPTS = "Zoë Müller 東京 Москва دبي 😀"
CAIO_V1_SECRET = b"a secret of these vectors"
FINGERPRINT = "sha256:" + hashlib.sha256(b"5f0c1d1e-0001-4002-8003-0123456789ab:erp.example.com").hexdigest()
ALGORITHMS = {"EdDSA": "EC_SIGN_ED25519", "RS256": "RSA_SIGN_PKCS1_4096_SHA256"}


def canonical(value):
    """RFC 8785 for values without floats whose keys are ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def python_default(value):
    """As json.dumps writes it when nobody asks for anything: another order, white space, escapes."""
    return json.dumps(dict(reversed(value.items()))).encode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64_standard(data):
    return base64.b64encode(data).decode()


def milliseconds(instant):
    if isinstance(instant, int):
        return instant * 1000
    moment = datetime.fromisoformat(instant)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return int(aware.replace(microsecond=0).timestamp()) * 1000 + aware.microsecond // 1000


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


def view(**members):
    """IssuedLicense, with what a format does not have."""
    customer = {"id": None, "name": None, "email": None, **members.pop("customer")}
    absent = ("licenseId", "issuer", "product", "allowedMajorVersions", "instanceFingerprint", "expiresAt")
    return {**dict.fromkeys(absent), "features": [], **members, "customer": customer}


def aegis(key, claims, encode):
    header = {"alg": key.alg, "typ": "JWT", "kid": key.kid}
    signed = f"{base64url(encode(header))}.{base64url(encode(claims))}".encode()
    license = view(
        licenseId=claims["jti"],
        issuer=claims["iss"],
        customer=claims["customer"],
        product=claims["module"]["technical_name"],
        allowedMajorVersions=claims["module"]["allowed_major_versions"],
        licenseType=claims["license_type"],
        instanceFingerprint=claims.get("instance_fingerprint"),
        issuedAt=milliseconds(claims["iat"]),
        expiresAt=milliseconds(claims["exp"]) if "exp" in claims else None,
    )
    return f"{signed.decode()}.{base64url(key.sign(signed))}", signed, license


def caio_view(payload):
    end = payload.get("expires_at")
    return view(
        customer={"id": payload.get("customer_id")},
        licenseType=payload.get("license_type", "unspecified"),
        features=payload.get("features", []),
        issuedAt=milliseconds(payload.get("issued_at", 0)),
        expiresAt=end and milliseconds(end),
    )


def caio_v2(key, payload, encode):
    signed = encode(payload)
    parts = f"{base64_standard(signed)}.{base64_standard(key.sign(signed))}"
    return f"CAIO-v2-{payload['customer_id']}-{parts}", signed, caio_view(payload)


def caio_v1(customer_id, metadata):
    message = json.dumps(metadata).encode()
    mac = hmac.new(CAIO_V1_SECRET, message, hashlib.sha256).hexdigest()
    return f"CAIO-v1-{customer_id}-{base64_standard(message)}-{mac}", message, mac, caio_view(metadata)


def dtlic2(key, payload, encode):
    signed = encode({**payload, "kid": key.kid})
    license = view(
        licenseId=payload["license_key"],
        customer={"name": payload["name"], "email": payload["email"]},
        licenseType=payload["tier"],
        issuedAt=milliseconds(payload["issued_at"]),
        expiresAt=payload["expires_at"] and milliseconds(payload["expires_at"]),
    )
    return f"DTLIC2:{base64url(signed)}.{base64url(key.sign(signed))}", signed, license


AEGIS = {
    "jti": "0b9f6a52-3c55-4a0e-8a3e-6f2f0f8f5b11",
    "iss": "https://licences.example.com",
    "iat": 1767323045,
    "customer": {"id": "acme_gmbh-1", "name": FOUR_SCRIPTS},
    "module": {"technical_name": "sale_forecast", "allowed_major_versions": [16, 17]},
    "license_type": "perpetual",
}
SUBSCRIPTION = {**AEGIS, "license_type": "subscription", "exp": 1835395200, "instance_fingerprint": FINGERPRINT}
CAIO = {
    "customer_id": "acme",
    "license_type": "enterprise",
    "issued_at": "2026-01-02T03:04:05.678+00:00",
    "expires_at": "2028-02-29T23:59:59+00:00",
    "features": ["reports", "single sign-on", "Übersicht 📊"],
    "max_instances": 3,
    "max_services": 0,
    "max_requests_per_day": 1000000,
    "version": "2.0",
}
DTLIC2 = {
    "license_key": "DT1-CORE-5dd8e1db-d90c4656",
    "name": FOUR_SCRIPTS,
    "email": "Zoe.Mueller@example.com",
    "tier": "core",
    "issued_at": "2026-01-02T03:04:05+00:00",
    "expires_at": "2028-02-29T00:00:00+00:00",
}
NAIVE = {"issued_at": "2026-01-02T03:04:05.678901", "expires_at": "2028-02-29T12:00:00"}

# Title, format, algorithm, payload, encoder.
CASES = [
    ("AEGIS, perpetual, a name in four scripts", "aegis", "EdDSA", AEGIS, canonical),
    ("AEGIS, RSA, bound to an instance, until a leap day", "aegis", "RS256", SUBSCRIPTION, canonical),
    (
        "AEGIS, a demo without versions",
        "aegis",
        "EdDSA",
        {
            **AEGIS,
            "license_type": "demo",
            "exp": 1769915045,
            "module": {"technical_name": "sale_forecast", "allowed_major_versions": []},
        },
        canonical,
    ),
    ("AEGIS of another system, in another order, with white space", "aegis", "EdDSA", SUBSCRIPTION, python_default),
    ("CAIO v2, until a leap day", "caio-v2", "EdDSA", CAIO, canonical),
    ("CAIO v2, RSA, a customer id with hyphens", "caio-v2", "RS256", {**CAIO, "customer_id": "acme-de-2_x"}, canonical),
    (
        "CAIO v2, perpetual, no features, a customer id that ends in a hyphen",
        "caio-v2",
        "EdDSA",
        {**CAIO, "customer_id": "-v2-", "license_type": "perpetual", "expires_at": None, "features": []},
        canonical,
    ),
    ("CAIO v2 of another system, times without an offset", "caio-v2", "RS256", {**CAIO, **NAIVE}, python_default),
    ("DTLIC2, until a leap day, a name in four scripts", "dtlic2", "EdDSA", DTLIC2, canonical),
    (
        "DTLIC2, perpetual, a key of the operator",
        "dtlic2",
        "EdDSA",
        {**DTLIC2, "license_key": "Ada №1", "expires_at": None},
        canonical,
    ),
    ("DTLIC2 of another system, with white space", "dtlic2", "EdDSA", DTLIC2, python_default),
]
# Title, customer id of the text, metadata.
MAC_CASES = [
    ("CAIO v1, a customer id with hyphens", "acme-de-2", {**CAIO, "customer_id": "acme-de-2"}),
    ("CAIO v1, perpetual, no features", "acme", {**CAIO, "expires_at": None, "features": []}),
    ("CAIO v1 that hardly says anything, on a leap day", "acme", {"issued_at": "2024-02-29T08:00:00"}),
    ("CAIO v1 without metadata", "acme-1", {}),
]
ENCODERS = {"aegis": aegis, "caio-v2": caio_v2, "dtlic2": dtlic2}


def main():
    with tempfile.TemporaryDirectory() as folder:
        keys = {alg: Key(folder, alg) for alg in ALGORITHMS}
        licenses = []
        for title, name, alg, payload, encode in CASES:
            text, signed, license = ENCODERS[name](keys[alg], payload, encode)
            row = {"title": title, "format": name, "algorithm": ALGORITHMS[alg], "kid": keys[alg].kid}
            row |= {"own": encode is canonical, "payload": payload, "text": text, "signed_hex": signed.hex()}
            licenses.append({**row, "license": license})
    macs = []
    for title, customer_id, metadata in MAC_CASES:
        text, message, mac, license = caio_v1(customer_id, metadata)
        row = {"title": title, "payload": metadata, "text": text, "message_hex": message.hex(), "mac_hex": mac}
        macs.append({**row, "license": license})
    vectors = {"keys": [key.jwk for key in keys.values()], "licenses": licenses, "macs": macs}
    target = pathlib.Path(__file__).with_name("issued-licenses.json")
    target.write_text(json.dumps(vectors, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
