package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed programs
var programs embed.FS

// project is a program to measure, in a module of its own.
type project struct {
	dir    string
	edited string // the file that has TEXT in it
	source string // of that
}

// newProject writes one of the programs into a new folder.
func newProject(dir, name, hotstart string) (*project, error) {
	source, err := fs.ReadFile(programs, "programs/"+name+".go.txt")
	if err != nil {
		return nil, fmt.Errorf("there is no program %q: %w", name, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &project{dir: dir, edited: "main.go", source: string(source)}
	mod := "module example.com/bench\n\ngo 1.24\n"
	if strings.Contains(p.source, "hotstart/starter/worker") {
		mod = "module example.com/bench\n\ngo 1.25.0\n\nrequire github.com/hotstart/hotstart v0.0.0\n\n" +
			"replace github.com/hotstart/hotstart => " + hotstart + "\n"
	}
	if err := p.file("go.mod", mod); err != nil {
		return nil, err
	}
	if name == "tls" {
		if err := p.certificate(); err != nil {
			return nil, err
		}
	}
	return p, p.write("first")
}

// write saves the program with another text in it.
func (p *project) write(text string) error {
	return p.file(p.edited, p.content(text))
}

func (p *project) content(text string) string { return strings.ReplaceAll(p.source, "TEXT", text) }

func (p *project) file(name, content string) error {
	return os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o644)
}

// certificate writes a new certificate for 127.0.0.1, and its key.
func (p *project) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := p.file("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))); err != nil {
		return err
	}
	return p.file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// freeAddress is one on which nobody listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
