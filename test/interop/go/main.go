// Verifies a licence in JWS form offline, with Go's standard library alone.
//
//	curl -s https://licenses.example.com/.well-known/jwks.json > jwks.json
//	go run . jwks.json licence.jws
//
// A genuine licence that has not expired is printed, with exit code 0; for another one stderr says why.
package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"
)

type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	N   string `json:"n"`
	E   string `json:"e"`
}

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: go run . jwks.json licence.jws"))
	}
	jwks, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(err)
	}
	token, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err)
	}
	payload, err := verify(strings.TrimSpace(string(token)), jwks, time.Now())
	if err != nil {
		fail(err)
	}
	fmt.Println(string(payload))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// verify returns the payload of a token that a key of the set signed and that has not expired.
func verify(token string, jwks []byte, now time.Time) ([]byte, error) {
	parts := strings.Split(token, ".")
	// Go's base64 decoder skips line breaks, and a JWS has none.
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") {
		return nil, errors.New("a JWS has three parts in one line")
	}
	var head header
	if err := decodeJSON(parts[0], &head); err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	if head.Typ != "license+jwt" {
		return nil, fmt.Errorf("the type is %q, not license+jwt", head.Typ)
	}
	key, err := findKey(jwks, head.Kid)
	if err != nil {
		return nil, err
	}
	// The key says which algorithm verifies. The token has to agree and is never asked.
	if head.Alg != key.Alg {
		return nil, fmt.Errorf("the key is for %s, and the token says %s", key.Alg, head.Alg)
	}
	signature, err := decode(parts[2])
	if err != nil {
		return nil, fmt.Errorf("the signature: %w", err)
	}
	if err := checkSignature(key, []byte(parts[0]+"."+parts[1]), signature); err != nil {
		return nil, err
	}
	return unexpired(parts[1], now)
}

func findKey(jwks []byte, kid string) (jwk, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return jwk{}, err
	}
	for _, key := range set.Keys {
		if key.Kid == kid {
			return key, nil
		}
	}
	return jwk{}, fmt.Errorf("no key has the kid %q", kid)
}

func checkSignature(key jwk, signed, signature []byte) error {
	switch {
	case key.Kty == "OKP" && key.Crv == "Ed25519" && key.Alg == "EdDSA":
		x, err := decode(key.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return errors.New("the key is not an Ed25519 key")
		}
		if !ed25519.Verify(x, signed, signature) {
			return errors.New("the signature is not this key's signature of this licence")
		}
		return nil
	case key.Kty == "RSA" && key.Alg == "RS256":
		public, err := rsaKey(key)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(signed)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
	default:
		return fmt.Errorf("a key of type %s for %s is not supported", key.Kty, key.Alg)
	}
}

func rsaKey(key jwk) (*rsa.PublicKey, error) {
	n, err := decode(key.N)
	if err != nil {
		return nil, err
	}
	e, err := decode(key.E)
	if err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}

func unexpired(part string, now time.Time) ([]byte, error) {
	payload, err := decode(part)
	if err != nil {
		return nil, fmt.Errorf("the payload: %w", err)
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, fmt.Errorf("the payload: %w", err)
	}
	if now.Unix() >= claims.Expires {
		return nil, fmt.Errorf("the licence expired at %s", time.Unix(claims.Expires, 0).UTC().Format(time.RFC3339))
	}
	return payload, nil
}

func decodeJSON(part string, into any) error {
	text, err := decode(part)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	// A header that brings its own key or its own rules (jwk, jku, crit) is refused.
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// decode is strict: it refuses a last character whose unused bits are set.
func decode(part string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
