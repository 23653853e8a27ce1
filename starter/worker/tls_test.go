package worker

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serverTLS is a configuration for HTTP/2 as in the documentation of Serve.
func serverTLS(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, "making a key", err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, "making a certificate", err)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// Workers are replaced under clients of HTTP/2. Every request is a POST whose body can't be sent twice.
func TestHandoverOfHTTP2(t *testing.T) {
	t.Parallel()
	fd, address := rawSocket(t, "tcp")
	config := serverTLS(t)
	var served [4]atomic.Int64
	swing := Drain{Timeout: 10 * time.Second, idle: fullSwing, fresh: fullSwing}
	begin := func(generation int) *service {
		s := &service{process: inheriting(t, map[string]int{address: fd}), network: "tcp", address: address, fd: fd}
		s.serve(t, swing, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			served[generation].Add(1)
			fmt.Fprint(w, r.Proto)
		})}, config)
		return s
	}
	current := begin(0)

	stop, clients := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		clients.Go(func() {
			client := h2Client()
			defer client.CloseIdleConnections()
			for !isDone(stop) {
				resp, err := client.Post("https://"+address, "text/plain", io.MultiReader(strings.NewReader("body")))
				if err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				if body, err := io.ReadAll(resp.Body); string(body) != "HTTP/2.0" {
					t.Errorf("answered %q, %v", body, err)
				}
				resp.Body.Close()
			}
		})
	}
	for generation := range served {
		waitFor(t, "the clients to come", func() bool { return served[generation].Load() > 20 })
		old := current
		if generation+1 < len(served) {
			current = begin(generation + 1)
		} else {
			close(stop)
			clients.Wait()
		}
		old.drain(t)
		old.checkEnd(t)
	}
}

func h2Client() *http.Client {
	return &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
}

// The frames of HTTP/2 that a client needs for one GET (RFC 9113, and the static table of RFC 7541).
const (
	frameHeaders, frameSettings, frameGoAway = 1, 4, 7

	preface    = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	getHeaders = "\x82\x87\x84\x41\x04test" // :method GET, :scheme https, :path /, :authority test
)

func frame(kind, flags byte, stream uint32, payload string) []byte {
	header := []byte{0, 0, byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(header, stream), payload...)
}

// kinds reads frames until it has received one of each kind, and returns the kinds that it has read.
func kinds(r io.Reader, until ...byte) (met []byte, err error) {
	missing := func(kind byte) bool { return bytes.IndexByte(met, kind) < 0 }
	for slices.ContainsFunc(until, missing) {
		var header [9]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return met, err
		}
		met = append(met, header[3])
		length := int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
		if _, err := io.CopyN(io.Discard, r, length); err != nil {
			return met, err
		}
	}
	return met, nil
}

// A client with a request in flight gets GOAWAY together with its answer.
func TestDrainSendsGoAway(t *testing.T) {
	t.Parallel()
	s := inherited(t)
	d := quick
	d.idle = time.Minute // so that only the answer can bring it
	s.serve(t, d, &http.Server{Handler: http.HandlerFunc(echo)}, serverTLS(t))

	conn, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	check(t, "dialing", err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.Write([]byte(preface))
	conn.Write(frame(frameSettings, 0, 0, ""))
	const endOfStreamAndHeaders = 0x5
	conn.Write(frame(frameHeaders, endOfStreamAndHeaders, 1, getHeaders))
	if met, err := kinds(conn, frameHeaders); err != nil || slices.Contains(met, frameGoAway) {
		t.Fatalf("a serving worker answers with frames %v, %v", met, err)
	}
	s.drain(t)
	conn.Write(frame(frameHeaders, endOfStreamAndHeaders, 3, getHeaders))
	if met, err := kinds(conn, frameGoAway, frameHeaders); err != nil {
		t.Errorf("a draining worker answers with frames %v, %v", met, err)
	}
	conn.Close()
	s.checkEnd(t)
}

// Connections of HTTP/2 without TLS by prior knowledge (http.Protocols) are followed in the same way.
func TestDrainOfUnencryptedHTTP2(t *testing.T) {
	t.Parallel()
	s := inherited(t)
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	s.serve(t, quick, &http.Server{Handler: http.HandlerFunc(echo), Protocols: protocols}, nil)
	transport := &http.Transport{Protocols: protocols}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + s.address)
	check(t, "asking", err)
	resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("answered in %s", resp.Proto)
	}
	s.drain(t)
	s.checkEnd(t)
}

// TLS over HTTP/1.1, and a hijacked connection under it.
func TestDrainOfHijackedTLS(t *testing.T) {
	t.Parallel()
	s := inherited(t)
	d := quick
	d.Timeout = -1
	b := newBlocking()
	s.serve(t, d, &http.Server{Handler: http.HandlerFunc(b.hijack)}, serverTLS(t))
	conn, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true})
	check(t, "dialing", err)
	defer conn.Close()
	io.WriteString(net.Conn(conn), "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
	await(t, "the request", b.entered)
	s.drain(t)
	close(b.release)
	s.checkEnd(t)
}
