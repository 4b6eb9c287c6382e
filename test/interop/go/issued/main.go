// Verifies licences that were issued as text (AEGIS, CAIO v2, DTLIC2), with Go's standard library alone.
//
//	go run ./issued keys.json < licences.txt
//
// keys.json is a JWK set; each line of the input is a kid, a space and a licence. For each line the payload is printed,
// or "refused: " and why.
package main

import (
	"bufio"
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
)

type jwk struct {
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	X   string `json:"x"`
	N   string `json:"n"`
}

func main() {
	keys, err := readKeys(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		kid, text, _ := strings.Cut(lines.Text(), " ")
		if payload, err := verify(text, keys[kid]); err != nil {
			fmt.Println("refused:", err)
		} else {
			fmt.Println(string(payload))
		}
	}
}

func readKeys(path string) (map[string]jwk, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	keys := map[string]jwk{}
	err = json.Unmarshal(content, &set)
	for _, key := range set.Keys {
		keys[key.Kid] = key
	}
	return keys, err
}

// verify returns the payload of a licence that the key signed.
func verify(text string, key jwk) ([]byte, error) {
	signed, payload, signature, err := takeApart(text)
	if err != nil {
		return nil, err
	}
	if err := check(key, signed, signature); err != nil {
		return nil, err
	}
	if !json.Valid(payload) {
		return nil, errors.New("the payload is not JSON")
	}
	return compact(payload)
}

func takeApart(text string) (signed, payload, signature []byte, err error) {
	encoding, rest := base64.RawURLEncoding.Strict(), text
	isJWT := false
	switch {
	case strings.HasPrefix(text, "CAIO-v2-"):
		// A customer id may have hyphens; base64 in its standard alphabet has none.
		encoding, rest = base64.StdEncoding.Strict(), text[strings.LastIndex(text, "-")+1:]
	case strings.HasPrefix(text, "DTLIC2:"):
		rest = strings.TrimPrefix(text, "DTLIC2:")
	default:
		_, rest, isJWT = strings.Cut(text, ".")
	}
	body, tail, found := strings.Cut(rest, ".")
	if !found {
		return nil, nil, nil, errors.New("it has no signature")
	}
	if payload, err = encoding.DecodeString(body); err != nil {
		return nil, nil, nil, err
	}
	if signature, err = encoding.DecodeString(tail); err != nil {
		return nil, nil, nil, err
	}
	signed = payload
	if isJWT {
		signed = []byte(text[:strings.LastIndex(text, ".")])
	}
	return signed, payload, signature, nil
}

func check(key jwk, signed, signature []byte) error {
	if key.Kty == "OKP" {
		x, err := base64.RawURLEncoding.DecodeString(key.X)
		if err != nil || len(x) != ed25519.PublicKeySize || !ed25519.Verify(x, signed, signature) {
			return errors.New("not this Ed25519 key's signature")
		}
		return nil
	}
	n, err := base64.RawURLEncoding.DecodeString(key.N)
	if err != nil || len(n) == 0 {
		return errors.New("no such key")
	}
	digest := sha256.Sum256(signed)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
}

// compact leaves one line, whatever white space the signed bytes have.
func compact(payload []byte) ([]byte, error) {
	var value json.RawMessage
	if err := json.Unmarshal(payload, &value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}
