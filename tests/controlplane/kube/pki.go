package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// One certificate authority signs the server's certificate, the clients' and, on demand, more.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func pemFile(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return pemFile(path, "PRIVATE KEY", der)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err)
	}
	return n
}

// newAuthority makes DIR/ca.crt and DIR/ca.key.
func newAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "test control plane"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key}, errors.Join(pemFile(filepath.Join(dir, "ca.crt"), "CERTIFICATE", der), writeKey(filepath.Join(dir, "ca.key"), key))
}

func loadAuthority(dir string) (*authority, error) {
	read := func(name string) ([]byte, error) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, errors.New(name + " is not PEM")
		}
		return block.Bytes, nil
	}
	der, err := read("ca.crt")
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if der, err = read("ca.key"); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key.(*ecdsa.PrivateKey)}, nil
}

// issue writes OUT.crt and OUT.key, good for servers on `hosts` and for clients alike.
func (a *authority) issue(out, name string, groups, hosts []string, validity time.Duration) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: name, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	return errors.Join(pemFile(out+".crt", "CERTIFICATE", der), writeKey(out+".key", key))
}

// certificate signs one more with a control plane's CA; a negative validity makes one that has expired.
func certificate(args []string) error {
	flags := flag.NewFlagSet("certificate", flag.ExitOnError)
	dir := flags.String("dir", "", "the control plane's directory, with ca.crt and ca.key")
	out := flags.String("out", "", "writes OUT.crt and OUT.key")
	name := flags.String("name", "", "common name: the user")
	groups := flags.String("groups", "", "organizations, with commas: the user's groups")
	hosts := flags.String("hosts", "", "host names and addresses, with commas")
	validity := flags.Duration("validity", 24*time.Hour, "from now on")
	flags.Parse(args)
	signer, err := loadAuthority(*dir)
	if err != nil {
		return err
	}
	list := func(text string) []string { return strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) }
	return signer.issue(*out, *name, list(*groups), list(*hosts), *validity)
}
