"""Writes issued-licenses.json, the vectors of licences in every format. Needs the openssl command.

Run it after adding a case:  python3 test/vectors/make-issued-licenses.py

Each run makes new keys in a temporary folder, which takes them with it; only the public ones are written. The
MAC secret is a value for these vectors alone.

`terms` are what is granted, as this service stores it, and `payload` is what was signed: vector_terms.py writes the one
from the other. `license` is what the payload says, in the members of IssuedLicense. `own` is true where the bytes are
those of our encoder; the others are written as other systems do.
"""

import hashlib
import hmac
import json
import pathlib
import sys
import tempfile
from datetime import datetime, timezone

# The modules beside this one leave no __pycache__.
sys.dont_write_bytecode = True

from vector_keys import Key, base64_standard, base64url, canonical  # noqa: E402
from vector_terms import (  # noqa: E402
    FINGERPRINT,
    FOUR_SCRIPTS,
    HARD_CASES,
    HYPHENS,
    ISSUED_AT,
    SESSION,
    aegis_payload,
    caio_payload,
    dtlic2_payload,
    session_payload,
    terms,
)

CAIO_V1_SECRET = b"a secret of these vectors"
ALGORITHMS = {"EdDSA": "EC_SIGN_ED25519", "RS256": "RSA_SIGN_PKCS1_4096_SHA256"}


def python_default(value):
    """As json.dumps writes it when nobody asks for anything: another order, white space, escapes."""
    return json.dumps(dict(reversed(value.items()))).encode()


