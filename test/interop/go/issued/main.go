// Verifies licences of every format (AEGIS, CAIO v2, DTLIC2, inline, JWS), with Go's standard library alone.
//
//	go run ./issued keys.json < licences.txt
//
// keys.json is a JWK set; each line of the input is a kid, a space and a licence. For each line the payload is printed,
// or "refused: " and why.
package main

import (
	"bufio"
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
)

type jwk struct {
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	Alg string `json:"alg"`
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

// parts are what a licence is taken apart into. What it says of its key and algorithm has to agree with the key.
type parts struct {
	signed, payload, signature []byte
	kid, alg                   string
}

// verify returns the payload of a licence that the key signed.
func verify(text string, key jwk) ([]byte, error) {
	taken, err := takeApart(text)
	if err != nil {
		return nil, err
	}
	if (taken.kid != "" && taken.kid != key.Kid) || (taken.alg != "" && taken.alg != key.Alg) {
		return nil, errors.New("it names another key or algorithm")
	}
	if err := check(key, taken.signed, taken.signature); err != nil {
		return nil, err
	}
	return compact(taken.payload)
}

func takeApart(text string) (parts, error) {
	switch {
	case strings.HasPrefix(text, "{"):
		return inlineParts(text)
	case strings.HasPrefix(text, "CAIO-v2-"):
		return caioParts(strings.TrimPrefix(text, "CAIO-v2-"))
	case strings.HasPrefix(text, "DTLIC2:"):
		return dtlic2Parts(strings.TrimPrefix(text, "DTLIC2:"))
	default:
		return tokenParts(text)
	}
}

func caioParts(text string) (parts, error) {
	// A customer id may have hyphens; base64 in its standard alphabet has none.
	hyphen := strings.LastIndex(text, "-")
	if hyphen < 0 {
		return parts{}, errors.New("it has no customer id")
	}
	payload, signature, err := decodeTwo(base64.StdEncoding, text[hyphen+1:])
	if err != nil {
		return parts{}, err
	}
	var named struct {
		CustomerID string `json:"customer_id"`
	}
	if err := json.Unmarshal(payload, &named); err != nil {
		return parts{}, err
	}
	if named.CustomerID != text[:hyphen] {
		return parts{}, errors.New("the customer id of the text is not the signed one")
	}
	return parts{signed: payload, payload: payload, signature: signature}, nil
}

func dtlic2Parts(text string) (parts, error) {
	payload, signature, err := decodeTwo(base64.RawURLEncoding, text)
	if err != nil {
		return parts{}, err
	}
	var named struct {
		Kid string `json:"kid"`
	}
	err = json.Unmarshal(payload, &named)
	return parts{signed: payload, payload: payload, signature: signature, kid: named.Kid, alg: "EdDSA"}, err
}

func tokenParts(text string) (parts, error) {
	head, rest, _ := strings.Cut(text, ".")
	payload, signature, err := decodeTwo(base64.RawURLEncoding, rest)
	if err != nil {
		return parts{}, err
	}
	header, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err != nil {
		return parts{}, err
	}
	var named struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}
	if err := json.Unmarshal(header, &named); err != nil {
		return parts{}, err
	}
	// AEGIS licences, which are Ed25519 alone, and documents of sessions. A program takes one of the two.
	isAegis := named.Typ == "JWT" && named.Alg == "EdDSA"
	if named.Kid == "" || named.Alg == "" || (!isAegis && named.Typ != "license+jwt") {
		return parts{}, errors.New("its header is another one")
	}
	signed := []byte(text[:strings.LastIndex(text, ".")])
	return parts{signed, payload, signature, named.Kid, named.Alg}, nil
}

var joseNames = map[string]string{"EC_SIGN_ED25519": "EdDSA", "RSA_SIGN_PKCS1_4096_SHA256": "RS256"}

func inlineParts(text string) (parts, error) {
	document, err := readInline(text)
	if err != nil {
		return parts{}, err
	}
	spelled, _ := document["signature"].(string)
	name, _ := document["signature_algorithm"].(string)
	kid, _ := document["kid"].(string)
	signature, err := base64.StdEncoding.Strict().DecodeString(spelled)
	if err != nil || joseNames[name] == "" || kid == "" {
		return parts{}, errors.New("it is not signed")
	}
	delete(document, "signature")
	delete(document, "signature_algorithm")
	var signed bytes.Buffer
	pythonJSON(&signed, document)
	return parts{signed.Bytes(), []byte(text), signature, kid, joseNames[name]}, nil
}

func decodeTwo(encoding *base64.Encoding, text string) (payload, signature []byte, err error) {
	body, tail, found := strings.Cut(text, ".")
	// Go's decoder skips line breaks.
	if !found || strings.ContainsAny(text, "\r\n") {
		return nil, nil, errors.New("it does not have a payload and a signature")
	}
	if payload, err = encoding.Strict().DecodeString(body); err != nil {
		return nil, nil, err
	}
	signature, err = encoding.Strict().DecodeString(tail)
	return payload, signature, err
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
