"""What the vectors' licences grant, as licence records, and what each format says of that: a second implementation of
the payloads, from their description in the requirements.
"""

import hashlib
from datetime import datetime, timezone

FOUR_SCRIPTS = "Zoë Müller 東京 Москва دبي 😀"
HYPHENS = "-acme--de-2_x-"
ISSUER = "https://licences.example.com"
LICENSE_KEY = "DT1-CORE-5dd8e1db-d90c4656"
FINGERPRINT = "sha256:" + hashlib.sha256(b"5f0c1d1e-0001-4002-8003-0123456789ab:erp.example.com").hexdigest()


def epoch_ms(*moment, ms=0):
    return int(datetime(*moment, tzinfo=timezone.utc).timestamp()) * 1000 + ms


# 2026-01-02T03:04:05.678Z: no part of it is round, so a rounded time shows.
ISSUED_AT = epoch_ms(2026, 1, 2, 3, 4, 5, ms=678)
EXPIRES_AT = epoch_ms(2027, 6, 30, 12, 30, 15, ms=250)
LEAP_DAY = epoch_ms(2024, 2, 29, 8, 0, 0)
NEXT_LEAP_DAY = epoch_ms(2028, 2, 29, 23, 59, 59, ms=999)

RECORD = {
    "license_id": "0b9f6a52-3c55-4a0e-8a3e-6f2f0f8f5b11",
    "customer": {"id": "acme", "name": "Acme"},
    "holder": {"name": "Ada Lovelace", "email": "Ada@Example.com"},
    "license_type": "subscription",
    "product": "sale_forecast",
    "tier": "team",
    "features": ["reports", "single sign-on", "Übersicht 📊"],
    "allowed_major_versions": [16, 17],
    "seats": 5,
    "status": "active",
    "expires_at": EXPIRES_AT,
    "allowed_hardware": None,
    "instance_fingerprint": FINGERPRINT,
    "limits": {"max_instances": 3, "max_services": 20, "max_requests_per_day": 1_000_000},
    "policy": {
        "heartbeat_seconds": 300,
        "lease_seconds": 360,
        "offline_grace_seconds": 259_200,
        "strict_online": False,
        "borrow_max_seconds": 0,
    },
    "created_at": ISSUED_AT,
    "updated_at": ISSUED_AT,
}
PERPETUAL = {"license_type": "perpetual", "expires_at": None}
NAMED = {
    "customer": {"id": "acme", "name": FOUR_SCRIPTS},
    "holder": {"name": FOUR_SCRIPTS, "email": "zoë@münchen.example"},
}

SESSIONS = ("inline", "jws")
# Title, what differs from RECORD, when it is issued, and the formats that have a member for it.
HARD_CASES = [
    (
        "a customer id with hyphens",
        {"customer": {"id": HYPHENS, "name": "Acme"}},
        ISSUED_AT,
        ("aegis", "caio-v2", *SESSIONS),
    ),
    ("a name in four scripts", NAMED, ISSUED_AT, ("aegis", "dtlic2", *SESSIONS)),
    ("an empty feature list", {"features": []}, ISSUED_AT, ("caio-v2", *SESSIONS)),
    ("an empty list of versions", {"allowed_major_versions": []}, ISSUED_AT, ("aegis", *SESSIONS)),
    ("perpetual", PERPETUAL, ISSUED_AT, ("aegis", "caio-v2", "dtlic2", *SESSIONS)),
    (
        "from one leap day to the next",
        {"expires_at": NEXT_LEAP_DAY, "created_at": LEAP_DAY, "updated_at": LEAP_DAY},
        LEAP_DAY,
        ("aegis", "caio-v2", "dtlic2", *SESSIONS),
    ),
]

# What a session's document says beside its licence.
SESSION = {
    "session_id": "ses_" + "b1" * 16 + "a2" * 16 + "c3" * 16,
    "hardware_id": 'machine "é" \\ 機械\u2028😀\u007f',
    "nonce": "n-42",
    "lease_seconds": 360,
    "offline_grace_seconds": 259_200,
    "borrowed": False,
}

# The names of a licence type with an end in AEGIS and CAIO.
KINDS = {
    "subscription": ("subscription", "standard"),
    "enterprise": ("subscription", "enterprise"),
    "trial": ("demo", "trial"),
}
DTLIC2_TIERS = {"free": "lite", "team": "core", "pro": "pro", "enterprise": "pro"}


def terms(changes, issued_at, algorithm):
    license = {**RECORD, **changes, "signing_algorithm": algorithm}
    return {"license": license, "issuer": ISSUER, "issued_at": issued_at, "license_key": LICENSE_KEY}


def instant(ms):
    """RFC 3339 with milliseconds and the numeric offset of UTC."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}+00:00"


def aegis_payload(terms):
    license, end = terms["license"], terms["license"]["expires_at"]
    payload = {
        "jti": license["license_id"],
        "iss": terms["issuer"],
        "iat": terms["issued_at"] // 1000,
        "customer": license["customer"],
        "module": {"technical_name": license["product"], "allowed_major_versions": license["allowed_major_versions"]},
        "license_type": "perpetual" if end is None else KINDS[license["license_type"]][0],
    }
    if end is not None:
        payload["exp"] = end // 1000
    if license["instance_fingerprint"] is not None:
        payload["instance_fingerprint"] = license["instance_fingerprint"]
    return payload


def caio_payload(terms):
    license = terms["license"]
    kind = license["license_type"]
    return {
        "customer_id": license["customer"]["id"],
        "license_type": "perpetual" if kind == "perpetual" else KINDS[kind][1],
        "issued_at": instant(terms["issued_at"]),
        "expires_at": instant(license["expires_at"]),
        "features": license["features"],
        **license["limits"],
        "version": "2.0",
    }


def dtlic2_payload(terms):
    license = terms["license"]
    return {
        "license_key": terms["license_key"],
        **license["holder"],
        "tier": DTLIC2_TIERS[license["tier"]],
        "issued_at": instant(terms["issued_at"]),
        "expires_at": instant(license["expires_at"]),
    }


def session_payload(terms, session):
    """What an inline document and a JWS have in common, in the order that the members are answered in."""
    license, signed_at = terms["license"], terms["issued_at"]
    lease_end = signed_at + session["lease_seconds"] * 1000
    return {
        "license_id": license["license_id"],
        "license_key": terms["license_key"],
        "session_id": session["session_id"],
        "hardware_id": session["hardware_id"],
        "customer": license["customer"],
        "product": license["product"],
        "tier": license["tier"],
        "features": license["features"],
        "allowed_major_versions": license["allowed_major_versions"],
        "issuer": terms["issuer"],
        "signed_at": instant(signed_at),
        "expires_at": instant(lease_end + session["offline_grace_seconds"] * 1000),
        "lease_expires_at": instant(lease_end),
        "license_expires_at": instant(license["expires_at"]),
        "heartbeat_seconds": license["policy"]["heartbeat_seconds"],
        "borrowed": session["borrowed"],
        "nonce": session["nonce"],
    }