def python_sorted(value):
    """The form that clients of inline documents rebuild."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def milliseconds(instant):
    if isinstance(instant, int):
        return instant * 1000
    moment = datetime.fromisoformat(instant)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return int(aware.replace(microsecond=0).timestamp()) * 1000 + aware.microsecond // 1000


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


def jws(key, payload):
    claims = {name: value for name, value in payload.items() if name != "license_key"}
    seconds = {"iat": milliseconds(payload["signed_at"]) // 1000, "exp": milliseconds(payload["expires_at"]) // 1000}
    claims |= {"iss": payload["issuer"], "sub": payload["license_id"], **seconds}
    header = {"alg": key.alg, "typ": "license+jwt", "kid": key.kid}
    signed = f"{base64url(canonical(header))}.{base64url(canonical(claims))}".encode()
    return f"{signed.decode()}.{base64url(key.sign(signed))}", signed


def inline(key, payload):
    document = {**payload, "kid": key.kid}
    signed = python_sorted(document)
    document |= {"signature": base64_standard(key.sign(signed)), "signature_algorithm": ALGORITHMS[key.alg]}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")), signed


AEGIS = {
    "jti": "0b9f6a52-3c55-4a0e-8a3e-6f2f0f8f5b11",
    "iss": "https://licences.example.com",
    "iat": 1767323045,
    "exp": 1835395200,
    "customer": {"id": "acme_gmbh-1", "name": FOUR_SCRIPTS},
    "module": {"technical_name": "sale_forecast", "allowed_major_versions": [16, 17]},
    "license_type": "subscription",
    "instance_fingerprint": FINGERPRINT,
}
CAIO = {
    "customer_id": "acme",
    "license_type": "enterprise",
    "issued_at": "2026-01-02T03:04:05.678901",
    "expires_at": "2028-02-29T12:00:00",
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

# Title, format, JOSE alg, payload: as other systems write them.
FOREIGN_CASES = [
    ("AEGIS of another system, in another order, with white space", "aegis", "EdDSA", AEGIS),
    ("CAIO v2 of another system, times without an offset", "caio-v2", "RS256", CAIO),
    ("CAIO v2 of another system, a customer id with hyphens", "caio-v2", "EdDSA", {**CAIO, "customer_id": HYPHENS}),
    ("DTLIC2 of another system, with white space", "dtlic2", "EdDSA", DTLIC2),
]
ENDLESS = {"license_type": "enterprise", "expires_at": None}
# Beside the hard cases: what a format calls otherwise than we do. Title, format, JOSE alg, changes.
NAMING_CASES = [
    ("AEGIS, a trial", "aegis", "EdDSA", {"license_type": "trial", "instance_fingerprint": None}),
    ("AEGIS, an enterprise licence without an end", "aegis", "EdDSA", ENDLESS),
    ("CAIO v2, an enterprise licence without an end", "caio-v2", "EdDSA", ENDLESS),
    ("CAIO v2, a trial", "caio-v2", "RS256", {"license_type": "trial"}),
    ("DTLIC2 of tier free", "dtlic2", "EdDSA", {"tier": "free"}),
    ("DTLIC2 of tier enterprise, which is pro there", "dtlic2", "EdDSA", {"tier": "enterprise"}),
]
# Title, customer id of the text, metadata.
MAC_CASES = [
    ("CAIO v1, a customer id with hyphens", HYPHENS, {**CAIO, "customer_id": HYPHENS}),
    ("CAIO v1, perpetual", "acme", {**CAIO, "license_type": "perpetual", "expires_at": None}),
    ("CAIO v1, an empty feature list", "acme", {**CAIO, "features": []}),
    (
        "CAIO v1, from one leap day to the next",
        "acme",
        {**CAIO, "issued_at": "2024-02-29T08:00:00", "expires_at": "2028-02-29T23:59:59.999+00:00"},
    ),
    ("CAIO v1 that hardly says anything", "acme", {"issued_at": "2024-02-29T08:00:00"}),
    ("CAIO v1 without metadata", "acme-1", {}),
]
# How a format is written, what its payload is of the terms, and the keys that it is issued with.
FORMATS = {
    "aegis": (aegis, aegis_payload, ("EdDSA",)),
    "caio-v2": (caio_v2, caio_payload, ("EdDSA", "RS256")),
    "dtlic2": (dtlic2, dtlic2_payload, ("EdDSA",)),
}
SESSION_FORMATS = {"inline": inline, "jws": jws}
NAMES = {"aegis": "AEGIS", "caio-v2": "CAIO v2", "dtlic2": "DTLIC2", "inline": "inline", "jws": "JWS"}


def issued(keys, title, name, alg, payload, encode, granted=None):
    text, signed, license = FORMATS[name][0](keys[alg], payload, encode)
    return {
        "title": title,
        "format": name,
        "algorithm": ALGORITHMS[alg],
        "kid": keys[alg].kid,
        "own": granted is not None,
        "terms": granted,
        "payload": payload,
        "text": text,
        "signed_hex": signed.hex(),
        "license": license,
    }


def own_licenses(keys):
    for name, (_, payload_of, algs) in FORMATS.items():
        for case, changes, issued_at, formats in HARD_CASES:
            for alg in algs if name in formats else ():
                granted = terms(changes, issued_at, ALGORITHMS[alg])
                title = f"{NAMES[name]} with {alg}, {case}"
                yield issued(keys, title, name, alg, payload_of(granted), canonical, granted)
    for title, name, alg, changes in NAMING_CASES:
        granted = terms(changes, ISSUED_AT, ALGORITHMS[alg])
        yield issued(keys, title, name, alg, FORMATS[name][1](granted), canonical, granted)


def sessions(keys):
    for name, write in SESSION_FORMATS.items():
        for case, changes, issued_at, formats in HARD_CASES:
            for alg in ALGORITHMS if name in formats else ():
                granted = terms(changes, issued_at, ALGORITHMS[alg])
                payload = session_payload(granted, SESSION)
                text, signed = write(keys[alg], payload)
                yield {
                    "title": f"{NAMES[name]} with {alg}, {case}",
                    "format": name,
                    "algorithm": ALGORITHMS[alg],
                    "kid": keys[alg].kid,
                    "terms": granted,
                    "session": SESSION,
                    "payload": payload,
                    "text": text,
                    "signed_hex": signed.hex(),
                }


def macs():
    for title, customer_id, metadata in MAC_CASES:
        text, message, mac, license = caio_v1(customer_id, metadata)
        row = {"title": title, "payload": metadata, "text": text, "message_hex": message.hex(), "mac_hex": mac}
        yield {**row, "license": license}


def main():
    with tempfile.TemporaryDirectory() as folder:
        keys = {alg: Key(folder, alg) for alg in ALGORITHMS}
        foreign = [issued(keys, *case, python_default) for case in FOREIGN_CASES]
        vectors = {
            "keys": [key.jwk for key in keys.values()],
            "licenses": [*own_licenses(keys), *foreign],
            "sessions": list(sessions(keys)),
            "mac_text": CAIO_V1_SECRET.decode(),
            "macs": list(macs()),
        }
    target = pathlib.Path(__file__).with_name("issued-licenses.json")
    target.write_text(json.dumps(vectors, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
