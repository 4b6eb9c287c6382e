# What the runbooks ask. Sourced by bash in the folder of the repository; needs URL, ALGORITHM and LICENSE_KEY.

# kid STATE: the kid of the licence key of $ALGORITHM in this state.
kid() {
  npx countersign keys status --json | STATE=$1 node -e '
    const { STATE, ALGORITHM } = process.env;
    const { keys } = JSON.parse(fs.readFileSync(0, "utf8"));
    const found = keys.filter(({ use, algorithm, state }) => use === "license" && algorithm === ALGORITHM && state === STATE);
    if (found.length === 1 && found[0].kid !== null) console.log(found[0].kid);
    else {
      console.error(`${found.length} licence keys of ${ALGORITHM} are ${STATE}. Take the kid from: npx countersign keys status`);
      process.exit(1);
    }'
}

# acquire: the answer to a machine that takes a seat, or takes it again.
acquire() {
  node -p 'JSON.stringify({ license_key: process.env.LICENSE_KEY, hardware_id: "runbook" })' |
    curl -s "$URL/api/v1/licenses/acquire" -H 'Content-Type: application/json' -d @-
}

# signer: the kid that signs new documents, or the error code.
signer() {
  acquire | node -p '
    const answer = JSON.parse(fs.readFileSync(0, "utf8") || `{"code":"no answer"}`);
    answer.code ?? answer.license_data.kid ?? "unsigned"'
}

# heartbeat FILE: extends the session of an answer of acquire; says until when, or the error code.
heartbeat() {
  node -p 'JSON.stringify({ session_id: JSON.parse(fs.readFileSync(process.argv[1], "utf8")).session_id })' "$1" |
    curl -s "$URL/api/v1/licenses/heartbeat" -H 'Content-Type: application/json' -d @- |
    node -p '
      const answer = JSON.parse(fs.readFileSync(0, "utf8") || `{"code":"no answer"}`);
      answer.code ?? `lease until ${answer.lease_expires_at}`'
}

# verdict FILE: what the service says of an answer of acquire, or of a licence as text: valid, or the code.
verdict() {
  node -p '
    const text = fs.readFileSync(process.argv[1], "utf8").trim();
    JSON.stringify({ token: text.startsWith("{") ? JSON.parse(text).license_data : text })' "$1" |
    curl -s "$URL/api/v1/licenses/validate" -H 'Content-Type: application/json' -d @- |
    node -p '
      const answer = JSON.parse(fs.readFileSync(0, "utf8") || `{"code":"no answer"}`);
      answer.valid ? "valid" : answer.code'
}

# manifest KID: the state that the published manifest gives a key.
manifest() {
  curl -s "$URL/.well-known/license-keys" | KID=$1 node -p '
    const [, payload] = fs.readFileSync(0, "utf8").split(".");
    const { keys } = JSON.parse(Buffer.from(payload, "base64url"));
    keys.find(({ kid }) => kid === process.env.KID)?.state ?? "absent"'
}

# manifest_end: until when clients may rely on the published manifest.
manifest_end() {
  curl -s "$URL/.well-known/license-keys" | node -p '
    const [, payload] = fs.readFileSync(0, "utf8").split(".");
    new Date(JSON.parse(Buffer.from(payload, "base64url")).exp * 1000).toISOString()'
}

# ends_after INSTANT: whether the published manifest ends later than that: yes or no.
ends_after() {
  [[ "$(manifest_end)" > "$1" ]] && echo yes || echo no
}

# pinned FILE: what a client that pins the root key ($ROOT_KEY, a file) says of an answer of acquire: valid, or the code.
pinned() {
  node --input-type=module -e '
    import { readFileSync } from "node:fs";
    import { createVerifier } from "./shared/client/verifier.ts";
    import { importVerificationKey } from "./shared/client/verify.ts";
    const [document, root] = [process.argv[1], process.env.ROOT_KEY].map((file) => JSON.parse(readFileSync(file, "utf8")));
    const verifier = await createVerifier({ root: await importVerificationKey(root), baseUrl: process.env.URL });
    const { valid, code } = await verifier.verify(document.license_data);
    console.log(valid ? "valid" : code);' "$1"
}

# jwks KID: the state that the JWK set gives a key.
jwks() {
  curl -s "$URL/.well-known/jwks.json" | KID=$1 node -p '
    const { keys } = JSON.parse(fs.readFileSync(0, "utf8"));
    keys.find(({ kid }) => kid === process.env.KID)?.state ?? "absent"'
}

# eventually ANSWER COMMAND…: repeats the command each second until it answers this, for a minute.
eventually() {
  local wanted=$1 answer='' attempt
  shift
  for attempt in $(seq 60); do
    answer=$("$@")
    if [ "$answer" = "$wanted" ]; then
      echo "ok: $*"
      return 0
    fi
    sleep 1
  done
  echo "not ok after 60 attempts: $* answers $answer"
  return 1
}
