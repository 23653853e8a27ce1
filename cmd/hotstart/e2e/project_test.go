//go:build e2e && linux

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// project is a module with one program of testdata/programs in its main.go.
type project struct {
	dir    string
	source string // source code of the program, with TEXT in the place of its answer
}

// newProject writes a program into a new module. A requirement is a line of
// go.mod; the program gets starter/worker if it imports it.
func newProject(t *testing.T, program, requirement string) *project {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "programs", program+".go"))
	if err != nil {
		t.Fatal(err)
	}
	p := &project{dir: filepath.Join(t.TempDir(), "project"), source: string(source)}
	if strings.Contains(p.source, "hotstart/starter/worker") {
		requirement = "require github.com/hotstart/hotstart v0.0.0\n\nreplace github.com/hotstart/hotstart => " + checkout
	}
	p.write(t, "go.mod", "module example.com/program\n\ngo 1.25.0\n\n"+requirement+"\n")
	p.setText(t, "first")
	return p
}

// setText writes the program with another answer.
func (p *project) setText(t *testing.T, text string) {
	t.Helper()
	p.write(t, "main.go", strings.ReplaceAll(p.source, "TEXT", text))
}

func (p *project) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in the project.
func (p *project) run(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, bytes.TrimSpace(out))
	}
}

// build builds the program and returns the path of the binary.
func (p *project) build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(p.dir, "program")
	p.run(t, "go", "build", "-o", binary)
	return binary
}

// writeCertificate writes a certificate for 127.0.0.1 and its key.
func (p *project) writeCertificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	p.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

var portsTried atomic.Int32

// freeAddress returns an address on which no program listens. The kernel does
// not give its port to clients, which get ports above 32768.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprint("127.0.0.1:", 10000+(os.Getpid()*97+int(portsTried.Add(1)))%5000)
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
