// Verifies the certificate of a licence key, with Go's standard library alone.
//
//	go run ./chain root.pem key.pem
//
// It prints the organizations, common names and validity of a certificate that the root issued, with exit code 0; for
// another one stderr says why.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

type certificate struct {
	Organization []string  `json:"organization"`
	CommonName   string    `json:"common_name"`
	NotBefore    time.Time `json:"not_before"`
	NotAfter     time.Time `json:"not_after"`
}

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: go run ./chain root.pem key.pem"))
	}
	root, err := read(os.Args[1])
	if err != nil {
		fail(err)
	}
	key, err := read(os.Args[2])
	if err != nil {
		fail(err)
	}
	chain, err := verify(root, key)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(describe(chain)); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func read(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 {
		return nil, fmt.Errorf("%s is not one certificate in PEM", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

// verify returns the chain from the key to the root, in the middle of the key's validity.
func verify(root, key *x509.Certificate) ([]*x509.Certificate, error) {
	if key.IsCA || key.KeyUsage != x509.KeyUsageDigitalSignature {
		return nil, errors.New("the certificate is not that of a key for documents alone")
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	chains, err := key.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: key.NotBefore.Add(key.NotAfter.Sub(key.NotBefore) / 2),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, err
	}
	return chains[0], nil
}

func describe(chain []*x509.Certificate) []certificate {
	var described []certificate
	for _, link := range chain {
		described = append(described, certificate{
			Organization: link.Subject.Organization,
			CommonName:   link.Subject.CommonName,
			NotBefore:    link.NotBefore,
			NotAfter:     link.NotAfter,
		})
	}
	return described
}
